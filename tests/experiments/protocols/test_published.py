import pytest

from experiments import protocols
from experiments.protocols.paper import published
from experiments.reports.labels import DATASET_TITLES, OPTIMIZER_TITLES

# The averages as a reader of the paper's columns worked them out by hand.
GAINS = {
    "adamw": 0.63,
    "rmsprop": -16.34,
    "lion": -15.13,
    "muadam": -12.62,
    "lookahead": -7.13,
    "swats": 1.37,
    "thermolion": 20.94,
}
OVERHEADS = {"adamw": 0.16, "lion": 0.02, "muadam": 0.32, "swats": -0.05, "thermolion": 1.03}


@pytest.mark.parametrize(("optimizer", "gain"), GAINS.items())
def test_the_gain_that_the_columns_give(optimizer, gain):
    assert published.gain(optimizer).columns == pytest.approx(gain, abs=0.0051)


@pytest.mark.parametrize(("optimizer", "overhead"), OVERHEADS.items())
def test_the_overhead_that_the_columns_give(optimizer, overhead):
    assert published.overhead(optimizer).columns == pytest.approx(overhead, abs=0.0051)


def test_only_the_averages_that_rounding_cannot_explain_are_marked():
    marked = {name for name in published.OPTIMIZERS if published.gain(name).disagrees}
    assert marked == {"lion", "muadam", "lookahead"}
    assert {n for n in published.OPTIMIZERS if published.overhead(n).disagrees} == set(OVERHEADS)


def test_what_the_paper_does_not_print_is_absent():
    assert published.ACCURACY["swa"] == {}
    assert "mnist" not in published.ACCURACY["lion"]
    assert "muon" not in published.ACCURACY
    assert published.gain("adam").columns is None
    assert published.overhead("rmsprop").columns is None
    assert not published.gain("muon").disagrees


def test_the_claim_of_the_highest_accuracy_everywhere_fails_on_qmnist_alone():
    beaten = [
        name
        for name in published.DATASETS
        if max(row.get(name, 0) for row in published.ACCURACY.values())
        > published.ACCURACY["thermolion"][name]
    ]
    assert beaten == ["qmnist"]


def test_every_data_set_and_optimizer_has_a_title_and_stands_in_the_papers_order():
    assert len(published.DATASETS) == 12
    assert list(DATASET_TITLES) == list(published.DATASETS)
    assert tuple(OPTIMIZER_TITLES)[:9] == published.OPTIMIZERS


def test_only_the_protocol_as_it_stands_has_published_numbers():
    assert protocols.get("paper").reference is published.REFERENCE
    assert protocols.get("paper", epochs=12).reference is published.REFERENCE
    for change in ({"epochs": 2}, {"batch_size": 64}, {"limit": 100}):
        assert protocols.get("paper", **change).reference is None
