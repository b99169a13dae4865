"""Paired differences of two optimizers, with an interval that speaks of new seeds and new images.

A paired difference is D[s, i], one seed and one test image, with seed s's initialisation and data
order shared by both optimizers. Its mean varies with the seeds drawn and with the images drawn::

    m ± t(df) · √(s²/S + w²/N)

s is the standard deviation of the S seeds' differences (each averaged over the images), w that of
the N images' (each averaged over the seeds). The degrees of freedom are Welch and Satterthwaite's,
(A + B)² / (A²/(S-1) + B²/(N-1)) with A = s²/S and B = w²/N: by simulated coverage
(`experiments.analysis.coverage`) they hold in 93 to 97 % of studies whether seeds or images make
the noise, where S - 1 is far too wide for few seeds and noisy images (t(2) is 4.3, not 2.0). What a
run and an image do together stands in both terms, so where that is much of the noise the interval
is too wide (at worst by √2), never too narrow; and it is never narrower than over seeds alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy import stats

from experiments.analysis.runs import Runs, common_seeds, image_means, rows_of, shared
from experiments.analysis.statistics import LEVEL

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
        """True difference that such a comparison tells from 0 four times in five.

        (t(½ + level/2, df) + t(0.8, df)) · standard error; None for one seed.
        """
        if self.half is None or self.df is None or self.seed_error is None:
            return None
        error = math.hypot(self.seed_error, self.image_error or 0.0)
        return self.half + float(stats.t.ppf(POWER, self.df)) * error


def difference(one: Runs, other: Runs, *, comparisons: int = 1) -> Difference:
    """Paired difference in points, ``one`` minus ``other``, over the seeds that both have.

    The bits count where both have them, else the interval speaks of new seeds alone.

    Args:
        one: S runs.
        other: runs of the same seeds on the same images.
        comparisons: k, how many comparisons the question lists; the level is 1 - 0.05/k.

    Raises:
        ValueError: no common seed, test sets of different sizes, or k < 1.

    Example:
        >>> from experiments.analysis.runs import runs
        >>> ours = runs([0, 1, 2], [0.75, 0.5, 0.75])
        >>> found = difference(ours, runs([0, 1, 2], [0.5, 0.5, 0.5]))
        >>> round(found.mean, 2), round(found.half, 2), found.df
        (16.67, 35.86, 2.0)
    """
    seeds = common_seeds(one, other)
    by_seed = 100.0 * (one.accuracy[rows_of(one, seeds)] - other.accuracy[rows_of(other, seeds)])
    ours, theirs = image_means(one, seeds), image_means(other, seeds)
    images = []
    if ours is not None and theirs is not None:
        images = [(float((100.0 * (ours - theirs)).var(ddof=1)) / ours.size, ours.size)]
    return _with_interval(
        dict(zip(seeds, by_seed.tolist(), strict=True)), images, _level(comparisons)
    )


def loss_difference(
    one: Mapping[int, float], other: Mapping[int, float], *, comparisons: int = 1
) -> Difference:
    """Paired difference of losses, 100 · (ln one - ln other), over common seeds.

    Near 0 that is the difference in per cent; the logarithm makes it the same, but for its sign,
    whichever comes second. The interval speaks of new seeds alone.

    Raises:
        ValueError: no common seed, or a loss that is not finite and positive.

    Example:
        >>> round(loss_difference({0: 0.95, 1: 0.95}, {0: 1.0, 1: 1.0}).mean, 2)
        -5.13
    """
    seeds = shared(one, other)
    for seed in seeds:
        for value in (one[seed], other[seed]):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(
                    f"seed {seed}: a loss of {value} has no logarithm; score a diverged run with "
                    "chance's loss, ln K for K classes"
                )
    by_seed = {seed: 100.0 * (math.log(one[seed]) - math.log(other[seed])) for seed in seeds}
    return _with_interval(by_seed, [], _level(comparisons))


def over_seeds(by_seed: Mapping[int, float], *, comparisons: int = 1) -> Difference:
    """The mean of one number a seed, with its interval over new seeds.

    Example:
        >>> found = over_seeds({0: 1.0, 1: 2.0, 2: 3.0})
        >>> round(found.mean, 2), round(found.half, 2)
        (2.0, 2.48)
    """
    return _with_interval(by_seed, [], _level(comparisons))


def over_sets(differences: Sequence[Difference]) -> Difference:
    """Equal-weight mean over data sets.

    Seeds enter by each seed's mean over the sets, so that what one seed does on all sets alike is
    not taken for independent; the sets' images are independent.

    Raises:
        ValueError: no set, different seeds or levels, or bits for some sets alone.
    """
    if not differences:
        raise ValueError("no data sets to average over")
    first = differences[0]
    for each in differences[1:]:
        if set(each.by_seed) != set(first.by_seed):
            raise ValueError(
                f"sets have seeds {sorted(first.by_seed)} and {sorted(each.by_seed)}; "
                "give all of them the seeds that they share"
            )
        if (each.images is None) != (first.images is None) or each.level != first.level:
            raise ValueError("sets differ in their level, or some have bits and some have none")
    count = len(differences)
    by_seed = {
        seed: float(np.mean([each.by_seed[seed] for each in differences]))
        for seed in sorted(first.by_seed)
    }
    images = [
        ((each.image_error / count) ** 2, each.images)
        for each in differences
        if each.image_error is not None and each.images is not None
    ]
    return _with_interval(by_seed, images, first.level)


def _level(comparisons: int) -> float:
    if comparisons < 1:
        raise ValueError(f"comparisons is {comparisons}, expected at least 1")
    return 1 - (1 - LEVEL) / comparisons


@lru_cache(maxsize=4096)
def _quantile(level: float, df: float) -> float:
    return float(stats.t.ppf(0.5 + level / 2, df))


def _with_interval(
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
