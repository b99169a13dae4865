"""How often the intervals hold, on made-up studies whose truth is known.

A made-up run is right on an image where

    level + seed · a[s] + own · b[i] + shared · c[i] + e[s, i] > 0

all letters standard normal; c, how hard the image is, is the same for all optimizers, a, b and e
are not. So an optimizer's true accuracy is Φ(level / √(seed² + own² + shared² + 1)). What is
simulated stands beside what is claimed, for instance::

    import simulated_coverage
    print(*simulated_coverage.of_differences(seeds=20, images=2500))
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments.analysis.gain import remaining
from experiments.analysis.paired import difference
from experiments.analysis.rankings import Estimate, mean_ranks, probability_of_improvement
from experiments.analysis.runs import Runs

DRAWS = 2000


@dataclass(frozen=True)
class Coverage:
    """The share of simulated intervals that held the truth.

    Attributes:
        share: a fraction.
        draws: number of intervals simulated.
    """

    share: float
    draws: int

    def __str__(self) -> str:
        error = 100 * math.sqrt(self.share * (1 - self.share) / self.draws)
        return f"{100 * self.share:.1f} % ± {error:.1f} of {self.draws:,} simulated draws"


@dataclass(frozen=True)
class Noise:
    """Standard deviations of what makes runs differ, in units of a run's own noise on an image.

    Attributes:
        seed: of one seed, on all images alike.
        own: of an image for one optimizer, in all runs alike.
        shared: of an image for all optimizers alike.
    """

    seed: float = 0.02
    own: float = 0.5
    shared: float = 2.0

    def level(self, accuracy: float) -> float:
        """The level at which the true accuracy is ``accuracy``."""
        whole = math.sqrt(self.seed**2 + self.own**2 + self.shared**2 + 1)
        return float(stats.norm.ppf(accuracy)) * whole


def made_up_runs(
    random: np.random.Generator,
    accuracies: tuple[float, ...],
    seeds: int,
    images: int,
    noise: Noise,
) -> list[Runs]:
    """Made-up runs of one optimizer for each true accuracy, on the same images."""
    hard = noise.shared * random.standard_normal(images, np.float32)
    found = []
    for accuracy in accuracies:
        mean = noise.level(accuracy) + hard + noise.own * random.standard_normal(images, np.float32)
        mean = mean + noise.seed * random.standard_normal((seeds, 1), np.float32)
        bits = random.standard_normal((seeds, images), np.float32) > -mean
        found.append(Runs(tuple(range(seeds)), bits.mean(axis=1), bits))
    return found


def of_differences(
    *, seeds: int, images: int, noise: Noise | None = None, draws: int = DRAWS, key: int = 0
) -> tuple[Coverage, Coverage]:
    """Coverage of `paired.difference`: over seeds and images, and over seeds alone.

    The second is judged against the same truth, new seeds and new images.

    Args:
        seeds: S of each study.
        images: N of each study.
        noise: what makes runs differ; None is `Noise()`.
        draws: studies simulated.
        key: of their pseudo-random numbers.

    Example:
        >>> whole, alone = of_differences(seeds=5, images=100, draws=50)
        >>> whole.share > alone.share
        True
    """
    random, held, alone = np.random.default_rng(key), 0, 0
    for _ in range(draws):
        one, other = made_up_runs(random, (0.9, 0.88), seeds, images, noise or Noise())
        found = difference(one, other)
        held += found.low <= 2.0 <= found.high
        alone += found.half_seeds is not None and abs(found.mean - 2.0) <= found.half_seeds
    return Coverage(held / draws, draws), Coverage(alone / draws, draws)


def of_shares(
    *, seeds: int, images: int, noise: Noise | None = None, draws: int = DRAWS, key: int = 0
) -> Coverage:
    """Coverage of `gain.remaining` where a quarter of 8 points remains; see `of_differences`.

    A study that gives no share, which has no interval to hold anything, counts as held.
    """
    random, held = np.random.default_rng(key), 0
    for _ in range(draws):
        ours, untuned, tuned = made_up_runs(
            random, (0.9, 0.82, 0.88), seeds, images, noise or Noise()
        )
        found = remaining(ours, untuned, tuned)
        held += found.low is None or found.high is None or found.low <= 0.25 <= found.high
    return Coverage(held / draws, draws)


def of_ranks(
    truth: np.ndarray, *, seeds: int, deviation: float, draws: int = DRAWS, key: int = 0
) -> Coverage:
    """Coverage of `rankings.mean_ranks` (one set: of `rankings.ranks`), mean over optimizers.

    Args:
        truth: (sets, optimizers) true accuracies, no two alike on a set.
        seeds: S of each study.
        deviation: standard deviation over seeds, a fraction.
        draws: studies simulated.
        key: of their pseudo-random numbers.
    """
    true = stats.rankdata(-truth, axis=1).mean(axis=0)
    random, held = np.random.default_rng(key), 0.0
    for _ in range(draws):
        made = enumerate(_normal(random, truth, seeds, deviation))
        found = mean_ranks({str(d): {str(i): x for i, x in enumerate(each)} for d, each in made})
        held += sum(map(_holds, found.values(), true)) / len(true)
    return Coverage(held / draws, draws)


def of_improvement(
    *, seeds: int, sets: int, ahead: float, draws: int = DRAWS, key: int = 0
) -> Coverage:
    """Coverage of `rankings.probability_of_improvement`.

    Args:
        seeds: S of each study.
        sets: data sets.
        ahead: by how many of a run's standard deviations the one is better.
        draws: studies simulated.
        key: of their pseudo-random numbers.
    """
    true, truth = float(stats.norm.cdf(ahead / math.sqrt(2))), [[0.5 + 0.01 * ahead, 0.5]] * sets
    random, held = np.random.default_rng(key), 0
    for _ in range(draws):
        made = _normal(random, np.asarray(truth), seeds, 0.01)
        held += _holds(probability_of_improvement([(one, other) for one, other in made]), true)
    return Coverage(held / draws, draws)


def _normal(
    random: np.random.Generator, truth: np.ndarray, seeds: int, deviation: float
) -> list[list[Runs]]:
    """Runs with normal accuracies and no images, for each set and optimizer."""
    drawn = truth[..., None] + deviation * random.standard_normal((*truth.shape, seeds))
    return [[Runs(tuple(range(seeds)), row, None) for row in rows] for rows in drawn]


def _holds(found: Estimate, true: float) -> bool:
    return found.low is None or found.high is None or found.low <= true <= found.high
