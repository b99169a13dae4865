"""The generalisation gap where train losses are equal: underfitting closes a gap by itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from experiments.analysis.arms import Arm
from experiments.records import Record


def validation_at(record: Record, level: float) -> float | None:
    """Validation loss where the train loss first comes down to a level; None where it does not.

    Both are taken as linear over the epochs: the train loss from one epoch's mean, which is that of
    the epoch's middle, to the next, the validation loss between its readings, which are fewer, at
    an epoch's end and spread evenly. Before the first step both are chance's. None, too, where the
    run diverged.

    Args:
        record: a run.
        level: the train loss.
    """
    readings, epochs = record.validation_loss or [], len(record.train_loss)
    means = [loss for loss in record.train_loss if loss is not None]
    if record.status != "ok" or not readings or None in readings or len(means) < epochs:
        return None
    chance = math.log(record.data.classes or math.e)
    read_at = [number * epochs // len(readings) for number in range(len(readings) + 1)]
    # At its epoch's end a mean would come half an epoch late: more loss for a run that falls fast.
    curve = [(0.0, chance), *((epoch + 0.5, mean) for epoch, mean in enumerate(means))]
    for (start, before), (end, after) in itertools.pairwise(curve):
        if after <= level <= before:
            share = (before - level) / (before - after) if before > after else 1.0
            place = start + share * (end - start)
            return float(np.interp(place, read_at, np.array([chance, *readings], float)))
    return None


def levels(arms: Iterable[Arm]) -> dict[int, float]:
    """By seed the largest last train loss of the arms' final runs, diverged ones left out.

    Args:
        arms: those that are compared, and no other: another would decide where they are read.
    """
    found: dict[int, float] = {}
    for arm in arms:
        for one in arm.tuned:
            loss = one.train_loss[-1]
            if one.status == "ok" and loss is not None:
                found[one.seed] = max(loss, found.get(one.seed, 0.0))
    return found


def at_levels(records: Sequence[Record], wanted: Mapping[int, float]) -> dict[int, float]:
    """By seed the validation loss at that seed's level, where the run comes down to it."""
    found = {
        one.seed: validation_at(one, wanted[one.seed]) for one in records if one.seed in wanted
    }
    return {seed: loss for seed, loss in found.items() if loss is not None}
