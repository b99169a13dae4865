"""A mean with its uncertainty."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
ENOUGH = 5
"""Values below which an interval would pretend more than is known: the values are shown instead."""


@dataclass(frozen=True)
class Interval:
    """A mean and its two-sided 95 % confidence interval; ``half`` is None where n is 1.

    Attributes:
        mean: arithmetic mean.
        half: half the width of the confidence interval for the mean, t(n-1) · std / √n.
        std: standard deviation of the sample (n - 1), None where n is 1.
        n: number of values.
        values: the values themselves.
    """

    mean: float
    half: float | None
    std: float | None
    n: int
    values: tuple[float, ...] = ()

    @property
    def prediction(self) -> float | None:
        """Half the width of the 95 % prediction interval, t(n-1) · std · √(1 + 1/n)."""
        return None if self.half is None else self.half * math.sqrt(self.n + 1)

    def excludes(self, value: float) -> bool:
        """Whether ``value`` lies outside the confidence interval for the mean."""
        return self.half is not None and abs(value - self.mean) > self.half + 1e-9

    def prediction_excludes(self, value: float) -> bool:
        """Whether ``value``, being one run, lies outside the prediction interval."""
        return self.prediction is not None and abs(value - self.mean) > self.prediction + 1e-9


def interval(values: Iterable[float]) -> Interval:
    """Mean and 95 % t confidence interval of independent values.

    Raises:
        ValueError: there are no values.

    Example:
        >>> one = interval([1.0, 2.0, 3.0])
        >>> one.mean, round(one.half, 4), one.std
        (2.0, 2.4841, 1.0)
    """
    array = np.asarray(list(values), dtype=np.float64)
    if array.size == 0:
        raise ValueError("no values to average")
    n, mean, found = array.size, float(array.mean()), tuple(array.tolist())
    if n == 1:
        return Interval(mean, None, None, 1, found)
    std = float(array.std(ddof=1))
    return Interval(mean, _t_quantile(n - 1) * std / math.sqrt(n), std, n, found)


@functools.cache
def _t_quantile(freedom: int) -> float:
    """The half width of a t interval in standard errors; SciPy takes long over each."""
    return float(stats.t.ppf(0.5 + LEVEL / 2, freedom))
