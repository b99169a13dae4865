"""The generalisation gap where train losses are equal: underfitting closes a gap by itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from experiments.analysis.arms import Arm
from experiments.records import Record


def curve(record: Record) -> list[tuple[float, float]]:
    """(train loss, validation loss) along a run, from chance to the end; none where it diverged.

    A train loss is the mean of its epoch's batches, a validation loss is read at the epoch's end;
    readings are spread evenly over the epochs.
    """
    readings, epochs = record.validation_loss or [], len(record.train_loss)
    if record.status != "ok" or not readings:
        return []
    chance = math.log(record.data.classes or math.e)
    places = [(number + 1) * epochs // len(readings) - 1 for number in range(len(readings))]
    found = [
        (train, validation)
        for place, validation in zip(places, readings, strict=True)
        if (train := record.train_loss[place]) is not None and validation is not None
    ]
    return [(chance, chance), *found]


def validation_at(record: Record, level: float) -> float | None:
    """Validation loss where the train loss first comes down to a level; None where it does not.

    Between two readings it is taken as linear in the train loss.

    Args:
        record: a run.
        level: the train loss.
    """
    points = curve(record)
    for (before, above), (after, below) in itertools.pairwise(points):
        if after <= level <= before:
            share = (before - level) / (before - after) if before > after else 1.0
            return above + share * (below - above)
    return None


def levels(arms: Mapping[str, Arm]) -> dict[int, float]:
    """By seed the largest last train loss of the arms' final runs, diverged ones left out."""
    found: dict[int, float] = {}
    for arm in arms.values():
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
