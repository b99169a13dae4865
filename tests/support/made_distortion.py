"""Runs of the distortion study that never were."""

from experiments.distortion_study import training
from experiments.distortion_study.record import DistortionRecord, GradientReading


def made(run, loss=1.0, accuracy=0.6, status="ok"):
    return DistortionRecord(
        **vars(run.arm),
        size=run.size,
        seed=run.seed,
        phase=run.phase,
        steps=300,
        **outcome(loss, accuracy, status)._asdict(),
        dataset="digits",
        images=1000,
        fingerprint="0",
    )


def outcome(loss=1.0, accuracy=0.6, status="ok"):
    readings = [
        GradientReading(step=step, spread=2.0, kernel=[1e-3, 1.0], bias=[0.1] * 2)
        for step in (0, 9)
    ]
    return training.DistortionOutcome(0.1, [2.0], loss, accuracy, status, readings)
