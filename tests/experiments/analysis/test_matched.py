"""The gap at matched train loss, on curves whose answer is known beforehand."""

import math
from types import SimpleNamespace

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
    assert matched.validation_at(one, 0.25) == pytest.approx(0.7)  # epoch 3, half way
    assert matched.validation_at(one, 0.3) == pytest.approx(0.72)  # 0.8 of the third epoch
    assert matched.validation_at(one, 0.1) == pytest.approx(0.6)
    assert matched.validation_at(one, 0.5) == pytest.approx(0.8)
    assert matched.validation_at(one, CHANCE) == pytest.approx(CHANCE)
    assert matched.validation_at(one, 0.05) is None
    assert matched.validation_at(run([0.1], [0.6], status="diverged"), 0.1) is None
    assert matched.validation_at(run([0.1], [None]), 0.1) is None


def test_the_first_time_that_a_run_comes_down_to_it():
    one = run([0.4, 0.6, 0.2], [0.5, 0.9, 1.0])
    assert matched.validation_at(one, 0.5) < 1.0  # on the way from chance to the first reading
    assert matched.validation_at(one, 0.3) == pytest.approx(0.975)


def test_a_train_loss_of_zero_is_an_epoch_like_any_other():
    assert matched.validation_at(run([0.5, 0.0, 0.0], [0.9, 0.8, 0.7]), 0.0) == pytest.approx(0.8)


@pytest.mark.parametrize(("epochs", "readings"), [(12, 8), (15, 8), (87, 8), (3, 8), (8, 1)])
def test_readings_are_at_the_epochs_that_training_reads_at(epochs, readings):
    config = Config(batch_size=10, epochs=epochs, readings=readings)
    places = config.reading_epochs(100)
    train = [1.0 - epoch / 100 for epoch in range(epochs)]
    one = run(train, [float(number) for number in range(len(places))])
    for number, place in enumerate(places):
        assert matched.validation_at(one, train[place]) == pytest.approx(number)


def test_the_level_is_the_worst_fit_that_did_not_diverge_seed_by_seed():
    arms = {
        "a": SimpleNamespace(tuned=(run([0.1], [1.0], 1), run([0.3], [1.0], 2))),
        "b": SimpleNamespace(tuned=(run([0.2], [1.0], 1), run([9.0], [1.0], 2, "diverged"))),
    }
    assert matched.levels(arms.values()) == {1: 0.2, 2: 0.3}
    assert matched.at_levels(arms["b"].tuned, {1: 0.2, 2: 0.3}) == {1: 1.0}


def test_equal_validation_at_equal_train_loss_is_no_smaller_gap_however_far_one_goes_on():
    """Underfitting closes the raw gap, not the matched one."""
    short = run([1.0, 0.5], [1.1, 0.7])
    long = run([1.0, 0.5, 0.1, 0.05], [1.1, 0.7, 0.7, 0.9])
    level = matched.levels(SimpleNamespace(tuned=(one,)) for one in (short, long))
    assert matched.at_levels([short], level) == matched.at_levels([long], level)
