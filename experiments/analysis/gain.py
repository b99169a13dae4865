"""Of the gain over untuned Adam, what remains over tuned AdamW."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments.analysis.paired import Difference, difference
from experiments.analysis.runs import Runs, common_seeds, image_means, restricted


@dataclass(frozen=True)
class Remaining:
    """A gain, what remains of it, and their ratio.

    Attributes:
        gain: ours minus the untuned baseline, points.
        remains: ours minus the tuned one, points.
        share: remains / gain; None where the gain's interval holds 0, or there is no gain.
        low: lower end of the share's 95 % interval (Fieller's).
        high: upper end.
        text: all of it in a line.
    """

    gain: Difference
    remains: Difference
    share: float | None
    low: float | None
    high: float | None
    text: str


def remaining(ours: Runs, untuned: Runs, tuned: Runs) -> Remaining:
    """Share of the gain over ``untuned`` that remains over ``tuned``, with Fieller's interval.

    With A = ours - untuned and B = ours - tuned, the interval holds every θ for which B - θA does
    not differ from 0: (B̄ - θĀ)² ≤ t² (V_BB - 2θ V_AB + θ² V_AA), variances and covariance being
    those of `paired`, over seeds and images, t with the fewer degrees of freedom of the two. It is
    bounded only where A's own interval excludes 0; else no share is given. A share above 1 means
    that tuning made the other worse; below 0, that tuned it beats ours.

    Args:
        ours: runs of the optimizer in question, tuned.
        untuned: runs of the baseline at its default, same images.
        tuned: runs of the tuned baseline, same images.

    Raises:
        ValueError: no seed that all three have, or test sets of different sizes.

    Example:
        >>> from experiments.analysis.runs import runs
        >>> found = remaining(
        ...     runs([0, 1], [0.90, 0.90]), runs([0, 1], [0.80, 0.80]), runs([0, 1], [0.89, 0.89])
        ... )
        >>> found.text
        '+1.00 of +10.00 points, 10 % [10 %, 10 %]'
    """
    seeds = common_seeds(ours, untuned, tuned)
    three = (ours, untuned, tuned)
    bits = all(each.correct is not None for each in three)
    ours, untuned, tuned = (restricted(each, seeds, bits=bits) for each in three)
    gain, remains = difference(ours, untuned), difference(ours, tuned)
    numbers = f"{remains.mean:+.2f} of {gain.mean:+.2f} points"
    if gain.half is None or gain.df is None or remains.df is None:
        return Remaining(gain, remains, None, None, None, f"{numbers}, one seed and so no share")
    both = np.array([[gain.by_seed[seed], remains.by_seed[seed]] for seed in seeds])
    covariance = np.cov(both.T) / len(seeds)
    means = [image_means(each, seeds) for each in (ours, untuned, tuned)]
    by_image = [100.0 * mean for mean in means if mean is not None]
    if by_image:
        mine, *others = by_image
        covariance += np.cov(np.stack([mine - other for other in others])) / mine.size
    level = 0.5 + gain.level / 2
    t2 = float(stats.t.ppf(level, min(gain.df, remains.df))) ** 2
    square = gain.mean**2 - t2 * covariance[0, 0]
    if square <= 0 or not gain.excludes_zero:
        text = f"{numbers}, no share: the interval of the gain contains 0"
        return Remaining(gain, remains, None, None, None, text)
    if gain.mean < 0:
        text = f"{numbers}, no share: there is no gain"
        return Remaining(gain, remains, None, None, None, text)
    cross = gain.mean * remains.mean - t2 * covariance[0, 1]
    last = remains.mean**2 - t2 * covariance[1, 1]
    root = math.sqrt(max(0.0, cross**2 - square * last))
    low, high, share = (cross - root) / square, (cross + root) / square, remains.mean / gain.mean
    text = f"{numbers}, {100 * share:.0f} % [{100 * low:.0f} %, {100 * high:.0f} %]"
    return Remaining(gain, remains, share, low, high, text)
