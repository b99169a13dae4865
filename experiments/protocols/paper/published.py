"""The published numbers, as data, and what the published columns themselves give.

Train accuracy in per cent and seconds, each from one run without a stated seed
(ThermoLion, arXiv 2512.01881, Tables 1, 2 and 3). Nothing here is measured by
this project. Averages are kept twice: as printed, and as the printed columns
give them, because the two do not always agree.
"""

from __future__ import annotations

from statistics import fmean
from typing import NamedTuple

from experiments.protocols.reference import Reference

TABLES: dict[int, tuple[str, ...]] = {
    1: ("gtsrb", "cifar10", "cifar100", "svhn", "stl10"),
    2: ("mnist", "fashion_mnist", "kmnist", "emnist", "qmnist", "semeion", "usps"),
    3: ("gtsrb", "cifar10", "stl10"),
}
"""Number of the paper's table -> its data sets, in printed order."""

DATASETS: tuple[str, ...] = TABLES[1] + TABLES[2]
OPTIMIZERS: tuple[str, ...] = (
    "adam",
    "adamw",
    "rmsprop",
    "lion",
    "muadam",
    "lookahead",
    "swats",
    "swa",
    "thermolion",
)
BASELINE = "adam"


def _columns(table: int, rows: dict[str, str]) -> dict[str, dict[str, float]]:
    return {
        optimizer: dict(zip(TABLES[table], map(float, printed.split()), strict=True))
        for optimizer, printed in rows.items()
    }


_TABLE_1 = _columns(
    1,
    {
        "adam": "67.38 54.60 29.54 69.24 55.94",
        "adamw": "67.12 54.78 28.52 74.10 55.34",
        "rmsprop": "61.92 46.38 18.96 20.34 47.38",
        "lion": "40.16 46.14 18.88 49.32 46.54",
        "muadam": "53.44 55.12 35.00 19.50 50.52",
        "lookahead": "54.22 50.52 25.44 60.26 50.60",
        "swats": "67.72 55.70 30.42 73.68 56.04",
        "thermolion": "87.98 74.60 65.40 79.18 74.22",
    },
)
_TABLE_2 = _columns(
    2,
    {
        "adam": "95.88 84.88 90.66 96.90 96.12 95.54 96.64",
        "muadam": "97.04 90.66 98.16 97.94 100.0 99.50 95.78",
        "thermolion": "99.94 92.92 99.68 100.0 99.90 99.94 99.50",
    },
)
SECONDS = _columns(
    3,
    {
        "adam": "24.64 15.60 30.75",
        "adamw": "24.59 15.50 31.16",
        "lion": "24.52 15.46 31.19",
        "muadam": "24.67 15.54 31.13",
        "swats": "24.51 15.66 30.75",
        "thermolion": "24.84 15.69 31.27",
    },
)
"""Optimizer -> data set -> seconds of the 12-epoch training loop on a T4 (Table 3)."""

ACCURACY: dict[str, dict[str, float]] = {
    optimizer: _TABLE_1.get(optimizer, {}) | _TABLE_2.get(optimizer, {}) for optimizer in OPTIMIZERS
}
"""Optimizer -> data set -> train accuracy in per cent; absent where nothing is printed."""

_PRINTED_GAIN: dict[str, float] = {
    "adamw": 0.6,
    "rmsprop": -16.3,
    "lion": -14.9,
    "muadam": -10.6,
    "lookahead": -6.9,
    "swats": 1.4,
    "thermolion": 20.9,
}
"""Average gain over Adam in points, as Table 1 prints it (one decimal)."""

_PRINTED_OVERHEAD: dict[str, float] = {
    "adamw": -0.15,
    "lion": -0.22,
    "muadam": 0.18,
    "swats": 0.05,
    "thermolion": 0.98,
}
"""Average overhead over Adam in per cent, as Table 3 prints it (two decimals)."""


REFERENCE = Reference("paper", "convnet", DATASETS, OPTIMIZERS, ACCURACY)


class Average(NamedTuple):
    """One average twice: as the paper prints it, and as its own columns give it."""

    printed: float | None
    columns: float | None
    decimals: int

    @property
    def disagrees(self) -> bool:
        """Whether the two differ by more than rounding explains."""
        if self.printed is None or self.columns is None:
            return False
        return abs(self.columns - self.printed) > 0.5 * 10**-self.decimals + 1e-9


def gain(optimizer: str) -> Average:
    """Mean over Table 1's data sets of accuracy minus Adam's, in points.

    Example:
        >>> lion = gain("lion")
        >>> lion.printed, round(lion.columns, 2), lion.disagrees
        (-14.9, -15.13, True)
    """
    row, columns = _TABLE_1.get(optimizer), None
    if row is not None and optimizer != BASELINE:
        columns = fmean(row[name] - _TABLE_1[BASELINE][name] for name in TABLES[1])
    return Average(_PRINTED_GAIN.get(optimizer), columns, 1)


def overhead(optimizer: str) -> Average:
    """Mean over Table 3's data sets of seconds / Adam's seconds - 1, in per cent.

    Example:
        >>> thermolion = overhead("thermolion")
        >>> thermolion.printed, round(thermolion.columns, 2)
        (0.98, 1.03)
    """
    row, columns = SECONDS.get(optimizer), None
    if row is not None and optimizer != BASELINE:
        columns = 100 * fmean(row[name] / SECONDS[BASELINE][name] - 1 for name in TABLES[3])
    return Average(_PRINTED_OVERHEAD.get(optimizer), columns, 2)
