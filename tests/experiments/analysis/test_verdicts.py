import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.analysis.paired import difference, loss_difference
from experiments.analysis.runs import runs
from experiments.analysis.verdicts import TRAIN_LOSS, verdict, verdict_over_sets

T4 = 2.7764  # Student's t for 4 degrees of freedom at 97.5 %


def _found(mean, half):
    """A difference over five seeds with this mean and half width, in points."""
    step = half / T4 * math.sqrt(5) / math.sqrt(2.5)
    ours = [0.5 + (mean + step * place) / 100 for place in (-2, -1, 0, 1, 2)]
    return difference(runs(range(5), ours), runs(range(5), [0.5] * 5))


@pytest.mark.parametrize(
    ("mean", "half", "case", "words"),
    [
        (0.5, 0.3, "better by less", "better by less than 1 point: +0.50 points [+0.20, +0.80]"),
        (-0.5, 0.3, "worse by less", "worse by less than 1 point: -0.50"),
        (0.9, 0.3, "better", "better: +0.90 points [+0.60, +1.20]"),
        (-3.0, 0.5, "worse", "worse: -3.00"),
        (0.2, 0.7, "no larger difference", "no difference larger than 1 point: +0.20"),
        (0.2, 0.9, "undecided", "undecided, at most 1.10 points: +0.20"),
        (-0.2, 1.9, "undecided", "undecided, at most 2.10 points: -0.20"),
    ],
)
def test_the_cases_in_their_order(mean, half, case, words):
    found = verdict("a", "b", _found(mean, half))
    assert found.case == case
    assert found.text.startswith(f"a against b, held-out accuracy: {words}")
    smallest = f"{found.difference.smallest_detectable:.2f}"
    assert f"at 95 %, 5 seeds; smallest detectable {smallest}" in found.text
    assert found.at_most == pytest.approx(abs(mean) + half, abs=1e-3)


def test_a_lower_loss_is_better():
    lower = loss_difference({0: 0.900, 1: 0.901}, {0: 1.0, 1: 1.0})
    assert verdict("a", "b", lower, measure=TRAIN_LOSS).case == "better"
    higher = loss_difference({0: 1.02, 1: 1.0201}, {0: 1.0, 1: 1.0})
    said = verdict("a", "b", higher, measure=TRAIN_LOSS)
    assert said.case == "worse by less"
    assert "worse by less than 5 %: +2.00 %" in said.text


@pytest.mark.parametrize(
    ("ratio", "case"), [(1.0512, "worse"), (1.0499, "worse by less"), (1 / 1.0501, "better")]
)
def test_nothing_beyond_five_per_cent_counts_as_none(ratio, case):
    found = loss_difference({0: ratio, 1: ratio}, {0: 1.0, 1: 1.0})
    said = verdict("a", "b", found, measure=TRAIN_LOSS)
    assert said.case == case
    assert ("than 5 %:" in said.text) == (case == "worse by less")


def test_a_loss_is_shown_as_the_change_in_per_cent_that_its_logarithms_stand_for():
    found = loss_difference({0: 0.01, 1: 0.01}, {0: 0.1, 1: 0.1})
    assert found.mean == pytest.approx(100 * math.log(0.1))
    assert (
        "better: -90.00 % [-90.00, -90.00] at 95 %"
        in verdict("a", "b", found, measure=TRAIN_LOSS).text
    )
    tenfold = loss_difference({0: 0.1, 1: 10.0}, {0: 0.1, 1: 0.1})
    assert verdict("a", "b", tenfold, measure=TRAIN_LOSS).numbers.startswith("×10 [×")


def test_a_rise_of_more_than_a_hundred_per_cent_is_a_ratio():
    found = loss_difference({0: 0.34, 1: 0.36}, {0: 0.01, 1: 0.01})
    said = verdict("a", "b", found, measure=TRAIN_LOSS)
    assert said.text.startswith("a against b, train loss: worse: ×35 [×24.3, ×50.3] at 95 %, 2 s")
    small = loss_difference({0: 0.8, 1: 1.1}, {0: 1.0, 1: 1.0})
    text = verdict("a", "b", small, measure=TRAIN_LOSS).text
    assert "undecided, at most ×7.09: ×0.938 [×0.124, ×7.09] at" in text


def test_a_fall_of_more_than_99_per_cent_is_a_ratio():
    found = loss_difference({0: 0.0034, 1: 0.0036}, {0: 1.0, 1: 1.0})
    said = verdict("a", "b", found, measure=TRAIN_LOSS)
    assert said.text.startswith("a against b, train loss: better: ×0.0035 [×0.00243, ×0.00503] at")


def test_one_seed_is_undecided_and_says_why():
    found = verdict("a", "b", difference(runs([0], [0.9]), runs([0], [0.5])))
    assert (found.case, found.at_most) == ("undecided", math.inf)
    assert found.difference.smallest_detectable is None
    assert found.text.endswith("undecided: +40.00 points, one seed and so no interval")


def test_images_and_both_intervals_are_named():
    bits = [[1, 1, 1, 0], [1, 1, 0, 0]]
    one = runs([0, 1], [0.75, 0.5], bits)
    other = runs([0, 1], [0.5, 0.25], [[1, 1, 0, 0], [1, 0, 0, 0]])
    text = verdict("a", "b", difference(one, other, comparisons=2)).text
    assert "at 97.5 % over 2 seeds and 4 images (seeds alone [" in text


def test_sets_against_each_other_are_mixed_whatever_their_mean():
    sets = {"x": _found(3.0, 0.5), "y": _found(-1.5, 0.5), "z": _found(0.0, 5.0)}
    found = verdict_over_sets("a", "b", sets)
    assert found.case == "mixed"
    assert "over 3 sets, mixed (better on x, worse on y): +0.50 points" in found.text
    assert {name: each.case for name, each in found.sets.items()} == {
        "x": "better",
        "y": "worse",
        "z": "undecided",
    }


def test_the_mean_over_sets_follows_the_rule():
    found = verdict_over_sets("a", "b", {"x": _found(3.0, 0.5), "y": _found(0.0, 0.5)})
    assert found.case == "better"
    assert found.difference.mean == pytest.approx(1.5)
    assert "over 2 sets, better: +1.50" in found.text


OPPOSITE = {
    "better": "worse",
    "better by less": "worse by less",
    "worse": "better",
    "worse by less": "better by less",
}


@given(st.floats(-5, 5), st.floats(0.01, 5))
def test_swapping_the_optimizers_swaps_better_and_worse(mean, half):
    there = verdict("a", "b", _found(mean, half))
    back = verdict("b", "a", _found(-mean, half))
    assert back.case == OPPOSITE.get(there.case, there.case)


@given(st.floats(-5, 5), st.floats(0.01, 5), st.floats(1.5, 5))
def test_noise_never_makes_a_verdict_surer(mean, half, factor):
    sure = {"undecided": 0, "better": 1, "worse": 1, "no larger difference": 1}
    clear, noisy = (verdict("a", "b", _found(mean, width)) for width in (half, half * factor))
    assert sure.get(noisy.case, 2) <= sure.get(clear.case, 2)
