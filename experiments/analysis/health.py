"""Runs that ended without an error and yet learnt nothing, or whose loss blew up on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable

from experiments.records import Record

ROSE = 3.0
"""A loss at so many times its start is worth a word; healthy runs were seen to reach 1.8."""

_MARGIN = 3.0
"""Standard deviations (binomial) by which learning must beat a constant guess."""


def health(record: Record) -> list[str]:
    """What is wrong with a run's outcome whatever its status says; empty where nothing is.

    Train accuracy at chance: at most s + 3 √(s (1 - s) / examples), with s the accuracy of a
    constant guess (the share of the commonest class where the record holds it, else 1 / classes
    present). Loss that rose: the largest of an epoch's mean losses over the smaller of the first
    and of ln(classes), the loss of equal probabilities, where training starts.

    Args:
        record: `data` gives examples, classes, classes_present and largest_class (images of the
            commonest class); without examples or classes nothing can be said of chance.

    Example:
        >>> data = {"examples": 1000, "classes": 10, "classes_present": 10}
        >>> health({"train_accuracy": 0.101, "train_loss": [77.0, 2.3], "data": data})
        ['at chance', 'loss rose 33-fold']
        >>> health({"train_accuracy": 0.95, "train_loss": [2.2, 0.2], "data": data})
        []
    """
    data = record.get("data") or {}
    return [*_chance(record, data), *_rise(record, data)]


def unnoticed(records: Iterable[Record]) -> list[list[str]]:
    """`health` of every run that has something wrong although its status is "ok"."""
    return [wrong for r in records if r["status"] == "ok" and (wrong := health(r))]


def _chance(record: Record, data: Record) -> list[str]:
    examples, present = data.get("examples"), data.get("classes_present") or data.get("classes")
    accuracy = record["train_accuracy"]
    if accuracy is None or not examples or examples < 1 or not present or present < 2:
        return []
    share = min(1.0, (data.get("largest_class") or examples / present) / examples)
    margin = _MARGIN * math.sqrt(share * (1 - share) / examples)
    return ["at chance"] if accuracy <= share + margin else []


def _rise(record: Record, data: Record) -> list[str]:
    losses = [loss for loss in record["train_loss"] if loss is not None]
    starts = losses[:1]
    if (data.get("classes") or 0) > 1:
        starts.append(math.log(data["classes"]))
    if not losses or min(starts) <= 0:
        return []
    times = max(losses) / min(starts)
    return [f"loss rose {times:.0f}-fold"] if times >= ROSE else []
