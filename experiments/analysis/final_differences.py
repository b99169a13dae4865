"""Paired differences between the runs that judge two arms, as far as both have such runs."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis import paired
from experiments.analysis.difference import Difference
from experiments.analysis.final_runs import final_losses, test_runs
from experiments.analysis.runs import Runs
from experiments.records import Record


def judged_pair(one: Sequence[Record], other: Sequence[Record]) -> tuple[Runs, Runs] | None:
    """The test runs of both; None where either was not judged, or none on a common seed."""
    first, second = test_runs(one), test_runs(other)
    if first is None or second is None or not set(first.seeds) & set(second.seeds):
        return None
    return first, second


def accuracy_difference(
    one: Sequence[Record], other: Sequence[Record], *, comparisons: int = 1
) -> Difference | None:
    """Paired difference of test accuracy; None where either was not judged."""
    judged = judged_pair(one, other)
    return None if judged is None else paired.difference(*judged, comparisons=comparisons)


def loss_difference(
    one: Sequence[Record], other: Sequence[Record], *, comparisons: int = 1
) -> Difference | None:
    """Paired difference of the last epoch's train loss, 100 ln(ratio)."""
    first, second = final_losses(one), final_losses(other)
    if not first.keys() & second.keys():
        return None
    return paired.loss_difference(first, second, comparisons=comparisons)
