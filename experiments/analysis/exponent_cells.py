"""The exponent study by cells: one data set in one regime at one sparsity, every exponent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from experiments.analysis import matched, paired
from experiments.analysis.arms import Arm
from experiments.analysis.final_runs import final_losses, test_runs
from experiments.analysis.paired import Difference
from experiments.records import Record


@dataclass(frozen=True, eq=False)
class ExponentCell:
    """What was compared in one cell.

    Attributes:
        dataset: without its sparsity.
        network: what was trained.
        regime: how long.
        sparsity: share of the pixels set to 0.
        arms: by optimizer.
        fixed: those of one α each: tables and figures match the train losses of these.
    """

    dataset: str
    network: str
    regime: str
    sparsity: float
    arms: Mapping[str, Arm]
    fixed: tuple[str, ...]


def exponent_cells(found: Iterable[Arm], fixed: Iterable[str]) -> list[ExponentCell]:
    """The cells of arms, by data set, network, regime and sparsity.

    An arm of which nothing counts, such as one with final runs and none that tuned it, is left out.

    Args:
        found: of one study.
        fixed: names of the arms of one α each.
    """
    groups: dict[tuple[str, str, str, float], dict[str, Arm]] = {}
    for arm in found:
        first = next(iter((*arm.ledger, *arm.tuned)), None)
        if first is None:
            continue
        sparsity = first.data.sparsity or 0.0
        place = (first.clean_dataset, arm.workload.network, arm.workload.regime, sparsity)
        groups.setdefault(place, {})[arm.optimizer] = arm
    names = tuple(fixed)
    return [
        ExponentCell(*place, groups[place], tuple(one for one in names if one in groups[place]))
        for place in sorted(groups)
    ]


def values(cell: ExponentCell, name: str, what: str) -> dict[int, float]:
    """By seed one number of an arm's final runs.

    Args:
        cell: the cell.
        name: the optimizer.
        what: one of `QUANTITIES`.
    """
    return QUANTITIES[what](cell, name)


def _runs(cell: ExponentCell, name: str) -> tuple[Record, ...]:
    return cell.arms[name].tuned if name in cell.arms else ()


def _train_loss(cell: ExponentCell, name: str) -> dict[int, float]:
    return final_losses(_runs(cell, name))


def _held_out(cell: ExponentCell, name: str) -> dict[int, float]:
    judged = test_runs(_runs(cell, name))
    if judged is None:
        return {}
    return dict(zip(judged.seeds, (100 * judged.accuracy).tolist(), strict=True))


def _accuracy_gap(cell: ExponentCell, name: str) -> dict[int, float]:
    held_out = _held_out(cell, name)
    return {
        one.seed: 100 * one.train_accuracy - held_out[one.seed]
        for one in _runs(cell, name)
        if one.status == "ok" and one.train_accuracy is not None and one.seed in held_out
    }


def _raw_gap(cell: ExponentCell, name: str) -> dict[int, float]:
    return {
        one.seed: validation - train
        for one in _runs(cell, name)
        if one.status == "ok"
        and (train := one.train_loss[-1]) is not None
        and (validation := (one.validation_loss or [None])[-1]) is not None
    }


def _matched_gap(cell: ExponentCell, name: str) -> dict[int, float]:
    wanted = matched.levels(cell.arms[one] for one in cell.fixed)
    finished = [one for one in _runs(cell, name) if one.status == "ok"]
    found = matched.at_levels(finished, wanted)
    if len(found) < len(finished) and name not in cell.fixed:
        return {}  # its better fits alone would be no fair sample of it
    return {seed: loss - wanted[seed] for seed, loss in found.items()}


QUANTITIES: Mapping[str, Callable[[ExponentCell, str], dict[int, float]]] = {
    "train loss": _train_loss,
    "held-out": _held_out,
    "accuracy gap": _accuracy_gap,
    "raw gap": _raw_gap,
    "gap": _matched_gap,
}
"""Train loss of the last epoch; held-out accuracy in per cent; train minus held-out accuracy in
points; validation minus train loss at the end; the same where the train loss is the largest final
one of the fixed α: an arm beside them with a run that ends above that has none."""


def matched_difference(
    cell: ExponentCell, first: str, other: str, *, comparisons: int = 1
) -> Difference | None:
    """Paired difference of the validation loss at matched train loss, in per cent.

    Both are read at the same train loss, the larger of their final ones, so who has the smaller one
    has the smaller gap.
    """
    if not {first, other} <= cell.arms.keys():
        return None
    wanted = matched.levels(cell.arms[name] for name in (first, other))
    one, two = (matched.at_levels(cell.arms[name].tuned, wanted) for name in (first, other))
    if not one.keys() & two.keys():
        return None
    return paired.loss_difference(one, two, comparisons=comparisons)


def best_arm(cell: ExponentCell, names: Iterable[str]) -> str | None:
    """The arm with the best mean held-out accuracy among those that have final runs."""
    means = {
        name: float(np.mean([*found.values()]))
        for name in names
        if (found := values(cell, name, "held-out"))
    }
    return max(means, key=lambda name: means[name], default=None)
