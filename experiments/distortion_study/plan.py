"""What is run: networks × optimizers × rates on one seed, then each one's best rate on fresh seeds.

A rate is given as a size: how far it moves, in the first step, the leaf whose gradient is the
largest. With the root mean square s of that gradient, rate = size · s^(2α-1), since a step of
exponent α has the units of g^(1-2α). So one list of sizes serves every exponent, network and
initialisation.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from experiments.distortion_study.record import DistortionRecord

DEPTHS = (10, 20)
GAINS = {"default": 1.0, "large": 3.5}
ALPHAS = {"SGD": 0.0, "SMES α=0": 0.0, "SMES α=¼": 0.25, "SMES α=½": 0.5, "AdamW": 0.5}
"""Optimizer to the exponent of its step."""
STRENGTHS = (0.0, 1.0)
TUNING_SEED, SEEDS = 101, (201, 202, 203)


@dataclass(frozen=True)
class DistortionArm:
    """An optimizer on a network.

    Attributes:
        depth: convolutions.
        start: the initialisation, of `GAINS`.
        optimizer: of `ALPHAS`.
        strength: of `normalize_distortion` before it; 0 is none.
    """

    depth: int
    start: str
    optimizer: str
    strength: float


@dataclass(frozen=True)
class DistortionRun:
    """One training run.

    Attributes:
        arm: what is trained with what.
        size: the first step of the leaf of the largest gradient, root mean square.
        seed: of weights and batches.
        phase: "tune" or "final".
    """

    arm: DistortionArm
    size: float
    seed: int
    phase: str


@dataclass(frozen=True)
class StudyScale:
    """How much is run.

    Attributes:
        depths: of the networks.
        sizes: of the steps, see above.
        steps: of 32 images.
        readings: times that the gradient is read, the first before the first step.
    """

    depths: tuple[int, ...] = DEPTHS
    sizes: tuple[float, ...] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
    steps: int = 300
    readings: int = 13


FULL, SMOKE = StudyScale(), StudyScale(depths=(3,), sizes=(1e-3, 1e-2), steps=12, readings=3)


def all_arms(scale: StudyScale = FULL) -> list[DistortionArm]:
    """All arms, those of one compiled program next to each other."""
    return [
        DistortionArm(depth, start, optimizer, strength)
        for depth, optimizer, start, strength in itertools.product(
            scale.depths, ALPHAS, GAINS, STRENGTHS
        )
    ]


def run_of(record: DistortionRecord) -> DistortionRun:
    """The run that a record is of."""
    arm = DistortionArm(record.depth, record.start, record.optimizer, record.strength)
    return DistortionRun(arm, record.size, record.seed, record.phase)


def best_size(
    arm: DistortionArm, records: Iterable[DistortionRecord], sizes: tuple[float, ...]
) -> float:
    """The size of the smallest train loss on the tuning seed; a diverged run is worse than any."""
    losses = {
        one.size: math.inf if one.train_loss is None else one.train_loss
        for one in records
        if one.phase == "tune" and run_of(one).arm == arm
    }
    return min(sizes, key=lambda size: losses[size])


def due(records: Iterable[DistortionRecord], scale: StudyScale = FULL) -> list[DistortionRun]:
    """What the records lack: an arm's sizes first, then its best one on the final seeds."""
    found = list(records)
    done = {run_of(one) for one in found}
    lacking = []
    for arm in all_arms(scale):
        tuning = [DistortionRun(arm, size, TUNING_SEED, "tune") for size in scale.sizes]
        missing = [run for run in tuning if run not in done]
        if not missing:
            best = best_size(arm, found, scale.sizes)
            missing = [
                run
                for seed in SEEDS
                if (run := DistortionRun(arm, best, seed, "final")) not in done
            ]
        lacking += missing
    return lacking
