"""Who is better than whom: ranks, mean ranks over data sets, probability of improvement."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from experiments.analysis.interval import LEVEL
from experiments.analysis.paired import Difference, difference
from experiments.analysis.runs import Runs


@dataclass(frozen=True)
class Estimate:
    """A number with the ends of its 95 % interval, None where there is one seed."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Rank:
    """An optimizer's rank on one data set, 1 being the best, with its 95 % interval.

    Attributes:
        rank: 1 + the optimizers with a higher mean over all their runs; equals share their mean
            rank.
        low: 1 + the optimizers found better, or the rank where that is less.
        high: all but those found worse, or the rank where that is more.
        of: number of optimizers.
        better: the optimizers that this one is found better than.
        worse: those that it is found worse than.
    """

    rank: float
    low: int
    high: int
    of: int
    better: tuple[str, ...]
    worse: tuple[str, ...]


def ranks(runs: Mapping[str, Runs], *, sets: int = 1) -> dict[str, Rank]:
    """Each optimizer's rank and the ranks that the data allow.

    One of K optimizers is compared with the K - 1 others by paired differences at level
    1 - 0.05/(K-1). All of these intervals hold in at least 95 % of studies, and then its rank lies
    between 1 + those found better and K - those found worse. So the interval holds for new seeds
    and, with bits, new images; each optimizer's has 95 % for itself, and rather more: an interval
    that is wrong does no harm where it points the right way.

    The rank itself is by the means over all of each optimizer's runs, as a table shows them. Pairs
    are compared over the seeds that both have, so where their numbers differ the two may disagree;
    the interval is then widened to hold the rank.

    Args:
        runs: of each optimizer, on the same images.
        sets: on how many data sets an optimizer's rank is to hold at once.

    Raises:
        ValueError: no optimizers, or as `paired.difference`.

    Example:
        >>> from experiments.analysis.runs import runs
        >>> found = ranks({"a": runs([0, 1], [0.9, 0.91]), "b": runs([0, 1], [0.5, 0.51])})
        >>> (found["a"].rank, found["a"].low, found["a"].high), found["b"].worse
        ((1.0, 1, 1), ('a',))
    """
    if not runs:
        raise ValueError("no optimizers to rank")
    pairs: dict[tuple[str, str], Difference] = {
        (one, other): difference(runs[one], runs[other], comparisons=max(1, len(runs) - 1) * sets)
        for one, other in combinations(runs, 2)
    }
    means = [round(float(each.accuracy.mean()), 12) for each in runs.values()]
    found = {}
    for name, rank in zip(runs, stats.rankdata([-mean for mean in means]).tolist(), strict=True):
        better, worse = [], []
        for (one, other), pair in pairs.items():
            if name not in (one, other):
                continue
            opponent = other if name == one else one
            ahead = pair.mean if name == one else -pair.mean
            if pair.excludes_zero:
                (better if ahead > 0 else worse).append(opponent)
        low = min(1 + len(worse), math.floor(rank))
        high = max(len(runs) - len(better), math.ceil(rank))
        found[name] = Rank(rank, low, high, len(runs), tuple(better), tuple(worse))
    return found


def mean_ranks(sets: Mapping[str, Mapping[str, Runs]]) -> dict[str, Estimate]:
    """Each optimizer's rank averaged over data sets, with the mean of its ranks' intervals.

    The intervals hold on all D sets at once (level 1 - 0.05/((K-1)·D)), so their mean does. A
    bootstrap over seeds would be narrower, but fails among near equals: ranks of resampled means
    are no ranks of new ones.

    Args:
        sets: each data set's runs of each optimizer; the same optimizers on all.

    Raises:
        ValueError: no sets, other optimizers on one of them, or as `ranks`.
    """
    names = set(next(iter(sets.values()), {}))
    for title, runs in sets.items():
        if set(runs) != names:
            raise ValueError(f"{title} has {sorted(runs)}, expected {sorted(names)}")
    if not names:
        raise ValueError("no data sets or no optimizers to rank")
    found = [ranks(runs, sets=len(sets)) for runs in sets.values()]

    def mean(values: Iterable[float]) -> float:
        return float(np.mean(list(values)))

    return {
        name: Estimate(
            mean(each[name].rank for each in found),
            mean(each[name].low for each in found),
            mean(each[name].high for each in found),
        )
        for name in next(iter(sets.values()))
    }


def probability_of_improvement(pairs: Sequence[tuple[Runs, Runs]]) -> Estimate:
    """How often a run of one optimizer beats a run of the other, ties counting half.

    On each data set the share of all pairs of runs (one of each optimizer) with a higher accuracy,
    averaged over the sets. The interval is Wilson's with the fewest seeds S of a set as the number
    of trials: the variance of such a share is at most P(1-P)/S, less where seeds are shared and
    where sets, which one seed may favour alike, are independent. So it is rather too wide, and it
    does not shrink to a point where every run wins.

    Args:
        pairs: for each data set the runs of the one and of the other.

    Raises:
        ValueError: no data sets.

    Example:
        >>> from experiments.analysis.runs import runs
        >>> one, other = runs([0, 1], [0.9, 0.8]), runs([0, 1], [0.7, 0.8])
        >>> probability_of_improvement([(one, other)]).value
        0.875

    References:
        Agarwal et al. 2021 (arXiv:2108.13264), section 4.3. Birnbaum and Klose 1957 for the bound.
    """
    if not pairs:
        raise ValueError("no data sets to compare on")
    shares, trials = [], []
    for one, other in pairs:
        ahead = one.accuracy[:, None] - other.accuracy[None, :]
        shares.append(float(np.mean((ahead > 0) + 0.5 * (ahead == 0))))
        trials.append(min(ahead.shape))
    value = float(np.mean(shares))
    if min(trials) == 1:
        return Estimate(value, None, None)
    n = min(trials)
    z = float(stats.norm.ppf(0.5 + LEVEL / 2))
    middle = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    return Estimate(value, max(0.0, middle - half), min(1.0, middle + half))
