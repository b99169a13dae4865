"""The rate and eps that validation prefers at each exponent: what defaults are taken from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.analysis.exponent_cells import ExponentCell
from experiments.analysis.selection import Score, mean_score, score


@dataclass(frozen=True)
class PreferredSetting:
    """The best setting of one exponent over several cells.

    Attributes:
        alpha: the exponent.
        learning_rate: in Adam's units.
        eps: likewise.
        accuracy: mean validation accuracy over the cells, at the first stage's seed.
        cells: how many there are.
        size: of gradients, the geometric mean over the cells' data sets.
    """

    alpha: float
    learning_rate: float
    eps: float
    accuracy: float
    cells: int
    size: float

    @property
    def plain(self) -> tuple[float, float]:
        """`smes`'s own rate and eps where gradients have that size: η s^(2α-1), ε s^(2α).

        Example:
            >>> PreferredSetting(0.25, 1e-3, 1e-2, 0.8, 2, 1e-4).plain
            (0.1, 0.0001)
        """
        rate = self.learning_rate * self.size ** (2 * self.alpha - 1)
        eps = self.eps * self.size ** (2 * self.alpha)
        return float(f"{rate:.3g}"), float(f"{eps:.3g}")


def validated(cells: Iterable[ExponentCell], alphas: Mapping[str, float]) -> list[PreferredSetting]:
    """For each exponent the setting of the best mean validation accuracy over the dense cells.

    Only the first stage counts, which ran every setting, and of each exponent only the cells where
    that stage is behind it. Ties go to the smaller validation loss, then to what was tried first.

    Args:
        cells: of one study.
        alphas: optimizer to exponent.
    """
    dense = [cell for cell in cells if not cell.sparsity]
    found = [_best(name, alpha, dense) for name, alpha in alphas.items()]
    return [one for one in found if one is not None]


def _best(name: str, alpha: float, cells: Sequence[ExponentCell]) -> PreferredSetting | None:
    scores: dict[tuple[float, float], list[Score]] = {}
    sizes: dict[str, float] = {}
    for cell in cells:
        arm = cell.arms.get(name)
        if arm is None or arm.winner is None:
            continue
        for one in arm.ledger:
            if one.phase == "tune":
                numbers = one.hyperparameters
                place = (numbers["learning_rate"], numbers["eps"])
                scores.setdefault(place, []).append(score(one))
                sizes[cell.dataset] = numbers["gradient_size"]
    if not scores:
        return None
    means = {place: mean_score(some) for place, some in scores.items()}
    rate, eps = best = max(means, key=lambda place: means[place])
    size = float(np.exp(np.mean(np.log([*sizes.values()]))))
    return PreferredSetting(alpha, rate, eps, means[best][0], len(scores[best]), size)
