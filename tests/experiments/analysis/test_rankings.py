import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from experiments.analysis.rankings import mean_ranks, probability_of_improvement, ranks
from experiments.analysis.runs import runs

SCORES = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 5), st.integers(2, 6)), elements=st.floats(0, 1)
)


def _made(scores):
    return {str(i): runs(range(len(row)), row) for i, row in enumerate(scores)}


def test_ranks_by_hand():
    # a and b cannot be told apart, c is far below both.
    found = ranks(_made([[0.90, 0.92, 0.91], [0.91, 0.91, 0.90], [0.50, 0.51, 0.50]]))
    assert [(each.rank, each.low, each.high) for each in found.values()] == [
        (1, 1, 2),
        (2, 1, 2),
        (3, 3, 3),
    ]
    assert found["2"].worse == ("0", "1")
    assert found["0"].better == found["1"].better == ("2",)
    assert found["0"].of == 3


def test_equals_share_their_rank_and_one_optimizer_is_first():
    found = ranks(_made([[0.5, 0.6], [0.5, 0.6], [0.1, 0.2]]))
    assert [each.rank for each in found.values()] == [1.5, 1.5, 3]
    only = ranks(_made([[0.5, 0.6]]))["0"]
    assert (only.rank, only.low, only.high) == (1, 1, 1)
    with pytest.raises(ValueError, match="no optimizers"):
        ranks({})


def test_one_seed_may_be_any_rank():
    found = ranks(_made([[0.9], [0.1]]))
    assert [(each.rank, each.low, each.high) for each in found.values()] == [(1, 1, 2), (2, 1, 2)]


def test_more_sets_widen_the_interval():
    scores = [[0.900, 0.902, 0.901, 0.903], [0.897, 0.900, 0.900, 0.899]]
    assert ranks(_made(scores))["0"].high == 1
    assert ranks(_made(scores), sets=100)["0"].high == 2


@given(SCORES)
def test_ranks_equal_scipys_and_lie_in_their_intervals(scores):
    scores = np.round(scores, 2)
    found = ranks(_made(scores))
    means = np.round(scores.mean(axis=1), 9)
    np.testing.assert_array_equal(
        np.argsort([each.rank for each in found.values()], kind="stable"),
        np.argsort(stats.rankdata(-means), kind="stable"),
    )
    assert all(1 <= each.low <= each.rank <= each.high <= len(scores) for each in found.values())


def test_with_unequal_numbers_of_seeds_ranks_are_those_of_the_means_shown():
    """Over the two seeds that all share, b is ahead of a."""
    shown = {
        "a": runs(range(4), [0.50, 0.51, 0.99, 0.98]),
        "b": runs(range(2), [0.60, 0.61]),
        "c": runs(range(4), [0.55, 0.56, 0.57, 0.56]),
    }
    found = ranks(shown)
    assert {name: each.rank for name, each in found.items()} == {"a": 1, "b": 2, "c": 3}
    assert (found["a"].low, found["a"].high) == (1, 3)
    assert found["b"].better == ("a", "c")  # of whom the first is not behind in the table
    assert (found["b"].low, found["b"].high) == (1, 2)


def test_mean_ranks_average_over_sets():
    first = _made([[0.90, 0.91], [0.50, 0.51]])
    second = _made([[0.50, 0.70], [0.60, 0.61]])
    found = mean_ranks({"x": first, "y": second})
    assert (found["0"].value, found["1"].value) == (1.5, 1.5)
    assert (found["0"].low, found["0"].high) == (1.0, 1.5)
    assert (found["1"].low, found["1"].high) == (1.5, 2.0)
    with pytest.raises(ValueError, match="y has"):
        mean_ranks({"x": first, "y": {"0": second["0"]}})
    with pytest.raises(ValueError, match="no data sets"):
        mean_ranks({})


def test_probability_of_improvement_is_mann_whitneys_share():
    one, other = [0.9, 0.8, 0.7, 0.95], [0.7, 0.85, 0.6, 0.75]
    found = probability_of_improvement([(runs(range(4), one), runs(range(4), other))])
    assert found.value == stats.mannwhitneyu(one, other).statistic / 16


def test_its_interval_is_wilsons():
    better, worse = runs(range(5), [0.9] * 5), runs(range(5), [0.1] * 5)
    found = probability_of_improvement([(better, worse)])
    truth = stats.binomtest(5, 5).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((truth.low, truth.high))
    twice = probability_of_improvement([(better, worse), (worse, better)])
    # One seed may favour both sets alike, so two sets of five seeds are five trials, not ten.
    z = stats.norm.ppf(0.975)
    half = z / (1 + z * z / 5) * (0.25 / 5 + z * z / 100) ** 0.5
    assert (twice.low, twice.high) == pytest.approx((0.5 - half, 0.5 + half))


def test_one_run_gives_a_share_without_an_interval():
    found = probability_of_improvement([(runs([0], [0.9]), runs([0], [0.1]))])
    assert (found.value, found.low, found.high) == (1.0, None, None)
    with pytest.raises(ValueError, match="no data sets"):
        probability_of_improvement([])


@given(SCORES, SCORES)
def test_swapping_the_optimizers_gives_the_complement(one, other):
    a, b = runs(range(one.shape[1]), one[0]), runs(range(other.shape[1]), other[0])
    there, back = probability_of_improvement([(a, b)]), probability_of_improvement([(b, a)])
    assert back.value == pytest.approx(1 - there.value)
    assert back.low == pytest.approx(1 - there.high)
    assert there.low <= there.value <= there.high
