"""`load_splits` of every real set at hand: sizes, disjointness, shares, near-duplicates."""

import gzip

import numpy as np
import pytest
from sklearn.datasets import load_svmlight_file

from experiments.datasets import load, load_splits
from experiments.datasets.near_duplicates import families


def images_of(part):
    return {image.tobytes() for image in part.images}


def check(splits, sizes):
    """Three parts of these sizes, no image in two of them, each class with its share."""
    parts = (splits.train, splits.validation, splits.test)
    assert tuple(len(part.labels) for part in parts) == sizes
    train, validation, test = map(images_of, parts)
    assert not train & validation
    assert not (train | validation) & test
    assert len({part.fingerprint for part in parts}) == 3
    classes = splits.train.num_classes
    shares = [np.bincount(part.labels, minlength=classes) / len(part.labels) for part in parts]
    assert all((share > 0).all() for share in shares)
    return shares


def highest_correlation(splits):
    """Of images of one class in two of the splits, by NumPy's own float64 corrcoef."""
    parts = (splits.train, splits.validation, splits.test)
    highest = -1.0
    for label in range(splits.train.num_classes):
        flat = [p.images[p.labels == label].reshape(-1, p.images[0].size) for p in parts]
        part = np.repeat([0, 1, 2], [len(some) for some in flat])
        correlation = np.corrcoef(np.concatenate(flat))
        highest = max(highest, correlation[part[:, None] != part].max())
    return highest


def test_digits():
    splits = load_splits("digits", with_test=True)
    shares = check(splits, (1150, 288, 359))
    assert np.abs(shares[0] - shares[1]).max() < 0.004


def test_semeion(real_data, tmp_path):
    splits = load_splits("semeion", with_test=True, data_dir=tmp_path, manual_dir=real_data)
    shares = check(splits, (955, 319, 319))
    assert np.ptp(shares, axis=0).max() < 0.004


def test_usps_test_part_as_a_file_of_ones_own(real_data, tmp_path):
    values, labels = load_svmlight_file(str(real_data / "usps.t.bz2"))
    pixels = (values.toarray().astype(np.float32).reshape(-1, 16, 16) + 1) / 2 * 255
    path = tmp_path / "usps_t.npz"
    np.savez(path, images=pixels.astype(np.uint8), labels=labels.astype(int) - 1)
    shares = check(load_splits(str(path), with_test=True), (1205, 401, 401))
    assert np.ptp(shares, axis=0).max() < 0.004


def test_mnist_t10k_is_cut_over_the_whole_file(real_data, tmp_path):
    def idx(name, offset):
        packed = (real_data / f"mnist_t10k-{name}-ubyte.gz").read_bytes()
        return np.frombuffer(gzip.decompress(packed), np.uint8, offset=offset)

    images, labels = idx("images-idx3", 16).reshape(-1, 28, 28), idx("labels-idx1", 8)
    np.savez(tmp_path / "t10k.npz", images=images, labels=labels)
    splits = load_splits(str(tmp_path / "t10k.npz"), with_test=True)
    shares = check(splits, (5000, 2500, 2500))
    assert np.ptp(shares, axis=0).max() < 0.001
    # its first half is the easier: each part takes half of its images from there
    first = images_of(load(str(tmp_path / "t10k.npz"), limit=5000))
    for part in (splits.train, splits.validation, splits.test):
        share = np.mean([image.tobytes() in first for image in part.images])
        assert 0.49 < share < 0.51


def test_gtsrb_photographs_keep_near_duplicates_together(real_data):
    splits = load_splits(str(real_data / "gtsrb32.npz"), with_test=True)
    shares = check(splits, (1800, 600, 600))
    assert np.ptp(shares, axis=0).max() < 0.005
    assert highest_correlation(splits) <= 0.9


@pytest.mark.slow
def test_fashion_mnist(fashion_mnist_folder, tmp_path):
    where = {"data_dir": tmp_path, "manual_dir": fashion_mnist_folder}
    splits = load_splits("fashion_mnist", with_test=True, **where)
    shares = check(splits, (5000, 4945, 10_000))
    assert np.ptp(shares[:2], axis=0).max() < 0.02
    assert (splits.train.labels[:5] == [9, 0, 0, 3, 0]).all()
    # The published test set stays as it is: docs/fair.md tells its near-duplicates of the others.
    parts = (splits.train, splits.validation, splits.test)
    labels = np.concatenate([part.labels for part in parts])
    family = families(np.concatenate([part.images for part in parts]), labels)
    near = np.isin(family[-10_000:], family[:-10_000])
    assert near.sum() == 116
    assert {splits.test.class_names[label] for label in splits.test.labels[near]} == {"Sandal"}
