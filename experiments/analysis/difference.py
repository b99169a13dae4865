"""A mean paired difference with its interval, from the seeds' differences and the images' variance.

What the interval is and why stands in `experiments.analysis.paired`, which makes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy import stats

from experiments.analysis.interval import LEVEL

POWER = 0.8
_ROUNDING = 1e-9  # points: differences of equal accuracies are not always exactly 0


@dataclass(frozen=True, eq=False)
class Difference:
    """A mean paired difference and its intervals, in points (or 100 ln(ratio) for a loss).

    Attributes:
        mean: first minus second.
        half: half the interval's width, over new seeds and, where there are bits, new images; None
            for one seed, which says nothing of others.
        half_seeds: the same over new seeds alone, t(S-1) · s/√S.
        level: what the intervals hold, 1 - 0.05/k for k comparisons.
        df: degrees of freedom behind ``half``.
        seed_error: s/√S.
        image_error: w/√N, None without bits.
        images: N, None without bits.
        by_seed: each seed's difference.
    """

    mean: float
    half: float | None
    half_seeds: float | None
    level: float
    df: float | None
    seed_error: float | None
    image_error: float | None
    images: int | None
    by_seed: Mapping[int, float] = field(repr=False)

    @property
    def low(self) -> float:
        """Lower end of the interval, -inf without one."""
        return -math.inf if self.half is None else self.mean - self.half

    @property
    def high(self) -> float:
        """Upper end of the interval, inf without one."""
        return math.inf if self.half is None else self.mean + self.half

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.low > _ROUNDING or self.high < -_ROUNDING

    def within(self, delta: float) -> bool:
        """Whether the interval lies within ±``delta``."""
        return -delta - _ROUNDING <= self.low and self.high <= delta + _ROUNDING

    @property
    def smallest_detectable(self) -> float | None:
        """True difference that such a comparison detects four times in five.

        (t(½ + level/2, df) + t(0.8, df)) · standard error; None for one seed.
        """
        if self.half is None or self.df is None or self.seed_error is None:
            return None
        error = math.hypot(self.seed_error, self.image_error or 0.0)
        return self.half + float(stats.t.ppf(POWER, self.df)) * error


def level_of(comparisons: int) -> float:
    """1 - 0.05/k for k comparisons."""
    if comparisons < 1:
        raise ValueError(f"comparisons is {comparisons}, expected at least 1")
    return 1 - (1 - LEVEL) / comparisons


@lru_cache(maxsize=4096)
def _quantile(level: float, df: float) -> float:
    return float(stats.t.ppf(0.5 + level / 2, df))


def with_interval(
    by_seed: Mapping[int, float], images: Sequence[tuple[float, int]], level: float
) -> Difference:
    """The interval from the seeds' differences and each set's (w²/N, N)."""
    values = np.fromiter(by_seed.values(), np.float64)
    count = values.size
    mean = float(values.mean())
    many = sum(n for _, n in images) if images else None
    of_images = sum(variance for variance, _ in images)
    image_error = math.sqrt(of_images) if images else None
    if count == 1:
        return Difference(mean, None, None, level, None, None, image_error, many, by_seed)
    of_seeds = float(values.var(ddof=1)) / count
    parts = [(of_seeds, count - 1), *((variance, n - 1) for variance, n in images)]
    df = welch_satterthwaite(parts)
    error = math.sqrt(of_seeds)
    half_seeds = _quantile(level, count - 1) * error
    return Difference(
        mean,
        # The images' degrees of freedom could make it the narrower one for two or three seeds.
        half=max(half_seeds, _quantile(level, df) * math.sqrt(of_seeds + of_images)),
        half_seeds=half_seeds,
        level=level,
        df=df,
        seed_error=error,
        image_error=image_error,
        images=many,
        by_seed=by_seed,
    )


def welch_satterthwaite(parts: Sequence[tuple[float, int]]) -> float:
    """Degrees of freedom of a sum of (variance, degrees of freedom); all zero: the first's.

    Example:
        >>> welch_satterthwaite([(1.0, 4), (1.0, 4)]), welch_satterthwaite([(0.0, 4), (0.0, 9)])
        (8.0, 4.0)
    """
    whole = sum(variance for variance, _ in parts)
    below = sum(variance**2 / df for variance, df in parts if variance)
    return whole**2 / below if below > 0 else float(parts[0][1])
