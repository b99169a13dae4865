"""Records that stand beside one another in a report are of one study."""

import pytest

from experiments import optimizers
from experiments.protocols.fair import constants
from experiments.reports.one_study import of_one_study


def _hash(name):
    return constants.content_hash(optimizers.resolve(name).space)


@pytest.fixture
def made(synthetic):
    def one(name, grids, seed=0):
        return synthetic(
            protocol="fair", dataset="digits", optimizer=name, protocol_hash=grids, seed=seed
        )

    return one


def test_records_of_one_study_all_stand(made):
    some = [made(name, _hash(name)) for name in ("adamw", "lion", "adamw:b1=0.95")]
    assert of_one_study([*some, made("mine:sharp", "0")]) == ([*some, made("mine:sharp", "0")], [])
    assert of_one_study([]) == ([], [])


def test_optimizers_of_older_grids_do_not_stand_beside_those_of_todays(made):
    today = [made("adamw", _hash("adamw"))]
    older = [made("lion", "older", 0), made("lion", "older", 1)]
    found, excluded = of_one_study([*older, *today])
    assert found == today
    assert excluded == [
        "left out: 2 record(s) of Lion on digits that were made with other grids or another "
        "search space"
    ]


def test_of_one_optimizer_todays_grids_stand_though_older_runs_are_more(made):
    today, older = made("adamw", _hash("adamw")), [made("adamw", "older", 1 + i) for i in range(3)]
    found, (said,) = of_one_study([*older, today])
    assert found == [today]
    assert said.startswith("left out: 3 record(s) of AdamW on digits")


def test_a_study_of_older_grids_alone_stands_by_its_most_frequent(made):
    older = [made("adamw", "older", 0), made("lion", "older", 0), made("lion", "older", 1)]
    oldest = made("lion", "oldest", 2)
    found, (said,) = of_one_study([oldest, *older])
    assert found == older
    assert said.startswith("left out: 1 record(s) of Lion on digits")


def test_an_optimizer_that_this_version_cannot_build_is_no_error(made):
    some = [made("adamw", _hash("adamw")), made("adamw:gone=1", "0")]
    assert of_one_study(some) == (some, [])
