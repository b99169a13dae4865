"""A user's own .npz file: what is taken, and what is said of a file that is not one."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from experiments.datasets import NPZ_FORMAT, DatasetError, load, load_splits, splits

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


def test_a_test_part_makes_a_test_split(tmp_path):
    both = {"images": IMAGES, "labels": LABELS, "test_images": IMAGES[5:12] // 2}
    path = write(tmp_path, **both, test_labels=LABELS[5:12])
    assert splits(path) == ("train", "test")
    test = load(path, "test", limit=6)
    np.testing.assert_array_equal(test.images, IMAGES[5:11] // 2)
    np.testing.assert_array_equal(test.labels, LABELS[5:11])
    assert test.num_classes == 4
    parts = load_splits(path, with_test=True)
    assert [len(p.labels) for p in (parts.train, parts.validation, parts.test)] == [16, 4, 7]
    without = write(tmp_path, images=IMAGES, labels=LABELS)
    assert splits(without) == ("train",)
    with pytest.raises(DatasetError, match="has no split 'test'; it has train"):
        load(without, "test")


def test_the_test_part_is_not_read_for_the_train_part(tmp_path):
    test = np.random.default_rng(1).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    arrays = {"images": IMAGES, "labels": LABELS, "test_labels": LABELS[:6]}
    path = tmp_path / "own.npz"
    write(tmp_path, **arrays, test_images=test)
    content = path.read_bytes()
    path.write_bytes(content.replace(test.tobytes()[:500], bytes(500)))
    assert path.read_bytes() != content
    assert splits(str(path)) == ("train", "test")
    np.testing.assert_array_equal(load(str(path)).images, IMAGES)
    assert load_splits(str(path), with_test=False).test is None
    with pytest.raises(DatasetError, match="cannot be read"):
        load_splits(str(path), with_test=True)


def test_unknown_arrays_are_named_in_a_warning(tmp_path):
    path = write(tmp_path, images=IMAGES, labels=LABELS, test_image=IMAGES, extra=LABELS)
    with pytest.warns(UserWarning, match=r"^own\.npz: passed over test_image, extra: unknown"):
        got = load(path)
    np.testing.assert_array_equal(got.images, IMAGES)


def test_a_test_part_that_shares_images_or_lacks_a_class_is_reported(tmp_path):
    own = {"images": IMAGES, "labels": LABELS}
    path = write(tmp_path, **own, test_images=IMAGES[3:8], test_labels=LABELS[3:8])
    with pytest.warns(UserWarning, match="own.npz: 5 test images equal images of train or valid"):
        load_splits(path, with_test=True)
    path = write(tmp_path, **own, test_images=IMAGES[:3], test_labels=LABELS[:3])
    for asked in (True, False):  # while tuning as well, from the labels alone
        with pytest.raises(DatasetError, match="'test' has no image of class '3', which train"):
            load_splits(path, with_test=asked)
    names = ["a", "b", "c", "d", "e"]
    test = {"test_images": IMAGES[:5], "test_labels": np.arange(5), "class_names": names}
    path = write(tmp_path, **own, **test)
    for asked in (True, False):
        with pytest.raises(DatasetError, match="'train' has no image of class 'e', which test"):
            load_splits(path, with_test=asked)


TRAIN = {"images": IMAGES, "labels": LABELS}
TEST = {"test_images": IMAGES[:4], "test_labels": LABELS[:4]}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"test_images": IMAGES}, "holds no `test_labels`"),
        ({"test_labels": LABELS}, "holds no `test_images`"),
        (TEST | {"test_images": IMAGES[:4] / 255}, "`test_images` has dtype float64"),
        (
            TEST | {"test_images": IMAGES[:4, ..., :1]},
            r"`test_images` has images of shape \(32, 32, 1\), `images` \(32, 32, 3\)",
        ),
        (TEST | {"test_images": IMAGES[:4, 2:]}, r"\(30, 32, 3\), `images` \(32, 32, 3\)"),
        (TEST | {"test_images": IMAGES[:0]}, "`test_images` is empty"),
        (TEST | {"test_labels": LABELS[:3]}, r"`test_labels` has shape \(3,\), expected \(4,\)"),
        (TEST | {"test_labels": LABELS[:4] / 2}, "`test_labels` has dtype float64"),
        (
            TEST | {"test_labels": LABELS[:4] + 1},
            "`test_labels`: label 4 of example 3 is out of range, expected 0 to 3",
        ),
        (TEST | {"test_labels": LABELS[:4] - 1}, "`test_labels`: label -1 of example 0"),
    ],
)
def test_a_test_part_that_does_not_fit_is_reported(arrays, said, tmp_path):
    path = write(tmp_path, **TRAIN, **arrays)
    with pytest.raises(DatasetError, match=said) as caught:
        load(path, "test")
    assert NPZ_FORMAT in str(caught.value)
    with pytest.raises(DatasetError, match=said):  # before any tuning, which sees no test image
        load_splits(path, with_test=False)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"labels": LABELS}, "holds no `images`"),
        ({"images": IMAGES}, "holds no `labels`"),
        ({"images": IMAGES / 255, "labels": LABELS}, "`images` has dtype float64 .*round.*uint8"),
        (
            {"images": np.where(np.arange(20) == 3, np.nan, IMAGES.T).T, "labels": LABELS},
            "dtype float64 and NaN or infinity in 1 of 20 images, expected uint8",
        ),
        ({"images": IMAGES.astype(int), "labels": LABELS}, "`images` has dtype int64, expected"),
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
            "label 2 of example 2 is out of range, expected 0 to 1",
        ),
        ({"images": np.array([None, 1]), "labels": LABELS}, "cannot be read"),
        ({"images": IMAGES, "labels": 0 * LABELS}, "`labels` has 1 class, '0', expected 2 or more"),
        ({"images": IMAGES, "labels": 0 * LABELS + 3}, "`labels` has 1 class, '3', expected 2 or"),
        ({"images": np.array(np.nan), "labels": LABELS}, r"`images` has shape \(\), expected"),
        (
            {"images": IMAGES, "labels": 0 * LABELS, "class_names": ["a"]},
            "`labels` has 1 class, 'a', expected 2 or more",
        ),
    ],
)
def test_what_is_not_such_a_file_is_reported(arrays, said, tmp_path):
    path = write(tmp_path, **arrays)
    with pytest.raises(DatasetError, match=said) as caught:
        load(path)
    assert "own.npz" in str(caught.value)
    assert "uint8 of shape (N, H, W, C)" in str(caught.value)


def test_a_missing_or_damaged_file_is_reported(tmp_path):
    with pytest.raises(DatasetError, match="no such file"):
        load(str(tmp_path / "none.npz"))
    path = tmp_path / "own.npz"
    write(tmp_path, images=IMAGES, labels=LABELS)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2], whole[:5000] + b"?" + whole[5001:]):
        path.write_bytes(content)
        with pytest.raises(DatasetError, match=r"cannot be read as an .npz file"):
            load(str(path))
    header = whole.index(b"), }")
    path.write_bytes(whole[:header] + b"(" + whole[header + 1 :])  # which NumPy tries to mend
    with pytest.raises(DatasetError, match=r"cannot be read as an .npz file"):
        load(str(path))
    with zipfile.ZipFile(path, "w") as packed:
        for name in ("images", "labels"):
            packed.writestr(name, b"no array")
    with pytest.raises(DatasetError, match="`images` is no array"):
        load(str(path))
    np.save(tmp_path / "bare.npy", IMAGES)
    (tmp_path / "bare.npy").rename(path)
    with pytest.raises(DatasetError, match="one bare array"):
        load(str(path))
