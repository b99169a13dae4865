"""A user's own .npz file: what is taken, and what is said of a file that is not one."""

import numpy as np
import pytest
from PIL import Image

from experiments.datasets import DatasetError, load, splits

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
LABELS = np.arange(20) % 4


def write(folder, **arrays):
    np.savez(folder / "own.npz", **arrays)
    return str(folder / "own.npz")


def test_colour_images_of_the_right_size_come_back_as_they_are(tmp_path):
    got = load(write(tmp_path, images=IMAGES, labels=LABELS))
    np.testing.assert_array_equal(got.images, IMAGES)
    np.testing.assert_array_equal(got.labels, LABELS)
    assert got.labels.dtype == np.int32
    assert got.class_names == ("0", "1", "2", "3")
    assert got.name == "own.npz"  # without the user's folders
    assert len(load(str(tmp_path / "own.npz"), limit=3).labels) == 3


def test_grey_images_of_another_size_are_squashed(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 12, 17), dtype=np.uint8)
    names = np.array(["a", "b", "c", "d", "e"])
    got = load(write(tmp_path, images=images, labels=LABELS, class_names=names))
    expected = [np.asarray(Image.fromarray(i).resize((32, 32), Image.BILINEAR)) for i in images]
    np.testing.assert_array_equal(got.images[..., 0], expected)
    assert got.num_classes == 5


def test_fit_and_holdout_partition_the_file(tmp_path):
    path = write(tmp_path, images=IMAGES, labels=LABELS)
    assert splits(path) == ("train", "fit", "holdout")
    fit, holdout = load(path, "fit"), load(path, "holdout")
    assert sorted(holdout.labels) == [0, 1, 2, 3]
    assert len(fit.labels) == 16
    with pytest.raises(DatasetError, match="has no split 'test'"):
        load(path, "test")


def test_a_holdout_of_nothing_is_told(tmp_path):
    with pytest.raises(DatasetError, match="'holdout' is empty"):
        load(write(tmp_path, images=IMAGES[:2], labels=[0, 1]), "holdout")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"labels": LABELS}, "holds no `images`"),
        ({"images": IMAGES}, "holds no `labels`"),
        ({"images": IMAGES / 255, "labels": LABELS}, "`images` has dtype float64, expected uint8"),
        ({"images": IMAGES[..., :2], "labels": LABELS}, r"\(20, 32, 32, 2\), expected \(N, H, W"),
        ({"images": IMAGES[0, 0], "labels": LABELS}, r"shape \(32, 3\)"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "`images` is empty"),
        ({"images": IMAGES, "labels": LABELS[:5]}, r"shape \(5,\), expected \(20,\)"),
        ({"images": IMAGES, "labels": LABELS[:, None]}, r"shape \(20, 1\), expected \(20,\)"),
        ({"images": IMAGES, "labels": LABELS / 2}, "dtype float64, expected integers"),
        ({"images": IMAGES, "labels": LABELS - 1}, "label -1 of example 0 is out of range"),
        ({"images": IMAGES, "labels": LABELS + 2**33}, "out of range, expected 0 to 9999"),
        (
            {"images": IMAGES, "labels": LABELS, "class_names": ["a", "b"]},
            "label 3 of example 3 is out of range, expected 0 to 1",
        ),
        ({"images": np.array([None, 1]), "labels": LABELS}, "cannot be read"),
    ],
)
def test_what_is_not_such_a_file_is_told(arrays, said, tmp_path):
    path = write(tmp_path, **arrays)
    with pytest.raises(DatasetError, match=said) as caught:
        load(path)
    assert "own.npz" in str(caught.value)
    assert "uint8 of shape (N, H, W, C)" in str(caught.value)


def test_a_missing_or_damaged_file_is_told(tmp_path):
    with pytest.raises(DatasetError, match="no such file"):
        load(str(tmp_path / "none.npz"))
    path = tmp_path / "own.npz"
    write(tmp_path, images=IMAGES, labels=LABELS)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2], whole[:5000] + b"?" + whole[5001:]):
        path.write_bytes(content)
        with pytest.raises(DatasetError, match=r"cannot be read as an .npz file"):
            load(str(path))
    np.save(tmp_path / "bare.npy", IMAGES)
    (tmp_path / "bare.npy").rename(path)
    with pytest.raises(DatasetError, match="one bare array"):
        load(str(path))
