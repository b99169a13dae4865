import pytest

from experiments.protocols import paper

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
    assert paper.gain_of_columns(optimizer) == pytest.approx(gain, abs=0.0051)


@pytest.mark.parametrize(("optimizer", "overhead"), OVERHEADS.items())
def test_the_overhead_that_the_columns_give(optimizer, overhead):
    assert paper.overhead_of_columns(optimizer) == pytest.approx(overhead, abs=0.0051)


def test_only_the_gains_that_rounding_cannot_explain_are_marked():
    marked = {name for name in paper.OPTIMIZERS if paper.gain_disagrees(name)}
    assert marked == {"lion", "muadam", "lookahead"}
    assert {n for n in paper.OPTIMIZERS if paper.overhead_disagrees(n)} == set(OVERHEADS)


def test_what_the_paper_does_not_print_is_none():
    assert paper.accuracy("swa", "mnist") is None
    assert paper.accuracy("lion", "mnist") is None
    assert paper.accuracy("muon", "cifar10") is None
    assert paper.gain_of_columns("adam") is None
    assert paper.overhead_of_columns("rmsprop") is None


def test_the_claim_of_the_highest_accuracy_everywhere_fails_on_qmnist_alone():
    beaten = [
        name
        for name in paper.DATASETS
        if max(row.get(name, 0) for row in paper.ACCURACY.values())
        > paper.ACCURACY["thermolion"][name]
    ]
    assert beaten == ["qmnist"]


def test_every_data_set_and_optimizer_has_a_title():
    assert len(paper.DATASETS) == 12
    assert set(paper.DATASETS) == set(paper.DATASET_TITLES)
    assert len(paper.OPTIMIZERS) == 9
