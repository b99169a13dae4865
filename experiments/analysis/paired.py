"""Paired differences of two optimizers, with an interval that holds for new seeds and new images.

A paired difference is D[s, i], one seed and one test image, with seed s's initialisation and data
order shared by both optimizers. Its mean varies with the seeds drawn and with the images drawn::

    m ± t(df) · √(s²/S + w²/N)

s is the standard deviation of the S seeds' differences (each averaged over the images), w that of
the N images' (each averaged over the seeds). The degrees of freedom are Welch and Satterthwaite's,
(A + B)² / (A²/(S-1) + B²/(N-1)) with A = s²/S and B = w²/N: by simulation
(`tests/support/simulated_coverage.py`) they hold in 93 to 97 % of studies whether seeds or images
make the noise, where S - 1 is far too wide for few seeds and noisy images (t(2) is 4.3, not 2.0).
What a run and an image do together stands in both terms, so where that is much of the noise the
interval is too wide (at worst by √2), never too narrow; and it is never narrower than over seeds
alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from experiments.analysis.difference import Difference, level_of, with_interval
from experiments.analysis.runs import Runs, common_seeds, image_means, rows_of, shared


def difference(one: Runs, other: Runs, *, comparisons: int = 1) -> Difference:
    """Paired difference in points, ``one`` minus ``other``, over the seeds that both have.

    The bits count where both have them, else the interval holds for new seeds alone.

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
    return with_interval(
        dict(zip(seeds, by_seed.tolist(), strict=True)), images, level_of(comparisons)
    )


def double_difference(
    first: tuple[Runs, Runs], second: tuple[Runs, Runs], *, comparisons: int = 1
) -> Difference:
    """How much larger the paired difference of ``first`` is than that of ``second``, in points.

    Over the seeds that all four have, on the same test images under two conditions: the interval is
    `difference`'s, of each seed's and each image's difference of differences.

    Args:
        first: runs of the one and of the other optimizer under the first condition.
        second: the same under the second.
        comparisons: as for `difference`.

    Raises:
        ValueError: as `difference`.

    Example:
        >>> from experiments.analysis.runs import runs
        >>> ahead = runs([0, 1], [0.75, 0.75]), runs([0, 1], [0.5, 0.5])
        >>> behind = runs([0, 1], [0.25, 0.25]), runs([0, 1], [0.5, 0.5])
        >>> double_difference(ahead, behind).mean
        50.0
    """
    four = (*first, *second)
    seeds = common_seeds(*four)

    def combined(one: np.ndarray, two: np.ndarray, three: np.ndarray, four: np.ndarray):
        return 100.0 * ((one - two) - (three - four))

    by_seed = combined(*(each.accuracy[rows_of(each, seeds)] for each in four))
    means = [mean for each in four if (mean := image_means(each, seeds)) is not None]
    images = []
    if len(means) == len(four):
        by_image = combined(*means)
        images = [(float(by_image.var(ddof=1)) / by_image.size, by_image.size)]
    return with_interval(
        dict(zip(seeds, by_seed.tolist(), strict=True)), images, level_of(comparisons)
    )


def loss_difference(
    one: Mapping[int, float], other: Mapping[int, float], *, comparisons: int = 1
) -> Difference:
    """Paired difference of losses, 100 · (ln one - ln other), over common seeds.

    Near 0 that is the difference in per cent; the logarithm makes it the same, but for its sign,
    whichever comes second. The interval holds for new seeds alone.

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
    return with_interval(by_seed, [], level_of(comparisons))


def over_seeds(by_seed: Mapping[int, float], *, comparisons: int = 1) -> Difference:
    """The mean of one number a seed, with its interval over new seeds.

    Example:
        >>> found = over_seeds({0: 1.0, 1: 2.0, 2: 3.0})
        >>> round(found.mean, 2), round(found.half, 2)
        (2.0, 2.48)
    """
    return with_interval(by_seed, [], level_of(comparisons))


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
    return with_interval(by_seed, images, first.level)
