import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.analysis.interval import interval


def test_interval_against_a_published_table():
    # Student's t for 4 degrees of freedom at 97.5 % is 2.7764 in every table.
    one = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert one.mean == 3.0
    assert one.half == pytest.approx(2.7764 * np.sqrt(2.5) / np.sqrt(5), rel=1e-4)
    assert one.prediction == pytest.approx(2.7764 * np.sqrt(2.5) * np.sqrt(1 + 1 / 5), rel=1e-4)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=12, unique=True))
def test_interval_equals_scipys(values):
    ours = interval(values)
    low, high = stats.ttest_1samp(np.asarray(values), 0.0).confidence_interval(0.95)
    found = [ours.mean - ours.half, ours.mean + ours.half]
    assert found == pytest.approx([low, high], rel=1e-6, abs=1e-6)


def test_intervals_cover_as_often_as_they_say():
    draws = np.random.default_rng(0).normal(5.0, 2.0, (4000, 6))
    found = [(interval(row[:5]), row[5]) for row in draws]
    of_mean = np.mean([not one.excludes(5.0) for one, _ in found])
    of_prediction = np.mean([not one.prediction_excludes(run) for one, run in found])
    assert of_mean == pytest.approx(0.95, abs=0.012)  # 3.5 standard errors of 4,000 draws
    assert of_prediction == pytest.approx(0.95, abs=0.012)


def test_one_run_has_no_interval_and_excludes_nothing():
    one = interval([3.0])
    assert (one.mean, one.half, one.std, one.prediction) == (3.0, None, None, None)
    assert not one.excludes(100.0)
    with pytest.raises(ValueError, match="no values"):
        interval([])
