"""Runs that ended without an error and yet learnt nothing, or whose loss blew up on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from experiments.records import DataFacts, Record

ROSE = 3.0
"""A loss at so many times its start is reported; healthy runs were seen to reach 1.8."""

AT_CHANCE = "at chance"
"""What a record calls a run that is no better than a constant guess."""
_MARGIN = 3.0
"""Standard deviations (binomial) by which learning must beat a constant guess."""


def health(
    train_accuracy: float | None, train_loss: Sequence[float | None], data: DataFacts
) -> list[str]:
    """What is wrong with a run's outcome whatever its status says; empty where nothing is.

    Train accuracy at chance: at most s + 3 √(s (1 - s) / examples), with s the accuracy of a
    constant guess (the share of the commonest class where the record holds it, else 1 / classes
    present). Loss that rose: the largest of an epoch's mean losses over the smaller of the first
    and of ln(classes), the loss of equal probabilities, where training starts.

    Args:
        train_accuracy: at the end.
        train_loss: an epoch's mean losses.
        data: without the number of examples or classes chance is not judged.

    Example:
        >>> data = DataFacts(examples=1000, classes=10, classes_present=10)
        >>> health(0.101, [77.0, 2.3], data)
        ['at chance', 'loss rose 33-fold']
        >>> health(0.95, [2.2, 0.2], data)
        []
    """
    return [*_chance(train_accuracy, data), *_rise(train_loss, data)]


def at_chance(records: Iterable[Record]) -> int:
    """How many runs say of themselves that they learnt nothing."""
    return sum(AT_CHANCE in one.health for one in records)


def mostly_at_chance(records: Sequence[Record]) -> bool:
    """Whether more than half of the runs do."""
    return 2 * at_chance(records) > len(records)


def unnoticed(records: Iterable[Record]) -> list[list[str]]:
    """`health` of every run that has something wrong although its status is "ok"."""
    found = [health(r.train_accuracy, r.train_loss, r.data) for r in records if r.status == "ok"]
    return [wrong for wrong in found if wrong]


def _chance(accuracy: float | None, data: DataFacts) -> list[str]:
    examples, present = data.examples, data.classes_present or data.classes
    if accuracy is None or not examples or examples < 1 or not present or present < 2:
        return []
    share = min(1.0, (data.largest_class or examples / present) / examples)
    margin = _MARGIN * math.sqrt(share * (1 - share) / examples)
    return [AT_CHANCE] if accuracy <= share + margin else []


def _rise(train_loss: Sequence[float | None], data: DataFacts) -> list[str]:
    losses = [loss for loss in train_loss if loss is not None and math.isfinite(loss)]
    starts = losses[:1]
    if data.classes is not None and data.classes > 1:
        starts.append(math.log(data.classes))
    if not losses or min(starts) <= 0:
        return []
    times = max(losses) / min(starts)
    return [f"loss rose {times:.0f}-fold"] if times >= ROSE else []
