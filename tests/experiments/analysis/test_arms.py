"""Arms of a fair study, from made-up records."""

import math

import numpy as np
import pytest

from experiments.analysis.arms import arms, lost_by_tuning
from experiments.analysis.final_runs import final_losses


def _runs(synthetic, optimizer, phase, rate, accuracies):
    for seed, accuracy in enumerate(accuracies):
        yield synthetic(
            "digits",
            optimizer,
            seed,
            hyperparameters={"learning_rate": rate},
            protocol="fair",
            regime="A",
            phase=phase,
            status="ok" if accuracy else "diverged",
            validation_accuracy=[0.1, accuracy],
            validation_loss=[2.0, 1.0],
        )


def test_an_arm_that_lost_by_its_tuning_is_named_with_both_means(synthetic):
    records = [
        *_runs(synthetic, "adamw", "tune", 1e-2, [0.9]),
        *_runs(synthetic, "adamw", "confirm", 1e-2, [0.9, 0.9]),
        *_runs(synthetic, "adamw", "final", 1e-2, [0.9, 0.5, None]),
        *_runs(synthetic, "adamw", "default", 1e-3, [0.6, 0.6, 0.6]),
        *_runs(synthetic, "lion", "tune", 1e-2, [0.9]),
        *_runs(synthetic, "lion", "confirm", 1e-2, [0.9, 0.9]),
        *_runs(synthetic, "lion", "final", 1e-2, [0.7, 0.7]),
        *_runs(synthetic, "lion", "default", 1e-3, [0.6, 0.6]),
        *_runs(synthetic, "adam", "default", 1e-3, [0.99, 0.99]),
    ]
    ((arm, tuned, default),) = lost_by_tuning(arms(records))
    assert arm.optimizer == "adamw"
    assert tuned == pytest.approx((0.9 + 0.5 + 0.1) / 3)  # chance where it diverged
    assert default == pytest.approx(0.6)


def test_a_train_loss_of_0_is_the_smallest_of_losses_and_not_chance(synthetic):
    runs = [
        synthetic("digits", "adamw", seed, train_loss=[2.0, loss], status=status)
        for seed, (loss, status) in enumerate(
            [(0.0, "ok"), (3e-10, "ok"), (1e-3, "ok"), (1e-3, "diverged"), (None, "ok")]
        )
    ]
    classes = runs[0].data.classes
    chance = pytest.approx(math.log(classes))
    resolved = float(np.finfo(np.float32).eps)
    assert final_losses(runs) == {0: resolved, 1: resolved, 2: 1e-3, 3: chance, 4: chance}
