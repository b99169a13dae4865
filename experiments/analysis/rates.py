"""Accuracy against learning rate, how wide its top is, and accuracy against runs spent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.analysis.selection import outermost

TOLERANCE = 1.0
"""Points of accuracy below the best that count as good as it."""


@dataclass(frozen=True)
class Width:
    """Decades of learning rates within `TOLERANCE` of the best.

    Attributes:
        decades: log10 of the highest such rate over the lowest.
        low: the lowest.
        high: the highest.
        at_least: whether the range reaches an end of what was tried, and so may be wider.
    """

    decades: float
    low: float
    high: float
    at_least: bool

    @property
    def centre(self) -> float:
        """The middle on the log axis."""
        return math.sqrt(self.low * self.high)

    def __str__(self) -> str:
        return f"{'at least ' if self.at_least else ''}{self.decades:.2f} decades"


@dataclass(frozen=True, eq=False)
class Profile:
    """Accuracy against learning rate, in per cent, rates ascending.

    Attributes:
        rates: (R,).
        mean: (R,) mean over seeds.
        low: (R,) the worst seed, the band's lower edge.
        high: (R,) the best seed.
        best: the rate with the highest mean, of equals the lowest.
        at_edge: whether the best is the outermost rate that was tried.
    """

    rates: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    best: float
    at_edge: bool

    def width(self) -> Width:
        """Rates whose accuracy lies within `TOLERANCE` points of the best one's.

        The mean is interpolated linearly between rates on the log axis, from the best rate
        outwards to where it first falls below; what rises again beyond is not counted.

        Example:
            >>> profile([1e-3, 1e-2, 1e-1], [[0.88], [0.90], [0.88]]).width().decades
            1.0
        """
        place = int(np.searchsorted(self.rates, self.best))
        level = float(self.mean[place]) - TOLERANCE
        logs = np.log10(self.rates)
        low, open_low = _crossing(logs[place::-1], self.mean[place::-1], level)
        high, open_high = _crossing(logs[place:], self.mean[place:], level)
        return Width(high - low, 10.0**low, 10.0**high, open_low or open_high)


def _crossing(logs: np.ndarray, values: np.ndarray, level: float) -> tuple[float, bool]:
    """Where ``values`` first fall below ``level``; else the last place, and True."""
    below = np.flatnonzero(values < level)
    if not below.size:
        return float(logs[-1]), True
    after = int(below[0])
    share = (values[after - 1] - level) / (values[after - 1] - values[after])
    return float(logs[after - 1] + share * (logs[after] - logs[after - 1])), False


def profile(rates: Sequence[float], accuracies: Sequence[Sequence[float]]) -> Profile:
    """Accuracy against learning rate.

    Bands reach from the worst seed to the best: a tuning stage has two seeds, for which a t
    interval (12.7 standard errors) says nothing.

    Args:
        rates: R positive numbers, in any order, each once.
        accuracies: each rate's fractions, one a seed, as many as there are; a run that diverged
            has 1/K.

    Raises:
        ValueError: no rates, one twice, not positive, without runs, or a value that is no fraction.
    """
    if not len(rates) or len(rates) != len(accuracies):
        raise ValueError(f"rates has {len(rates)} values, accuracies {len(accuracies)} rows")
    found = np.asarray(rates, np.float64)
    if not (np.isfinite(found).all() and found.min() > 0 and np.unique(found).size == found.size):
        raise ValueError(f"rates {found.tolist()} are not positive and different")
    rows = []
    for rate, values in zip(found, accuracies, strict=True):
        row = 100.0 * np.asarray(values, np.float64)
        if not (row.size and np.isfinite(row).all() and row.min() >= 0 and row.max() <= 100):
            raise ValueError(
                f"rate {rate:g}: accuracies {list(values)} are not one or more fractions; "
                "score a diverged run 1/K, with K classes"
            )
        rows.append((row.mean(), row.min(), row.max()))
    order = np.argsort(found)
    found, (mean, low, high) = found[order], np.asarray(rows)[order].T
    best = int(np.argmax(mean))
    rate = float(found[best])
    return Profile(found, mean, low, high, rate, outermost(rate, found.tolist()))


def best_so_far(accuracies: Sequence[float | None]) -> np.ndarray:
    """Highest validation accuracy in per cent after each run of the ledger, in its order.

    A run that diverged (None or not finite) counts as 0 and as a run spent.

    Example:
        >>> best_so_far([0.5, None, 0.25, 0.75]).tolist()
        [50.0, 50.0, 50.0, 75.0]
    """
    values = [value if value is not None and math.isfinite(value) else 0.0 for value in accuracies]
    if values and not (min(values) >= 0 and max(values) <= 1):
        raise ValueError(f"accuracies from {min(values)} to {max(values)} are no fractions")
    return 100.0 * np.maximum.accumulate(np.asarray(values, np.float64))
