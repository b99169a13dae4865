import math

import pytest

from experiments.analysis.health import health
from experiments.records import DataFacts


def found_in(accuracy, losses, **data):
    facts = {"examples": 5000, "classes": 10, "classes_present": 10}
    return health(accuracy, losses, DataFacts(**(facts | data)))


def test_a_dead_run_is_told_whatever_its_status_says():
    """Loss 77 in the first epoch, then ln 10 for good: status "ok", and nothing was learnt."""
    found = found_in(0.1004, [77.0] + 11 * [math.log(10)])
    assert found == ["at chance", "loss rose 33-fold"]


@pytest.mark.parametrize(
    ("accuracy", "data", "chance"),
    [
        (0.112, {}, True),  # 0.1 + 3 sqrt(0.09 / 5000) = 0.1127
        (0.114, {}, False),
        (0.19, {"largest_class": 950}, True),  # all guessed to be of the commonest class
        (0.21, {"largest_class": 950}, False),
        (0.21, {"classes": 43, "classes_present": 5}, True),
        (0.05, {"examples": None}, False),
        (1.0, {"classes": 1, "classes_present": 1}, False),
        (None, {}, False),
    ],
)
def test_at_chance_is_what_a_constant_guess_reaches(accuracy, data, chance):
    assert ("at chance" in found_in(accuracy, [2.0, 1.0], **data)) is chance


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ([2.0, 1.0, 0.5], []),
        ([4.1, 1.0, 0.5], []),  # an optimizer that starts roughly: 1.8 times ln 10
        ([1.0, 0.5, 4.0], ["loss rose 4-fold"]),
        ([1.0, 8.0, 0.5], ["loss rose 8-fold"]),
        ([1.0, None, None], []),  # diverged, which the status says
        ([None], []),
        ([0.0, 1.0], []),
    ],
)
def test_a_loss_that_rose_is_measured_from_where_training_starts(losses, told):
    assert found_in(0.9, losses) == told


def test_without_facts_of_the_data_nothing_is_said_of_chance():
    assert health(0.1, [1.0, 5.0], DataFacts()) == ["loss rose 5-fold"]
