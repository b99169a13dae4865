"""What the runs that judge an arm measured: accuracy with its bits, train loss, step size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from experiments.analysis import runs as runs_of
from experiments.analysis.runs import Runs
from experiments.analysis.selection import chance
from experiments.records import Record

SMALLEST_LOSS = 2.0**-23
"""The smallest loss of an image but 0 in float32: 1 + e^-z is 1 where e^-z is smaller still."""


def test_runs(records: Sequence[Record], *, bits: bool = True) -> Runs | None:  # noqa: PT028
    """Test accuracy and correctness of final or default runs; None where there is none.

    A run that diverged scores 1/K on every image, K being the number of classes.

    Args:
        records: the runs.
        bits: whether each image's correctness is asked for, most of the work.

    Raises:
        ValueError: two runs of one seed, or bits that are not of that accuracy or number of images.
    """
    judged = [one for one in records if one.test_accuracy is not None or one.status != "ok"]
    if not judged:
        return None
    sizes = (one.data.test_examples for one in judged if bits and one.data.test_examples)
    images = next(sizes, None)
    accuracy, correct = [], []
    for one in judged:
        if one.status != "ok" or one.test_accuracy is None:
            accuracy.append(chance(one))
            correct.append(None if images is None else np.full(images, chance(one)))
        else:
            accuracy.append(one.test_accuracy)
            correct.append(_bits(one, images))
    whole = bits and all(one is not None for one in correct)
    seeds = [one.seed for one in judged]
    try:
        return runs_of.runs(seeds, accuracy, np.stack(correct) if whole else None)
    except ValueError as error:
        raise ValueError(f"{_called(judged[0])}: {error}") from None


def _bits(record: Record, images: int | None) -> np.ndarray | None:
    if record.test_correct is None or images is None:
        return None
    try:
        return runs_of.unpack(record.test_correct, images)
    except ValueError as error:
        raise ValueError(f"{_called(record)}, seed {record.seed}: {error}") from None


def _called(record: Record) -> str:
    return f"{record.optimizer} on {record.dataset}, regime {record.regime}, {record.phase} runs"


def train_runs(records: Sequence[Record]) -> Runs | None:
    """Accuracy on the images trained on; None where there is none. A diverged run has 1/K."""
    if not records:
        return None
    accuracy = [
        chance(one) if one.status != "ok" or one.train_accuracy is None else one.train_accuracy
        for one in records
    ]
    return runs_of.runs([one.seed for one in records], accuracy)


def accuracies(records: Sequence[Record], part: str) -> list[float]:
    """Accuracies in per cent by seed; a run that diverged has chance's."""
    found = test_runs(records, bits=False) if part == "held_out" else train_runs(records)
    return [] if found is None else [100.0 * float(x) for x in found.accuracy]


def final_losses(records: Sequence[Record]) -> dict[int, float]:
    """Train loss of the last epoch by seed, to be compared by its logarithm.

    A run that diverged has chance's, ln K. One below what float32 resolves, 0 among them, has
    `SMALLEST_LOSS`: all such runs fit their images alike.
    """
    found = {}
    for one in records:
        loss = one.train_loss[-1]
        if one.status != "ok" or loss is None:
            found[one.seed] = float(np.log(one.data.classes or np.e))
        else:
            found[one.seed] = max(loss, SMALLEST_LOSS)
    return found


def mean_train_loss(records: Sequence[Record]) -> float | None:
    """The mean of `final_losses`."""
    losses = final_losses(records).values()
    return math.fsum(losses) / len(losses) if losses else None


def mean_step(records: Sequence[Record]) -> float | None:
    """The mean root mean square step of those that have it."""
    steps = [one.update_rms for one in records if one.update_rms is not None]
    return math.fsum(steps) / len(steps) if steps else None
