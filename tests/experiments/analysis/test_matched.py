"""The gap at matched train loss, on curves whose answer is known beforehand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.analysis import matched
from experiments.training.inputs import Config

CHANCE = math.log(10)


def run(train, validation, seed=0, status="ok"):
    return SimpleNamespace(
        train_loss=train,
        validation_loss=validation,
        seed=seed,
        status=status,
        data=SimpleNamespace(classes=10),
    )


def test_the_epochs_between_readings_say_where_the_level_is():
    one = run([1.0, 0.5, 0.25, 0.1], [0.8, 0.6])  # read after epochs 2 and 4
    assert matched.validation_at(one, 0.25) == pytest.approx(0.75)  # the middle of epoch 3
    assert matched.validation_at(one, 0.3) == pytest.approx(0.77)  # 0.2 of an epoch before
    assert matched.validation_at(one, 0.1) == pytest.approx(0.65)
    assert matched.validation_at(one, 0.5) == pytest.approx(0.8 + (CHANCE - 0.8) / 4)
    assert matched.validation_at(one, CHANCE) == pytest.approx(CHANCE)
    assert matched.validation_at(one, 0.05) is None
    assert matched.validation_at(run([0.1], [0.6], status="diverged"), 0.1) is None
    assert matched.validation_at(run([0.1], [None]), 0.1) is None


def test_the_first_time_that_a_run_comes_down_to_it():
    one = run([0.4, 0.6, 0.2], [0.5, 0.9, 1.0])
    place = 0.5 * (CHANCE - 0.5) / (CHANCE - 0.4)  # on the way from chance to the first mean
    assert matched.validation_at(one, 0.5) == pytest.approx(CHANCE - place * (CHANCE - 0.5))
    assert matched.validation_at(one, 0.3) == pytest.approx(0.925)


def test_a_train_loss_of_zero_is_an_epoch_like_any_other():
    assert matched.validation_at(run([0.5, 0.0, 0.0], [0.9, 0.8, 0.7]), 0.0) == pytest.approx(0.85)


def test_of_two_runs_on_one_path_the_faster_has_no_smaller_gap():
    """Their train loss decays at two speeds; validation is 1 above it at every moment of both."""
    found = []
    for speed in (0.1, 0.3):
        ends = np.exp(-speed * np.arange(13))
        means = -np.diff(ends) / speed  # of an epoch, as it falls
        one = run(means.tolist(), (1 + ends[1:]).tolist())
        found.append(matched.validation_at(one, 0.35))
    assert found == pytest.approx([1.35] * 2, abs=0.005)


@pytest.mark.parametrize(("epochs", "readings"), [(12, 8), (15, 8), (87, 8), (3, 8), (8, 1)])
def test_readings_are_at_the_epochs_that_training_reads_at(epochs, readings):
    config = Config(batch_size=10, epochs=epochs, readings=readings)
    places = config.reading_epochs(100)
    one = run([0.0, *(-epoch for epoch in range(1, epochs))], [-9.0 * place for place in places])
    middles = [place for place in places if place + 1 < epochs]
    for place in middles:  # a reading is half way between its epoch's mean and the next one's
        assert matched.validation_at(one, -place - 0.5) == pytest.approx(-9.0 * place)
    before = -9.0 * middles[-1] if middles else CHANCE
    half_an_epoch = 0.5 / (epochs - (middles[-1] + 1 if middles else 0))
    last = matched.validation_at(one, 1.0 - epochs)
    assert last == pytest.approx(-9.0 * places[-1] + half_an_epoch * (before + 9.0 * places[-1]))


def test_the_level_is_the_worst_fit_that_did_not_diverge_seed_by_seed():
    arms = {
        "a": SimpleNamespace(tuned=(run([0.1], [1.0], 1), run([0.3], [1.0], 2))),
        "b": SimpleNamespace(tuned=(run([0.2], [1.0], 1), run([9.0], [1.0], 2, "diverged"))),
    }
    assert matched.levels(arms.values()) == {1: 0.2, 2: 0.3}
    found = matched.at_levels(arms["b"].tuned, {1: 0.2, 2: 0.3})
    assert found == {1: pytest.approx((CHANCE + 1.0) / 2)}  # the middle of its one epoch


def test_equal_validation_at_equal_train_loss_is_no_smaller_gap_however_far_one_goes_on():
    """Underfitting closes the raw gap, not the matched one."""
    short = run([1.0, 0.5], [1.1, 0.7])
    long = run([1.0, 0.5, 0.1, 0.05], [1.1, 0.7, 0.7, 0.9])
    level = matched.levels(SimpleNamespace(tuned=(one,)) for one in (short, long))
    assert matched.at_levels([short], level) == matched.at_levels([long], level)
