"""`load_splits`: disjoint, stratified, written down; the test images untouched while tuning."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.datasets import DatasetError, load, load_splits
from experiments.datasets.dataset import fingerprint


def write(folder, images, labels, name="own.npz", **more):
    np.savez(folder / name, images=images, labels=labels, **more)
    return str(folder / name)


def noise(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 1), dtype=np.uint8)


def numbered(labels):
    """Images that correlate with none other and hold their own number."""
    images = noise(len(labels))
    images[:, 0, 0, 0], images[:, 0, 1, 0] = np.divmod(np.arange(len(labels)), 256)
    return images


def numbers(part):
    return part.images[:, 0, 0, 0].astype(int) * 256 + part.images[:, 0, 1, 0]


def parts_of(splits):
    return [part for part in (splits.train, splits.validation, splits.test) if part is not None]


@given(
    st.lists(st.integers(0, 3), max_size=120),
    st.one_of(st.none(), st.integers(12, 150)),
)
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_one_file_in_three(tmp_path, drawn, limit):
    labels = np.array([*drawn, *([0, 1, 2, 3] * 3)])
    path = write(tmp_path, numbered(labels), labels)
    splits = load_splits(path, limit=limit, with_test=True)
    parts = parts_of(splits)
    chosen = [numbers(part) for part in parts]
    assert all((np.diff(part) > 0).all() for part in chosen)  # in file order
    assert len(np.unique(np.concatenate(chosen))) == sum(len(part) for part in chosen)
    total = len(labels) if limit is None else min(len(labels), 3 * limit)
    held = total / 5 if limit is None else min(limit, max(total / 5, (total - limit) / 2))
    for split, part, at in zip(("train", "validation", "test"), parts, chosen, strict=True):
        assert part.split == split
        np.testing.assert_array_equal(part.labels, labels[at])
        assert part.fingerprint == fingerprint(part.images, part.labels)
        size = total - 2 * held if split == "train" else held
        exact = np.bincount(labels) * size / len(labels)
        assert np.abs(np.bincount(part.labels) - exact).max() <= 3  # rounded, at least 1 held out
        assert limit is None or len(part.labels) <= limit + 4
    again = load_splits(path, limit=limit, with_test=False)
    assert again.test is None
    assert again.rule == splits.rule
    assert [p.fingerprint for p in parts_of(again)] == [p.fingerprint for p in parts[:2]]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(100, (60, 20, 20)), (167, (99, 34, 34)), (200, (100, 50, 50)), (900, (100, 100, 100))],
)
def test_the_sizes_of_a_file_cut_in_three(count, sizes, tmp_path):
    labels = np.arange(count) % 2
    splits = load_splits(write(tmp_path, numbered(labels), labels), limit=100, with_test=True)
    assert tuple(len(part.labels) for part in parts_of(splits)) == sizes
    assert f"validation and test {sizes[1]} each" in splits.rule


def test_frames_of_one_object_stay_in_one_split(tmp_path):
    rng = np.random.default_rng(1)
    objects = np.repeat(np.arange(60), 4)
    frames = noise(60)[objects] // 2 + rng.integers(0, 40, (240, 32, 32, 1), dtype=np.uint8)
    order = rng.permutation(240)
    frames[:, 0, 0, 0] = objects
    path = write(tmp_path, frames[order], objects[order] % 3)
    parts = parts_of(load_splits(path, with_test=True))
    shown = [set(part.images[:, 0, 0, 0].tolist()) for part in parts]
    assert [len(objects) for objects in shown] == [36, 12, 12]
    assert len(set.union(*shown)) == 60


@pytest.mark.parametrize("kind", ["array_record", "numpy"])
def test_a_published_test_split_is_not_read_while_tuning(kind, tiny_set, tmp_path):
    tiny = tiny_set("mnist", classes=2)
    tiny.write(tmp_path / "hand")
    where = {"data_dir": tmp_path / "d", "catalogue": {"mnist": tiny.spec}, "kind": kind}
    load("mnist", limit=1, manual_dir=tmp_path / "hand", **where)  # prepares the set
    before = load_splits("mnist", limit=6, with_test=True, **where)
    np.testing.assert_array_equal(before.test.images, tiny.images["test"])
    assert before.train.fingerprint == load("mnist", limit=6, **where).fingerprint
    assert before.test.fingerprint == load("mnist", "test", **where).fingerprint
    poisoned = [*(tmp_path / "d").rglob("*test*.npz"), *(tmp_path / "d").rglob("*test.array_rec*")]
    assert poisoned
    for path in poisoned:
        path.write_bytes(b"poison")
    tuning = load_splits("mnist", limit=6, with_test=False, **where)
    assert [p.fingerprint for p in parts_of(tuning)] == [
        p.fingerprint for p in parts_of(before)[:2]
    ]
    with pytest.raises(DatasetError, match="cannot be read"):
        load_splits("mnist", limit=6, with_test=True, **where)


def test_a_published_test_split_that_lacks_a_class_of_train_is_refused(
    tiny_set, tmp_path, monkeypatch
):
    tiny = tiny_set("mnist", classes=2)
    tiny.write(tmp_path)
    where = {"data_dir": tmp_path, "manual_dir": tmp_path, "catalogue": {"mnist": tiny.spec}}

    def of_one_class_in_test(name, split="train", limit=None, **where):
        found = load(name, split, limit, **where)
        kept = found.labels >= (split == "test")
        return replace(found, images=found.images[kept], labels=found.labels[kept])

    module = sys.modules[load_splits.__module__]
    monkeypatch.setattr(module, "load", of_one_class_in_test)
    load_splits("mnist", limit=6, with_test=False, **where)
    with pytest.raises(
        DatasetError, match=r"split 'test' has no image of class.* '0'.*which train"
    ):
        load_splits("mnist", limit=6, with_test=True, **where)


def test_validation_lies_beyond_train_and_apart_from_it(tiny_set, tmp_path):
    tiny = tiny_set("kmnist", classes=2)
    tiny.write(tmp_path)
    where = {"data_dir": tmp_path, "manual_dir": tmp_path, "catalogue": {"kmnist": tiny.spec}}
    images, labels = tiny.images["train"], tiny.labels["train"]
    splits = load_splits("kmnist", limit=6, with_test=False, **where)
    np.testing.assert_array_equal(splits.train.images, images[:6])
    np.testing.assert_array_equal(splits.validation.images, images[6:])
    np.testing.assert_array_equal(splits.validation.labels, labels[6:])
    # nothing lies beyond all of them: a fifth of train
    splits = load_splits("kmnist", limit=None, with_test=False, **where)
    assert (len(splits.train.labels), len(splits.validation.labels)) == (8, 2)
    assert "a stratified fifth" in splits.rule
    # a near-duplicate of a training image is left out of validation
    changed = tiny_set("kmnist", classes=2, copied={6: 0})
    changed.write(tmp_path / "changed")
    where = {"data_dir": tmp_path / "changed", "catalogue": {"kmnist": changed.spec}}
    splits = load_splits(
        "kmnist", limit=6, with_test=False, manual_dir=tmp_path / "changed", **where
    )
    assert len(splits.validation.labels) == 3
    np.testing.assert_array_equal(splits.validation.images, changed.images["train"][7:])
    assert "less 1 near-duplicates of train" in splits.rule


def test_a_class_that_no_part_can_hold_is_named(tmp_path):
    labels = np.array([0, 1, 1] * 10 + [2, 2])
    path = write(tmp_path, numbered(labels), labels, class_names=["a", "b", "rare"])
    with pytest.raises(DatasetError, match=r"too small to hold out .* fewer of class 'rare'\. Add"):
        load_splits(path, with_test=False)
    images = numbered(labels)
    images[1::3] = images[1]
    labels[1::3] = 2
    with pytest.raises(DatasetError, match=r"among its 32 images are fewer of class '2'"):
        load_splits(write(tmp_path, images, labels), with_test=False)


def test_a_class_too_rare_for_the_images_used_is_named(tmp_path):
    # of 12 images in 120, stratified, two classes have 6 and the third has none
    labels = np.array([0, 1] * 59 + [2, 2])
    path = write(tmp_path, numbered(labels), labels, class_names=["a", "b", "rare"])
    with pytest.raises(DatasetError, match=r"the 12 images used are fewer of class 'rare'\. Add"):
        load_splits(path, limit=4, with_test=False)


def test_classes_missing_from_the_first_images_are_reported(tiny_set, tmp_path):
    tiny = tiny_set("gtsrb")  # sorted by class, as published
    tiny.write(tmp_path)
    with pytest.raises(DatasetError, match=r"first 3 training images hold .* of its .* none of"):
        load_splits(
            "gtsrb",
            limit=3,
            with_test=False,
            data_dir=tmp_path,
            manual_dir=tmp_path,
            catalogue={"gtsrb": tiny.spec},
        )


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True])
def test_a_limit_that_is_no_number_of_images_is_refused(wrong):
    with pytest.raises(ValueError, match="limit is"):
        load_splits("digits", limit=wrong, with_test=False)
