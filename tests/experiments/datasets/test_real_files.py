"""Real published files, pixel for pixel and label for label, against independent readings."""

import gzip
import hashlib
import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_svmlight_file

from experiments.datasets import load
from experiments.datasets.catalogue import CATALOGUE
from experiments.datasets.formats import idx

# The published class counts of MNIST's (and so QMNIST's) 60,000 training labels.
MNIST_TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def shrunk(images):
    return np.stack(
        [np.asarray(Image.fromarray(i).resize((32, 32), Image.BILINEAR)) for i in images]
    )


def plain_idx(path, offset):
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=offset)


def test_semeion_is_the_published_file(real_data, tmp_path):
    got = load("semeion", data_dir=tmp_path, manual_dir=real_data)
    table = np.loadtxt(real_data / "semeion.data")
    pixels = (table[:, :256].reshape(-1, 16, 16) * 255).astype(np.uint8)
    np.testing.assert_array_equal(got.images[..., 0], shrunk(pixels))
    np.testing.assert_array_equal(got.labels, table[:, 256:].argmax(axis=1))
    assert got.images.shape == (1593, 32, 32, 1)


def test_usps_test_is_the_published_file(real_data, tmp_path, tiny_set):
    facts = CATALOGUE["usps"]
    train = tiny_set("usps")  # the published training file is not at hand; a tiny one stands in
    files = {"train": train.spec.files["train"], "test": facts.files["test"]}
    spec = replace(facts, files=files, sizes={"train": 10, "test": 2007})
    (tmp_path / "hand").mkdir()
    (tmp_path / "hand" / "usps.bz2").write_bytes(train.contents["usps.bz2"])
    (tmp_path / "hand" / "usps.t.bz2").symlink_to(real_data / "usps.t.bz2")
    got = load("usps", "test", None, tmp_path / "d", tmp_path / "hand", catalogue={"usps": spec})
    values, labels = load_svmlight_file(str(real_data / "usps.t.bz2"))
    dense = values.toarray().astype(np.float32).reshape(-1, 16, 16)
    pixels = ((dense + np.float32(1)) / np.float32(2) * np.float32(255)).astype(np.uint8)
    np.testing.assert_array_equal(got.images[..., 0], shrunk(pixels))
    np.testing.assert_array_equal(got.labels, labels - 1)


def test_mnist_test_is_the_published_file(real_data, tmp_path, tiny_set):
    facts, tiny = CATALOGUE["mnist"], tiny_set("mnist")
    hand = tmp_path / "hand" / "mnist"
    tiny.write(hand)
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        (hand / name).unlink()
        (hand / name).symlink_to(real_data / f"mnist_{name}")
    files = {
        key: (facts if key.startswith("test") else tiny.spec).files[key] for key in facts.files
    }
    spec = replace(facts, files=files, sizes={"train": 10, "test": 10_000})
    got = load("mnist", "test", None, tmp_path / "d", hand.parent, catalogue={"mnist": spec})
    pixels = plain_idx(real_data / "mnist_t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    np.testing.assert_array_equal(got.images[..., 0], shrunk(pixels))
    labels = plain_idx(real_data / "mnist_t10k-labels-idx1-ubyte.gz", 8)
    np.testing.assert_array_equal(got.labels, labels)


@pytest.mark.parametrize("split", ["train", "test"])
def test_qmnist_labels_are_the_published_ones(real_data, tmp_path, split):
    images = tmp_path / "images"
    with images.open("wb") as out:  # the published images are not at hand: blank ones, 1x1
        out.write(struct.pack(">HBB3I", 0, 8, 3, 60_000, 1, 1) + bytes(60_000))
    labels_file = real_data / f"qmnist-{split}-labels-idx2-int.gz"
    facts = CATALOGUE["qmnist"].files[f"{split}_labels"]
    assert hashlib.md5(labels_file.read_bytes()).hexdigest() == facts.md5
    paths = {f"{split}_images": images, f"{split}_labels": labels_file}
    labels = np.array([label for _, label in idx.read(paths, split, 60_000)])
    if split == "train":
        assert np.bincount(labels).tolist() == MNIST_TRAIN_COUNTS
        assert labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
        assert len(set(labels[:5000].tolist())) == CATALOGUE["mnist"].classes_in_first_5000
    else:
        mnist = plain_idx(real_data / "mnist_t10k-labels-idx1-ubyte.gz", 8)
        np.testing.assert_array_equal(labels[:10_000], mnist)


@pytest.mark.slow
def test_fashion_mnist_whole_and_in_order(
    fashion_mnist_folder, official_fashion_mnist, server, tmp_path
):
    facts = CATALOGUE["fashion_mnist"]
    (server.folder / "fashion_mnist").symlink_to(official_fashion_mnist)
    # The published sizes, md5 and sha256 stay as they are; only the address is the loopback's.
    files = {
        key: replace(file, urls=(f"{server.url}fashion_mnist/{file.name}",))
        for key, file in facts.files.items()
    }
    catalogue = {"fashion_mnist": replace(facts, files=files)}
    for split, prefix, count in (("train", "train", 60_000), ("test", "t10k", 10_000)):
        got = load("fashion_mnist", split, None, tmp_path, catalogue=catalogue)
        path = fashion_mnist_folder / f"{prefix}-images-idx3-ubyte.gz"
        pixels = plain_idx(path, 16).reshape(-1, 28, 28)
        labels = plain_idx(fashion_mnist_folder / f"{prefix}-labels-idx1-ubyte.gz", 8)
        assert got.images.shape == (count, 32, 32, 1)
        np.testing.assert_array_equal(got.images[..., 0], shrunk(pixels))
        np.testing.assert_array_equal(got.labels, labels)
        if split == "train":
            first = load("fashion_mnist", data_dir=tmp_path, catalogue=catalogue)
            np.testing.assert_array_equal(first.images, got.images[:5000])
            np.testing.assert_array_equal(first.labels, labels[:5000])
            assert len(set(first.labels.tolist())) == facts.classes_in_first_5000
    assert len(server.asked) == 4


def test_gtsrb_photographs_as_a_file_of_ones_own(real_data):
    got = load(str(real_data / "gtsrb32.npz"))
    with np.load(real_data / "gtsrb32.npz") as held:
        np.testing.assert_array_equal(got.images, held["images"])
        np.testing.assert_array_equal(got.labels, held["labels"])
    assert got.num_classes == 43
