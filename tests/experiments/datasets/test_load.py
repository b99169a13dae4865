"""`load`: what it gives, from where, and what it says to a mistaken caller."""

import hashlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from experiments.datasets import NAMES, DatasetError, describe, load, splits
from experiments.datasets.catalogue import CATALOGUE
from experiments.datasets.dataset import fingerprint
from experiments.datasets.storage.store import default_kind

KINDS = ("array_record", "numpy")


def test_the_names_are_the_twelve_and_the_embedded_one():
    assert " ".join(NAMES) == (
        "mnist fashion_mnist kmnist emnist qmnist usps semeion gtsrb cifar10 cifar100 svhn stl10 "
        "digits"
    )


def test_digits_are_scikit_learns_with_a_fixed_fifth_held_out():
    train, test = load("digits"), load("digits", "test")
    assert splits("digits") == ("train", "test")
    real = load_digits()
    position = np.zeros(10, int)
    expected = []
    for label in real.target:  # within each class examples 3, 8, 13, … are held out
        expected.append(position[label] % 5 == 2)
        position[label] += 1
    np.testing.assert_array_equal(test.labels, real.target[expected])
    np.testing.assert_array_equal(train.labels, real.target[~np.array(expected)])
    assert (len(train.labels), len(test.labels)) == (1438, 359)
    counts = np.bincount(real.target)
    assert np.abs(np.bincount(test.labels) - counts / 5).max() <= 0.5
    assert test.images.dtype == np.uint8
    assert test.images.shape == (359, 32, 32, 1)
    assert (train.images.min(), train.images.max()) == (0, 255)
    assert train.num_classes == 10
    # what is drawn survives the resize: the mean brightness of each image
    means = real.images.mean(axis=(1, 2))[expected] * 255 / 16
    assert np.abs(test.images.mean(axis=(1, 2, 3)) - means).max() < 3


def test_fingerprint_is_the_sha256_of_both_arrays():
    got = load("digits", limit=20)
    both = got.images.tobytes() + got.labels.astype("<i4").tobytes()
    assert got.fingerprint == hashlib.sha256(both).hexdigest()
    assert got.fingerprint != load("digits", limit=21).fingerprint


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True, float("nan")])
def test_a_limit_that_is_no_number_of_images_is_refused(wrong):
    with pytest.raises(ValueError, match="limit is"):
        load("digits", limit=wrong)


def test_limit_none_is_all_and_a_large_limit_too():
    assert len(load("digits", limit=None).labels) == len(load("digits", limit=10**6).labels) == 1438


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [("minst", "mnist"), ("CIFAR-10", "cifar10"), ("fashionmnist", "fashion_mnist")],
)
def test_an_unknown_name_gets_the_nearest(asked, nearest):
    for function in (load, splits):
        with pytest.raises(ValueError, match=rf"did you mean {nearest}\? There are {nearest},"):
            function(asked)


def test_a_name_like_no_other_gets_them_all():
    with pytest.raises(ValueError, match=r"there are .*mnist.*, or a path ending in \.npz"):
        load("????")


@pytest.mark.parametrize("kind", KINDS)
def test_the_second_load_needs_no_raw_files_and_stores_nothing(kind, tiny_set, tmp_path):
    tiny = tiny_set("gtsrb")
    tiny.write(tmp_path / "hand")
    options = {"data_dir": tmp_path / "d", "catalogue": {"gtsrb": tiny.spec}, "kind": kind}
    first = load("gtsrb", limit=7, manual_dir=tmp_path / "hand", **options)
    before = sorted((tmp_path / "d").rglob("*"))
    again = load("gtsrb", limit=7, **options)
    np.testing.assert_array_equal(again.images, first.images)
    assert again.fingerprint == first.fingerprint
    load("gtsrb", limit=3, **options)
    assert sorted((tmp_path / "d").rglob("*")) == before  # images lie on the disk once


def test_an_array_file_that_is_not_what_was_written_is_reported(tiny_set, tmp_path):
    """Arrays that are a valid file, but other ones."""
    tiny = tiny_set("usps")
    tiny.write(tmp_path / "hand")
    where = {"data_dir": tmp_path / "d", "catalogue": {"usps": tiny.spec}, "kind": "numpy"}
    load("usps", manual_dir=tmp_path / "hand", **where)
    (stored,) = (tmp_path / "d").rglob("train-10.npz")
    with np.load(stored) as held:
        fields = dict(held)
    fields["labels"] = np.roll(fields["labels"], 1)
    np.savez(stored, **fields)
    with pytest.raises(DatasetError, match=r"its checksum differs from what was written\). Remove"):
        load("usps", **where)


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_damaged_on_disk_is_reported(kind, tiny_set, tmp_path):
    tiny = tiny_set("usps")
    tiny.write(tmp_path / "hand")
    options = {"data_dir": tmp_path / "d", "catalogue": {"usps": tiny.spec}, "kind": kind}
    load("usps", limit=6, manual_dir=tmp_path / "hand", **options)
    pattern = "train-10.npz" if kind == "numpy" else "*train.array_record*"
    (stored,) = (tmp_path / "d").rglob(pattern)
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 0xFF
    stored.write_bytes(content)
    with pytest.raises(DatasetError, match=r"cannot be read .* Remove .* and load the set again"):
        load("usps", limit=5, **options)


def test_data_dir_follows_the_conventions(tiny_set, tmp_path, monkeypatch):
    tiny = tiny_set("usps")
    tiny.write(tmp_path / "env" / "downloads" / "manual" / "usps")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "env"))
    load("usps", catalogue={"usps": tiny.spec})
    assert (tmp_path / "env" / "ordered_usps" / "1.0.0").is_dir()
    with pytest.raises(DatasetError):  # an explicit folder wins over the environment
        load("usps", data_dir=tmp_path / "other", catalogue={"usps": tiny.spec})
    monkeypatch.delenv("TFDS_DATA_DIR")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (row, *_) = describe(catalogue={"usps": tiny.spec})
    assert not row["ready"]
    tiny.write(tmp_path / "home" / "tensorflow_datasets" / "downloads" / "manual")
    (row, *_) = describe(catalogue={"usps": tiny.spec})
    assert row["state"] == "files here, checked and prepared at the first load"


def test_describe_says_what_is_missing_and_how_few_classes_gtsrb_has(tmp_path):
    rows = {row["name"]: row for row in describe(tmp_path)}
    assert list(rows) == list(NAMES)
    gtsrb = rows["gtsrb"]
    assert (gtsrb["classes"], gtsrb["classes_in_first_5000"]) == (43, 5)
    assert "only 5 of the 43" in gtsrb["note"]
    assert (gtsrb["train"], gtsrb["test"]) == (26_640, 12_630)
    assert "GTSRB-Training_fixed.zip" in gtsrb["state"]
    assert rows["cifar100"]["classes"] == rows["cifar100"]["classes_in_first_5000"] == 100
    assert rows["semeion"]["test"] is None
    assert rows["digits"]["ready"]
    assert all(row["licence"] and row["source"] for row in rows.values())
    assert list(tmp_path.iterdir()) == []  # looking leaves no trace


def test_the_first_five_thousand_hold_the_classes_that_are_reported():
    """The class folders of GTSRB's training file, by their published sizes."""
    published = [150, 1500, 1500, 960, 1320, 1260]
    reached = int(np.searchsorted(np.cumsum(published), 5000)) + 1
    assert CATALOGUE["gtsrb"].classes_in_first_5000 == reached == 5


@pytest.mark.parametrize("code", ["import experiments.datasets as d", "d.load('digits')"])
def test_importing_and_the_embedded_set_are_light(code):
    heavy = ["tensorflow", "tensorflow_datasets", "jax", "matplotlib"]
    heavy += [] if "digits" in code else ["scipy", "sklearn"]
    script = (
        f"import sys; import experiments.datasets as d; {code}; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_without_array_record_the_same_interface_works_through_numpy_files(tiny_set, tmp_path):
    """What a platform without an array_record wheel sees; nor is TensorFlow Datasets needed."""
    tiny = tiny_set("stl10")
    tiny.write(tmp_path / "downloads" / "manual" / "stl10")
    (tmp_path / "catalogue").write_bytes(pickle.dumps({"stl10": tiny.spec}))
    script = """
import importlib.util, pathlib, pickle, sys
sys.modules["array_record"] = sys.modules["tensorflow_datasets"] = None
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "array_record" else find_spec(name)
from experiments.datasets import describe, load, prepare
catalogue = pickle.loads(pathlib.Path(sys.argv[1], "catalogue").read_bytes())
assert prepare(["stl10"], sys.argv[1], catalogue=catalogue) == {}
assert describe(sys.argv[1], catalogue=catalogue)[0]["ready"]
print(load("stl10", "test", None, sys.argv[1], catalogue=catalogue).fingerprint)
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == fingerprint(tiny.images["test"], tiny.labels["test"])
    stored = sorted(path.name for path in (tmp_path / "ordered_arrays").rglob("*.npz"))
    assert stored == ["test-5.npz", "train-10.npz"]
    assert not (tmp_path / "ordered_stl10").exists()


def test_this_platform_has_array_record():
    expected = "numpy" if sys.platform == "win32" else "array_record"
    assert default_kind() == expected
