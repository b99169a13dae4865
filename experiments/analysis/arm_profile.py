"""Accuracy against learning rate, from the runs that tuned an arm."""

from __future__ import annotations

from experiments.analysis import rates
from experiments.analysis.arms import Arm
from experiments.analysis.selection import validation_accuracy


def profile_of(arm: Arm) -> rates.Profile | None:
    """Validation accuracy over the grid of rates; None where no such run ended without diverging.

    Under the winner's schedule, or before there is a winner under that of the best run.
    """
    grid = [one for one in arm.ledger if one.phase in ("tune", "refine") and one.trial is None]
    if all(one.status != "ok" for one in grid):
        return None
    best = max(grid, key=validation_accuracy)
    schedule = arm.winner.schedule if arm.winner else best.schedule
    found: dict[float, list[float]] = {}
    for one in grid:
        if one.schedule == schedule:
            rate = one.hyperparameters["learning_rate"]
            found.setdefault(rate, []).append(validation_accuracy(one))
    return rates.profile(list(found), list(found.values()))
