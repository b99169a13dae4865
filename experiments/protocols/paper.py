"""The published numbers, as data, and what the published columns themselves give.

Train accuracy in per cent and seconds, each from one run without a stated seed
(ThermoLion, arXiv 2512.01881, Tables 1, 2 and 3). Nothing here is measured by
this project. Averages are kept twice: as printed, and as the printed columns
give them, because the two do not always agree.
"""

from __future__ import annotations

from statistics import fmean

DATASET_TITLES: dict[str, str] = {
    "gtsrb": "GTSRB",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "svhn": "SVHN",
    "stl10": "STL-10",
    "mnist": "MNIST",
    "fashion_mnist": "F-MNIST",
    "kmnist": "KMNIST",
    "emnist": "EMNIST",
    "qmnist": "QMNIST",
    "semeion": "SEMEION",
    "usps": "USPS",
}
OPTIMIZER_TITLES: dict[str, str] = {
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
    "lion": "Lion",
    "muadam": "MuAdam",
    "lookahead": "Lookahead",
    "swats": "SWATS",
    "swa": "SWA",
    "thermolion": "ThermoLion",
}
TABLES: dict[int, tuple[str, ...]] = {
    1: ("gtsrb", "cifar10", "cifar100", "svhn", "stl10"),
    2: ("mnist", "fashion_mnist", "kmnist", "emnist", "qmnist", "semeion", "usps"),
    3: ("gtsrb", "cifar10", "stl10"),
}
"""Number of the paper's table -> its data sets, in printed order."""

DATASETS: tuple[str, ...] = TABLES[1] + TABLES[2]
OPTIMIZERS: tuple[str, ...] = tuple(OPTIMIZER_TITLES)
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

PRINTED_GAIN: dict[str, float] = {
    "adamw": 0.6,
    "rmsprop": -16.3,
    "lion": -14.9,
    "muadam": -10.6,
    "lookahead": -6.9,
    "swats": 1.4,
    "thermolion": 20.9,
}
"""Average gain over Adam in points, as Table 1 prints it (one decimal)."""

PRINTED_OVERHEAD: dict[str, float] = {
    "adamw": -0.15,
    "lion": -0.22,
    "muadam": 0.18,
    "swats": 0.05,
    "thermolion": 0.98,
}
"""Average overhead over Adam in per cent, as Table 3 prints it (two decimals)."""


def accuracy(optimizer: str, dataset: str) -> float | None:
    """The printed train accuracy in per cent, or None where the paper prints nothing.

    Example:
        >>> accuracy("thermolion", "fashion_mnist")
        92.92
        >>> accuracy("lion", "mnist") is None
        True
    """
    return ACCURACY.get(optimizer, {}).get(dataset)


def gain_of_columns(optimizer: str) -> float | None:
    """Mean over Table 1's data sets of the printed accuracy minus Adam's, in points.

    Example:
        >>> round(gain_of_columns("lion"), 2)  # Table 1 prints -14.9
        -15.13
    """
    row = _TABLE_1.get(optimizer)
    if row is None or optimizer == BASELINE:
        return None
    return fmean(row[name] - _TABLE_1[BASELINE][name] for name in TABLES[1])


def overhead_of_columns(optimizer: str) -> float | None:
    """Mean over Table 3's data sets of seconds / Adam's seconds - 1, in per cent.

    Example:
        >>> round(overhead_of_columns("thermolion"), 2)  # Table 3 prints 0.98
        1.03
    """
    row = SECONDS.get(optimizer)
    if row is None or optimizer == BASELINE:
        return None
    return 100 * fmean(row[name] / SECONDS[BASELINE][name] - 1 for name in TABLES[3])


def gain_disagrees(optimizer: str) -> bool:
    """Whether the gain that Table 1 prints is not the one its own columns give."""
    columns, printed = gain_of_columns(optimizer), PRINTED_GAIN.get(optimizer)
    return columns is not None and printed is not None and abs(columns - printed) > 0.05 + 1e-9


def overhead_disagrees(optimizer: str) -> bool:
    """Whether the overhead that Table 3 prints is not the one its own columns give."""
    columns, printed = overhead_of_columns(optimizer), PRINTED_OVERHEAD.get(optimizer)
    return columns is not None and printed is not None and abs(columns - printed) > 0.005 + 1e-9
