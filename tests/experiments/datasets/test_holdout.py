"""The rules that hold images out: shares within rounding, families whole, the same for ever."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.datasets.holdout import apportion, cut, every_fifth, spread
from experiments.datasets.near_duplicates import families

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=120).map(np.array)


@given(LABELS, st.data())
def test_a_total_is_shared_out_within_rounding(labels, data):
    _, counts = np.unique(labels, return_counts=True)
    total = data.draw(st.integers(0, len(labels)))
    shares = apportion(total, counts)
    assert shares.sum() == total
    for share, count in zip(shares.tolist(), counts.tolist(), strict=True):
        assert abs(share - Fraction(total * count, len(labels))) < 1
        assert 0 <= share <= count


@given(LABELS, st.data())
def test_a_spread_choice_is_stratified_and_reaches_over_the_file(labels, data):
    total = data.draw(st.integers(1, len(labels)))
    chosen = spread(labels, total)
    assert len(set(chosen.tolist())) == total
    assert (np.diff(chosen) > 0).all()
    classes, counts = np.unique(labels, return_counts=True)
    for label, share in zip(classes, apportion(total, counts), strict=True):
        members = np.flatnonzero(labels == label)
        mine = np.flatnonzero(np.isin(members, chosen))
        assert len(mine) == share
        if share:  # each of `share` equal stretches of the class gives its middle one
            middle = (np.arange(share) + 0.5) * len(members) / share
            np.testing.assert_array_equal(mine, np.floor(middle))


@given(LABELS, st.sampled_from([(1,), (2,), (1, 1), (2, 2)]), st.booleans())
def test_a_cut_is_disjoint_stratified_and_keeps_families_together(labels, fifths, paired):
    labels = np.concatenate([labels, np.repeat(np.unique(labels), 3)])  # 3 of each, at least
    held = tuple(len(labels) * fifth // 10 for fifth in fifths)
    # families of two, from neighbours in a class, leaving three single ones of each class
    family = np.arange(len(labels))
    for label in np.unique(labels) if paired else ():
        members = np.flatnonzero(labels == label)[:-3]
        family[members[1::2]] = family[members[: len(members) - 1 : 2]]
    part = cut(labels, family, held)
    np.testing.assert_array_equal(part, cut(labels, family.max() - family, held))
    for number in np.unique(family):
        assert len(set(part[family == number].tolist())) == 1
    for label in np.unique(labels):
        mine = part[labels == label]
        for number, size in enumerate(held, start=1):
            exact = Fraction(size * len(mine), len(labels))
            found = int(np.sum(mine == number))
            assert found >= 1
            assert abs(found - exact) <= 1
        assert np.sum(mine == 0) >= 1


def test_a_family_too_large_for_a_held_out_part_goes_to_the_rest():
    labels = np.zeros(20, int)
    family = np.array([0] * 6 + list(range(1, 15)))
    part = cut(labels, family, (4, 4))
    assert set(part[:6]) == {0}
    assert np.bincount(part).tolist() == [12, 4, 4]


@pytest.mark.parametrize("counts", [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]])
def test_every_fifth_takes_a_fifth_of_each_class(counts):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    held_out = np.bincount(labels[every_fifth(labels)], minlength=len(counts))
    np.testing.assert_array_equal(held_out, [int(count / 5 + 0.5) for count in counts])


def components(images, labels):
    """Connected components by NumPy's own correlation and plain search."""
    flat = images.reshape(len(images), -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        joined = np.corrcoef(flat) > 0.9
    joined |= (flat[:, None] == flat[None]).all(axis=-1)
    joined &= labels[:, None] == labels[None]
    family = np.full(len(labels), -1)
    for start in range(len(labels)):
        if family[start] < 0:
            number, todo = family.max() + 1, [start]
            while todo:
                one = todo.pop()
                if family[one] < 0:
                    family[one] = number
                    todo += np.flatnonzero(joined[one]).tolist()
    return family


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 3))
def test_families_are_the_connected_components_of_each_class(seed, scenes, classes):
    """Few frames of many scenes, some blank, some the same twice, some noisy."""
    rng = np.random.default_rng(seed)
    scene = rng.integers(0, 256, (scenes, 6, 6, 1))
    scene[0] = 7  # a blank image correlates with nothing, not even itself
    shown = np.concatenate([np.arange(scenes), np.arange(scenes), rng.integers(0, scenes, scenes)])
    noise = rng.integers(-1, 2, (len(shown), 6, 6, 1)) * rng.choice([0, 20, 40, 60])
    images = np.clip(scene[shown] + noise * (shown > 0)[:, None, None, None], 0, 255)
    images = np.concatenate([images, rng.integers(0, 256, (60, 6, 6, 1))]).astype(np.uint8)
    labels = np.concatenate([shown % classes, np.arange(60) % classes])
    expected = components(images, labels)
    largest = np.bincount(expected).max()
    assert largest <= 30  # so no class falls back to equal images alone
    np.testing.assert_array_equal(families(images, labels), expected)


def test_where_a_whole_class_correlates_only_equal_images_are_joined():
    rng = np.random.default_rng(0)
    alike = rng.integers(0, 256, (1, 8, 8, 1)) + rng.integers(-3, 4, (40, 8, 8, 1))
    other = rng.integers(0, 256, (40, 8, 8, 1))
    images = np.clip(np.concatenate([alike, other]), 0, 255).astype(np.uint8)
    images[[5, 9, 30]] = images[3]
    images[50] = images[45] // 2
    labels = np.repeat([0, 1], 40)
    family = families(images, labels)
    same = {tuple(np.flatnonzero(family == number)) for number in np.unique(family)}
    assert {members for members in same if len(members) > 1} == {(3, 5, 9, 30), (45, 50)}
