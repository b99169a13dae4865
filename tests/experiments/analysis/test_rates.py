import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.analysis.rates import best_so_far, profile

RATES = [1e-4, 1e-3, 1e-2, 1e-1]


def test_a_profile_by_hand():
    found = profile(RATES[::-1], [[0.10], [0.86, 0.88], [0.90, 0.90], [0.50, 0.60]])
    assert found.rates.tolist() == RATES
    assert found.mean == pytest.approx([55, 90, 87, 10])
    assert found.low == pytest.approx([50, 90, 86, 10])
    assert found.high == pytest.approx([60, 90, 88, 10])
    assert (found.best, found.at_edge) == (1e-3, False)
    # From 90 at 1e-3: 89 lies a third of the way down to 87, and 1/35 of the way down to 55.
    width = found.width()
    assert width.decades == pytest.approx(1 / 3 + 1 / 35)
    assert (width.low, width.high) == pytest.approx((1e-3 * 10 ** (-1 / 35), 1e-3 * 10 ** (1 / 3)))
    assert not width.at_least
    assert str(width) == "0.36 decades"


@pytest.mark.parametrize(
    ("means", "at_edge", "decades", "at_least"),
    [
        ([0.90, 0.88, 0.50, 0.10], True, 0.5, True),  # the best is the lowest tried
        ([0.10, 0.50, 0.88, 0.90], True, 0.5, True),
        ([0.895, 0.90, 0.88, 0.10], False, 1.5, True),  # not fallen by a point at the lowest
        ([0.90] * 4, True, 3.0, True),
        ([0.10, 0.90, 0.10, 0.90], False, 2 / 80, False),  # what rises again is not counted
        ([0.10, 0.10, 0.90, 0.89], False, 1 + 1 / 80, True),  # exactly a point below is within
    ],
)
def test_widths_at_the_edges(means, at_edge, decades, at_least):
    found = profile(RATES, [[value] for value in means])
    width = found.width()
    assert (found.at_edge, width.at_least) == (at_edge, at_least)
    assert width.decades == pytest.approx(decades, abs=1e-6)
    assert str(width).startswith("at least") == at_least


def test_one_rate_has_no_width_and_is_the_outermost_of_none():
    found = profile([1e-3], [[0.5]])
    assert (found.at_edge, found.width().decades, found.width().at_least) == (False, 0.0, True)


@given(
    st.lists(st.floats(0.0, 0.5), min_size=1, max_size=9),
    st.floats(0.0, 0.5),
    st.floats(1e-3, 1e3),
)
def test_width_ignores_shifts_and_units(values, shift, unit):
    rates = 10.0 ** np.arange(len(values))
    found = profile(rates, [[value] for value in values])
    scaled = profile(rates * unit, [[value] for value in values])
    moved = profile(rates, [[value + shift] for value in values])
    assert scaled.width().decades == pytest.approx(found.width().decades)
    if len(np.unique(np.round(values, 6))) == len(values):  # else rounding picks another best
        assert moved.width().decades == pytest.approx(found.width().decades, abs=1e-6)


@pytest.mark.parametrize(
    ("rates", "accuracies", "said"),
    [
        ([], [], "0 values"),
        ([1e-3], [[0.5], [0.5]], "1 values, accuracies 2 rows"),
        ([1e-3, 1e-3], [[0.5], [0.5]], "positive and different"),
        ([0.0], [[0.5]], "positive and different"),
        ([math.nan], [[0.5]], "positive and different"),
        ([1e-3], [[]], "rate 0.001: accuracies"),
        ([1e-3], [[math.nan]], "score a diverged run 1/K"),
        ([1e-3], [[50.0]], "not one or more fractions"),
    ],
)
def test_profiles_that_make_no_sense_are_refused(rates, accuracies, said):
    with pytest.raises(ValueError, match=said):
        profile(rates, accuracies)


def test_best_so_far_spends_a_run_on_a_divergence():
    found = best_so_far([None, 0.5, math.nan, 0.25, 0.75])
    assert found.tolist() == [0.0, 50.0, 50.0, 50.0, 75.0]
    assert best_so_far([]).tolist() == []
    with pytest.raises(ValueError, match="no fractions"):
        best_so_far([50.0])


@given(st.lists(st.floats(0, 1), min_size=1))
def test_best_so_far_never_falls_and_ends_at_the_best(values):
    found = best_so_far(values)
    assert (np.diff(found) >= 0).all()
    assert found[-1] == 100 * max(values)
