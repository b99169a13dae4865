import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from experiments.analysis.paired import (
    difference,
    double_difference,
    loss_difference,
    over_sets,
)
from experiments.analysis.runs import runs

ONE = runs([0, 1], [0.75, 0.5], [[1, 1, 1, 0], [1, 1, 0, 0]])
OTHER = runs([0, 1], [0.25, 0.25], [[1, 0, 0, 0], [1, 0, 0, 0]])
BITS = hnp.arrays(np.bool_, st.tuples(st.integers(2, 4), st.integers(2, 9)))


def _of(bits):
    return runs(range(len(bits)), bits.mean(axis=1), bits)


def _numbers(found):
    return [found.mean, found.half, found.half_seeds, found.df, found.smallest_detectable]


def test_the_formula_by_hand():
    twice = [
        runs(range(4), [*each.accuracy] * 2, np.tile(each.correct, (2, 1))) for each in (ONE, OTHER)
    ]
    found = difference(*twice)
    # Seeds: 50, 25, 50, 25 points, s² = 625 / 3. Images: 0, 100, 50, 0 points, w² = 6875 / 3.
    seeds, images = 625 / 3 / 4, 6875 / 3 / 4
    df = (seeds + images) ** 2 / (seeds**2 / 3 + images**2 / 3)
    assert (found.mean, found.images) == (37.5, 4)
    assert found.by_seed == {0: 50.0, 1: 25.0, 2: 50.0, 3: 25.0}
    assert found.half_seeds == pytest.approx(3.18245 * math.sqrt(seeds), rel=1e-5)  # any t(3)
    assert found.df == pytest.approx(df)
    assert found.df == pytest.approx(3.541, abs=1e-3)
    assert found.half == pytest.approx(stats.t.ppf(0.975, df) * 25)  # √(seeds + images)
    assert found.smallest_detectable == pytest.approx(found.half + stats.t.ppf(0.8, df) * 25)


def test_images_never_make_it_narrower_than_seeds_alone():
    found = difference(ONE, OTHER)  # t(3.97) of both is less than t(1) of the seeds
    assert found.half == found.half_seeds == pytest.approx(12.7062 * 12.5, rel=1e-5)


def test_a_double_difference_speaks_of_new_seeds_and_new_images():
    bits = np.random.default_rng(0).integers(0, 2, (4, 6, 50))
    one, two, three, four = map(_of, bits)
    found = double_difference((one, two), (three, four), comparisons=3)
    table = 100.0 * (bits[0] - bits[1] - bits[2] + bits[3])
    seeds, images = stats.sem(table.mean(axis=1)), stats.sem(table.mean(axis=0))
    assert found.mean == pytest.approx(table.mean())
    assert (found.seed_error, found.image_error) == pytest.approx((seeds, images))
    assert (found.images, found.level) == (50, pytest.approx(1 - 0.05 / 3))
    assert found.half == pytest.approx(
        stats.t.ppf(1 - 0.025 / 3, found.df) * math.hypot(seeds, images)
    )


def test_beside_a_pair_that_ties_a_double_difference_is_the_difference():
    found = double_difference((ONE, OTHER), (ONE, ONE))
    assert _numbers(found) == pytest.approx(_numbers(difference(ONE, OTHER)))
    bare = double_difference((ONE, OTHER), (runs([1], [0.5]), runs([1], [0.5])))
    assert (bare.by_seed, bare.images, bare.half) == ({1: 25.0}, None, None)


def test_the_level_follows_the_number_of_comparisons():
    found = difference(ONE, OTHER, comparisons=2)
    assert found.level == pytest.approx(0.975)
    assert found.half_seeds == pytest.approx(25.4517 * 12.5, rel=1e-5)  # t(1) at 98.75 %
    with pytest.raises(ValueError, match="comparisons is 0"):
        difference(ONE, OTHER, comparisons=0)


def test_without_bits_it_is_scipys_paired_t_interval():
    a, b = [0.91, 0.90, 0.93, 0.92], [0.90, 0.90, 0.90, 0.91]
    found = difference(runs(range(4), a), runs(range(4), b))
    low, high = stats.ttest_rel(a, b).confidence_interval()
    assert [found.low, found.high] == pytest.approx([100 * low, 100 * high])
    assert (found.half, found.images, found.df) == (found.half_seeds, None, 3)
    mixed = difference(runs([0, 1], [0.5, 0.75], ONE.correct[::-1]), runs([0, 1], [0.5, 0.5]))
    assert mixed.images is None


def test_pairs_are_by_seed_and_not_by_place():
    turned = runs([1, 0], OTHER.accuracy[::-1], OTHER.correct[::-1])
    assert _numbers(difference(ONE, turned)) == _numbers(difference(ONE, OTHER))
    more = runs([1, 0, 9], [0.5, 0.75, 0.0], [*ONE.correct[::-1], [0] * 4])
    assert _numbers(difference(more, OTHER)) == _numbers(difference(ONE, OTHER))


def test_one_seed_has_no_interval_and_excludes_nothing():
    found = difference(runs([0], [0.75], ONE.correct[:1]), runs([0], [0.25], OTHER.correct[:1]))
    assert _numbers(found) == [50.0, None, None, None, None]
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert not found.excludes_zero
    assert not found.within(1000.0)


def test_no_variance_is_an_interval_of_no_width():
    same = difference(ONE, ONE)
    assert _numbers(same) == [0.0, 0.0, 0.0, 1.0, 0.0]
    assert not same.excludes_zero
    assert same.within(0.0)
    apart = difference(runs([0, 1], [0.3, 0.4]), runs([0, 1], [0.1, 0.2]))
    assert apart.excludes_zero
    assert apart.half == pytest.approx(0.0, abs=1e-9)


@given(BITS, st.data())
def test_swapping_the_optimizers_turns_the_sign_alone(bits, data):
    other = data.draw(hnp.arrays(np.bool_, bits.shape))
    there, back = difference(_of(bits), _of(other)), difference(_of(other), _of(bits))
    assert back.mean == pytest.approx(-there.mean)
    assert _numbers(back)[1:] == pytest.approx(_numbers(there)[1:])


@given(
    st.lists(st.floats(0.3, 0.6), min_size=2, max_size=8),
    st.floats(-0.3, 0.3),
    st.floats(1.0, 3.0),
)
def test_shifts_change_nothing_and_noise_widens(values, shift, factor):
    base = runs(range(len(values)), [0.5] * len(values))
    found = difference(runs(base.seeds, values), base)
    moved = difference(
        runs(base.seeds, np.asarray(values) + shift), runs(base.seeds, base.accuracy + shift)
    )
    assert moved.mean == pytest.approx(found.mean, abs=1e-9)
    assert moved.half == pytest.approx(found.half, abs=1e-9)
    middle = np.mean(values)
    noisier = np.clip(middle + factor * (np.asarray(values) - middle), 0, 1)
    wider = difference(runs(base.seeds, noisier), base)
    assert wider.half >= found.half - 1e-9


def test_losses_are_compared_by_their_logarithms():
    found = loss_difference({0: 1.05, 1: 1.05, 2: 9.0}, {0: 1.0, 1: 1.0})
    assert found.mean == pytest.approx(4.879, abs=1e-3)  # 100 ln 1.05
    assert list(found.by_seed) == [0, 1]
    for bad in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match=r"seed 0: a loss of .* ln K"):
            loss_difference({0: bad}, {0: 1.0})


def test_sets_weigh_the_same_and_keep_what_a_seed_does_on_all():
    first = difference(runs([0, 1], [0.6, 0.7]), runs([0, 1], [0.5, 0.5]))  # 10, 20
    second = difference(runs([0, 1], [0.7, 0.6]), runs([0, 1], [0.5, 0.5]))  # 20, 10
    mean = over_sets([first, second])
    assert mean.mean == pytest.approx(15.0)
    assert mean.half == pytest.approx(0.0, abs=1e-9)  # each seed's mean is 15
    assert over_sets([first, first]).half == pytest.approx(first.half)


def test_images_of_sets_are_independent():
    one = difference(ONE, OTHER, comparisons=3)
    mean = over_sets([one] * 4)
    assert mean.level == one.level
    assert mean.images == 16
    assert mean.image_error == pytest.approx(one.image_error / 2)
    assert mean.seed_error == pytest.approx(one.seed_error)


def test_sets_that_do_not_fit_are_refused():
    plain = difference(runs([0, 1], [0.6, 0.7]), runs([0, 1], [0.5, 0.5]))
    with pytest.raises(ValueError, match="seeds that they share"):
        over_sets([plain, difference(runs([0, 2], [0.6, 0.7]), runs([0, 2], [0.5, 0.5]))])
    with pytest.raises(ValueError, match="some have bits"):
        over_sets([plain, difference(ONE, OTHER)])
    with pytest.raises(ValueError, match="no data sets"):
        over_sets([])
