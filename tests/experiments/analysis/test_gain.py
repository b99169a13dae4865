import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from experiments.analysis.gain import remaining
from experiments.analysis.runs import runs

OURS = [0.91, 0.90, 0.92, 0.91, 0.90]
UNTUNED = [0.80, 0.83, 0.81, 0.82, 0.79]
TUNED = [0.90, 0.88, 0.90, 0.91, 0.89]


def _of(ours=OURS, untuned=UNTUNED, tuned=TUNED):
    return remaining(*(runs(range(len(each)), each) for each in (ours, untuned, tuned)))


def test_the_share_by_hand():
    found = _of()
    assert found.gain.mean == pytest.approx(9.8)  # 90.8 - 81.0
    assert found.remains.mean == pytest.approx(1.2)  # 90.8 - 89.6
    assert found.share == pytest.approx(1.2 / 9.8)
    assert found.text.startswith("+1.20 of +9.80 points, 12 % [")


def test_the_ends_are_where_a_t_test_begins_to_tell():
    # Fieller's set holds the θ for which the seeds' (remains - θ gain) do not differ from 0.
    found = _of()
    gains = 100 * (np.asarray(OURS) - UNTUNED)
    left = 100 * (np.asarray(OURS) - TUNED)
    for end in (found.low, found.high):
        assert stats.ttest_1samp(left - end * gains, 0.0).pvalue == pytest.approx(0.05)
    assert found.low < found.share < found.high


def test_images_widen_the_interval():
    random = np.random.default_rng(0)
    bits = [random.random((5, 400)) < share for share in (0.9, 0.7, 0.85)]
    with_bits = remaining(*(runs(range(5), each.mean(axis=1), each) for each in bits))
    without = remaining(*(runs(range(5), each.mean(axis=1)) for each in bits))
    assert with_bits.share == without.share
    assert with_bits.gain.images == 400
    assert with_bits.high - with_bits.low > without.high - without.low


def test_bits_count_only_where_all_three_have_them():
    bits = np.asarray([[1, 1, 1, 0], [1, 1, 0, 0]])
    ours, untuned = runs([0, 1], [0.75, 0.5], bits), runs([0, 1], [0.25, 0.0], bits & [0, 0, 1, 1])
    found = remaining(ours, untuned, runs([0, 1], [0.5, 0.5]))
    assert found.gain.images is found.remains.images is None


@pytest.mark.parametrize(
    ("untuned", "said"),
    [
        ([0.95, 0.80, 0.99, 0.90, 0.91], "the interval of the gain contains 0"),
        ([0.98, 0.97, 0.99, 0.98, 0.99], "there is no gain"),
        (OURS, "the interval of the gain contains 0"),
    ],
)
def test_without_a_gain_there_is_no_share(untuned, said):
    found = _of(untuned=untuned)
    assert (found.share, found.low, found.high) == (None, None, None)
    assert found.text.endswith(said)


def test_one_seed_and_different_seeds():
    assert _of([0.9], [0.8], [0.85]).text.endswith("one seed and so no share")
    three = [runs(seeds, [0.5] * 2) for seeds in ([0, 1], [1, 2], [2, 3])]
    with pytest.raises(ValueError, match="no common seed"):
        remaining(*three)


@given(st.floats(-0.5, 0.05))
def test_a_shift_of_all_three_changes_nothing(shift):
    moved = _of(*(np.asarray(each) + shift for each in (OURS, UNTUNED, TUNED)))
    plain = _of()
    assert (moved.share, moved.low, moved.high) == pytest.approx(
        (plain.share, plain.low, plain.high)
    )


def test_a_tuned_baseline_as_good_as_ours_leaves_nothing():
    found = _of(tuned=OURS)
    assert (found.share, found.low, found.high) == pytest.approx((0, 0, 0))
