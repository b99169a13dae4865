"""Records that stand beside one another in a report are of one study."""

from dataclasses import replace

import pytest

from experiments import optimizers
from experiments.analysis import summaries
from experiments.protocols import ablation
from experiments.protocols.fair import constants
from experiments.reports.one_study import of_one_study, study_of


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
    older = [replace(made("lion", "older", seed), test_accuracy=None) for seed in range(2)]
    found, excluded = of_one_study([*older, *today])
    assert found == today
    assert excluded == [
        "left out: 2 record(s) of Lion on digits that were made with other grids or another "
        "search space"
    ]


def test_test_images_that_judged_an_older_grid_are_told(made):
    read, tuned = made("lion", "older"), replace(made("lion", "older", 1), test_accuracy=None)
    _, (said,) = of_one_study([made("lion", _hash("lion")), read, tuned])
    assert said.endswith(
        "search space; 1 of them read the test images, which so have judged another Lion"
    )


def test_of_one_optimizer_todays_grids_stand_though_older_runs_are_more(made):
    today, older = made("adamw", _hash("adamw")), [made("adamw", "older", 1 + i) for i in range(3)]
    found, (said,) = of_one_study([*older, today])
    assert found == [today]
    assert said.startswith("left out: 3 record(s) of AdamW on digits")


@pytest.mark.parametrize("name", ["lion", "mine:sharp"])
def test_where_no_grids_are_todays_the_newest_stand(made, name):
    def on(day, one):
        return replace(one, finished=f"2026-01-0{day}T00:00:00+00:00")

    older = [on(2, made("adamw", "older", 0)), on(2, made(name, "older", 0))]
    oldest = [on(1, made(name, "oldest", seed)) for seed in (2, 3)]
    for mixed in ([*oldest, *older], [*older, *oldest]):
        found, (said,) = of_one_study(mixed)
        assert found == older
        assert said.startswith("left out: 2 record(s) of")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fingerprint": "1"}, "of other images that were digits before"),
        ({"optimizer_source": "1"}, "of mine:f before its file was changed"),
        ({"network": "mine:net", "network_source": "1"}, "of the network mine:net before"),
    ],
)
def test_of_what_was_changed_under_one_name_the_newest_stands(made, changed, said):
    def runs(day, seeds, **more):
        some = [made("mine:f", "0", seed) for seed in seeds]
        return [replace(one, finished=f"2026-01-0{day}T00:00:00+00:00", **more) for one in some]

    network = {"network": changed["network"]} if "network" in changed else {}
    older, newer = runs(1, range(5), **network), runs(2, range(2), **changed)
    elsewhere = [replace(one, dataset="usps", **changed) for one in runs(2, [7])]
    for mixed in ([*older, *newer, *elsewhere], [*elsewhere, *newer, *older]):
        found, (told,) = of_one_study(mixed)
        assert sorted(one.seed for one in found) == [0, 1, 7]
        assert told.startswith(f"left out: 5 record(s) {said}")


def test_older_grids_of_the_smoke_budget_are_told_apart_too(made):
    """Its lists are shorter, so its hash is another than the full budget's."""
    resolved = {"adamw": optimizers.resolve("adamw"), "lion": optimizers.resolve("lion")}
    cells = ablation.study(["digits"], resolved, budget="smoke").plan(lambda cell: None).cells
    todays = next(one.protocol.hash for one in cells if one.learner.optimizer == "adamw")
    smoke = {"protocol": "ablation[budget=smoke]", "budget": "smoke"}
    today = [replace(made("adamw", todays), **smoke)]
    older = [replace(made("lion", "older", seed), **smoke) for seed in range(2)]
    found, (said,) = of_one_study([*older, *today])
    assert found == today
    assert said.startswith("left out: 2 record(s) of Lion on digits")


def test_a_budget_that_this_version_does_not_know_is_said(made):
    entries = summaries.entries([replace(made("adamw", "0"), budget="tenth")])
    with pytest.raises(ValueError, match="budget 'tenth', which this version does not know"):
        study_of(entries, ("full", "smoke"))


def test_an_optimizer_that_this_version_cannot_build_is_no_error(made):
    some = [made("adamw", _hash("adamw")), made("adamw:gone=1", "0")]
    assert of_one_study(some) == (some, [])
