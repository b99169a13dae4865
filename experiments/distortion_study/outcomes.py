"""Records -> who trains which network, by one rule."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from experiments.distortion_study.plan import GAINS, SEEDS, DistortionArm, run_of
from experiments.distortion_study.record import DistortionRecord

TRAINS, CHANCE = 0.5, 0.15
"""Mean train accuracy from which a network counts as trained, and up to which as at chance."""

RunsByArm = dict[DistortionArm, list[DistortionRecord]]


def finals(records: Sequence[DistortionRecord]) -> RunsByArm:
    """The runs on the final seeds, by arm; arms that lack some are left out."""
    found: RunsByArm = {}
    for one in records:
        if one.phase == "final":
            found.setdefault(run_of(one).arm, []).append(one)
    return {arm: some for arm, some in found.items() if len(some) == len(SEEDS)}


def accuracies(records: Sequence[DistortionRecord]) -> list[float]:
    """Train accuracies; a run that diverged has a tenth, chance's."""
    return [0.1 if one.train_accuracy is None else one.train_accuracy for one in records]


def mean_accuracy(arms: Iterable[Sequence[DistortionRecord]]) -> float:
    """The mean over some arms of their seeds' mean train accuracy, in per cent."""
    return 100 * statistics.fmean(statistics.fmean(accuracies(some)) for some in arms)


def outcome(records: Sequence[DistortionRecord]) -> str:
    """Whether an arm trains its network: by the mean over its seeds."""
    mean = statistics.fmean(accuracies(records))
    return "trains" if mean >= TRAINS else "at chance" if mean <= CHANCE else "partly"


def networks(found: RunsByArm) -> list[tuple[int, str]]:
    """The networks of some arms, the shallow first."""
    there = {(arm.depth, arm.start) for arm in found}
    order = [*GAINS]
    return sorted(there, key=lambda one: (one[0], order.index(one[1])))
