"""The rate and eps that validation prefers at each exponent: what defaults are taken from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.analysis.arms import Arm
from experiments.analysis.exponent_cells import ExponentCell
from experiments.analysis.selection import (
    Score,
    chance,
    mean_score,
    outermost,
    score,
    smallest_mean_rank,
)

Place = tuple[str, str, str]
"""Data set, network and regime."""


@dataclass(frozen=True)
class PreferredSetting:
    """The best setting of one exponent over several cells.

    Attributes:
        alpha: the exponent.
        learning_rate: in Adam's units.
        eps: likewise.
        accuracies: by data set, network and regime of the cells that chose it the validation
            accuracy, the mean of the seeds that it ran on there; chance where one diverged.
        size: of gradients, the geometric mean over the cells' data sets.
        rate_at_edge: whether the rate is the outermost that was tried.
        eps_at_edge: the same of eps.
    """

    alpha: float
    learning_rate: float
    eps: float
    accuracies: Mapping[Place, float]
    size: float
    rate_at_edge: bool = False
    eps_at_edge: bool = False

    @property
    def plain(self) -> tuple[float, float]:
        """`smes`'s own rate and eps where gradients have that size: η s^(2α-1), ε s^(2α).

        Example:
            >>> PreferredSetting(0.25, 1e-3, 1e-2, {}, 1e-4).plain
            (0.1, 0.0001)
        """
        rate = self.learning_rate * self.size ** (2 * self.alpha - 1)
        eps = self.eps * self.size ** (2 * self.alpha)
        return float(f"{rate:.3g}"), float(f"{eps:.3g}")


def validated(cells: Iterable[ExponentCell], alphas: Mapping[str, float]) -> list[PreferredSetting]:
    """For each exponent the setting of the best mean rank over the dense cells, by validation.

    In one cell that is the setting whose final runs were made: those that ran on both seeds stand
    before the others, by their mean. Of each exponent only the cells count whose tuning is whole.
    Ties go to the rate nearer to the middle one, then to the smaller eps.

    Args:
        cells: of one study.
        alphas: optimizer to exponent.
    """
    dense = [cell for cell in cells if not cell.sparsity]
    found = [_best(name, alpha, dense) for name, alpha in alphas.items()]
    return [one for one in found if one is not None]


def shared_places(settings: Iterable[PreferredSetting]) -> list[Place]:
    """The places that chose every one of these: accuracies over them may be compared.

    Example:
        >>> one, two = ("digits", "convnet", "A"), ("digits", "convnet", "B")
        >>> both = PreferredSetting(0.5, 1e-3, 0.0, {one: 0.8, two: 0.9}, 1.0)
        >>> shared_places([both, PreferredSetting(0.25, 1e-3, 0.0, {two: 0.7}, 1.0)])
        [('digits', 'convnet', 'B')]
    """
    each = [set(one.accuracies) for one in settings]
    return sorted(set.intersection(*each)) if each else []


def eps_at_edge(arm: Arm) -> bool:
    """Whether the winner's eps is the smallest or the largest that was tried."""
    if arm.winner is None:
        return False
    eps = dict(arm.winner.hyperparameters)["eps"]
    return outermost(eps, [one.hyperparameters["eps"] for one in arm.ledger])


def _best(name: str, alpha: float, cells: Sequence[ExponentCell]) -> PreferredSetting | None:
    there = {
        (cell.dataset, cell.network, cell.regime): cell.arms[name]
        for cell in cells
        if name in cell.arms and cell.arms[name].winner
    }
    arms = [*there.values()]
    if not arms:
        return None
    sizes = {arm.workload.dataset: arm.ledger[0].hyperparameters["gradient_size"] for arm in arms}
    by_cell = [_scores(arm) for arm in arms]
    common = sorted(set.intersection(*map(set, by_cell)), key=lambda one: (one[1], one[0]))
    if not common:
        return None
    rates, tried_eps = (sorted({setting[i] for setting in common}) for i in (0, 1))
    middle = len(rates) // 2
    place, eps = smallest_mean_rank(
        [
            {(rates.index(one[0]) - middle, one[1]): _confirmed_first(found[one]) for one in common}
            for found in by_cell
        ]
    )
    rate = rates[middle + place]
    return PreferredSetting(
        alpha,
        rate,
        eps,
        accuracies={
            place: _accuracy(arm, scores, (rate, eps))
            for (place, arm), scores in zip(there.items(), by_cell, strict=True)
        },
        size=float(np.exp(np.mean(np.log([*sizes.values()])))),
        rate_at_edge=outermost(rate, rates),
        eps_at_edge=outermost(eps, tried_eps),
    )


def _accuracy(
    arm: Arm, scores: Mapping[tuple[float, float], list[Score]], setting: tuple[float, float]
) -> float:
    """Mean validation accuracy; chance where a run diverged."""
    mean = mean_score(scores[setting])[0]
    return mean if math.isfinite(mean) else chance(arm.ledger[0])


def _scores(arm: Arm) -> dict[tuple[float, float], list[Score]]:
    """(rate, eps) -> the scores of its tuning runs, one or two seeds."""
    found: dict[tuple[float, float], list[Score]] = {}
    for one in arm.ledger:
        numbers = one.hyperparameters
        found.setdefault((numbers["learning_rate"], numbers["eps"]), []).append(score(one))
    return found


def _confirmed_first(scores: Sequence[Score]) -> Score:
    """The mean, an accuracy of at most 1, lifted above all others for what ran on both seeds."""
    accuracy, loss = mean_score(scores)
    return accuracy + (len(scores) > 1), loss
