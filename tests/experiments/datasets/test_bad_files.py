"""Files with the right checksum and the wrong content: always an error that names the file."""

import bz2
import gzip
import io
import struct
import tarfile
import zipfile
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.datasets import DatasetError, load
from experiments.datasets.catalogue import CATALOGUE
from experiments.datasets.storage.examples import read_arrays


def read(tiny, folder, split="train"):
    return read_arrays(tiny.spec, split, tiny.write(folder))


def idx(array, code=8):
    header = struct.pack(">HBB", 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def repacked(content, change):
    """Give a zip or tar.gz with its entries changed: change(name, bytes) -> [(name, bytes)]."""
    out = io.BytesIO()
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", 8) as new:
            for name in old.namelist():
                for changed, data in change(name, old.read(name)):
                    new.writestr(changed, data)
        return out.getvalue()
    with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(None, "w:gz", out) as new:
        for entry in old.getmembers():
            for changed, data in change(entry.name, old.extractfile(entry).read()):
                info = tarfile.TarInfo(changed)
                info.size = len(data)
                new.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_file_cut_short_is_reported(name, tiny_set, tmp_path):
    """Half of every file: of a gzip, a bzip2, a tar, a zip, a Matlab file and a text file."""
    tiny = tiny_set(name, change=lambda key, content: content[: len(content) // 2])
    with pytest.raises(DatasetError) as caught:
        read(tiny, tmp_path)
    files = [file.name for file in tiny.spec.files.values()]
    assert any(file in str(caught.value) for file in files)


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("content", [b"", b"<html>moved</html>", bytes(4096)])
def test_something_else_than_the_file_is_reported(name, content, tiny_set, tmp_path):
    tiny = tiny_set(name, change=lambda key, _: content)
    with pytest.raises(DatasetError):
        read(tiny, tmp_path)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize("name", CATALOGUE)
def test_no_damage_ends_in_anything_but_a_clear_error(name, tiny_set, tmp_path, data):
    """Flipped, dropped and doubled bytes: examples in range, or a DatasetError, never else."""

    def change(key, content):
        edited = bytearray(content)
        for _ in range(data.draw(st.integers(1, 3))):
            if not edited:
                break
            at = data.draw(st.integers(0, len(edited) - 1))
            match data.draw(st.sampled_from(["flip", "drop", "double"])):
                case "flip":
                    edited[at] ^= data.draw(st.integers(1, 255))
                case "drop":
                    del edited[at : at + data.draw(st.integers(1, 64))]
                case "double":
                    edited[at:at] = edited[at : at + data.draw(st.integers(1, 64))]
        return bytes(edited)

    tiny = tiny_set(name, change=change)
    for split, count in tiny.spec.sizes.items():
        try:
            images, labels = read(tiny, tmp_path, split)
        except DatasetError:
            continue
        assert images.shape == (count, 32, 32, tiny.spec.channels)
        assert 0 <= labels.min() <= labels.max() < len(tiny.spec.class_names)


def out_of_range(name):
    """For each format, a change that gives one example a label that no class has."""

    def once(data, start, value):
        return data[:start] + bytes([value]) + data[start + 1 :]

    def change(key, content):
        if name in ("mnist", "qmnist") and key == "train_labels":
            labels = np.arange(10).astype("u1" if name == "mnist" else "i4")
            labels[3] = 200
            labels = labels if name == "mnist" else np.stack([labels] * 8, axis=1)
            return gzip.compress(idx(labels, 8 if name == "mnist" else 12))
        if name == "usps" and key == "train":
            return bz2.compress(b"11" + bz2.decompress(content)[1:])
        if name == "svhn" and key == "train":
            import scipy.io

            held = scipy.io.loadmat(io.BytesIO(content))
            held["y"][3] = 11
            out = io.BytesIO()
            scipy.io.savemat(out, {"X": held["X"], "y": held["y"]})
            return out.getvalue()
        if name == "emnist":
            labels = gzip.compress(idx(np.full(10, 77, "u1")))
            return repacked(content, lambda n, d: [(n, labels if "train-labels" in n else d)])
        if name == "gtsrb" and key == "train":
            return repacked(content, lambda n, d: [(n.replace("Training/000", "Training/009"), d)])
        if name in ("cifar10", "cifar100"):
            at = 0 if name == "cifar10" else 1
            return repacked(
                content, lambda n, d: [(n, once(d, at, 250) if n.endswith(".bin") else d)]
            )
        if name == "stl10":
            return repacked(content, lambda n, d: [(n, b"\0" * len(d) if "_y" in n else d)])
        return content

    return change


@pytest.mark.parametrize(
    "name",
    ["mnist", "qmnist", "emnist", "usps", "svhn", "gtsrb", "cifar10", "cifar100", "stl10"],
)
def test_a_label_out_of_range_is_reported(name, tiny_set, tmp_path):
    tiny = tiny_set(name, change=out_of_range(name))
    with pytest.raises(DatasetError, match=rf"{name}, split train: the label -?\d+ of example \d+"):
        read(tiny, tmp_path)


def test_semeion_flags_must_name_one_class(tiny_set, tmp_path):
    tiny = tiny_set("semeion", change=lambda key, content: content.replace(b"1 \r\n", b"0 \r\n"))
    flags = tiny_set("semeion", change=lambda key, content: content.replace(b"0 \r\n", b"1 \r\n"))
    for changed in (tiny, flags):
        with pytest.raises(DatasetError, match=r"semeion.data, line \d+: its ten class flags"):
            read(changed, tmp_path)


@pytest.mark.parametrize("name", ["cifar10", "stl10", "emnist", "gtsrb"])
@pytest.mark.parametrize("evil", ["../../evil", "/etc/evil", "a/../../evil", "C:/evil", "..\\evil"])
def test_an_entry_that_would_escape_is_refused(name, evil, tiny_set, tmp_path):
    def once(key, content):
        seen = []

        def add(entry, data):
            extra = [] if seen else [(evil, b"x")]
            seen.append(entry)
            return [*extra, (entry, data)]

        return repacked(content, add)

    with pytest.raises(DatasetError, match="would escape its folder"):
        read(tiny_set(name, change=once), tmp_path / "raw")
    assert not list(tmp_path.rglob("*evil*"))


def test_a_link_in_place_of_a_file_is_refused(tiny_set, tmp_path):
    def change(key, content):
        out = io.BytesIO()
        with tarfile.open(None, "w:gz", out) as archive:
            link = tarfile.TarInfo("cifar-100-binary/train.bin")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
        return out.getvalue()

    with pytest.raises(DatasetError, match="is a link or no file"):
        read(tiny_set("cifar100", change=change), tmp_path)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "stl10"])
def test_a_tar_that_expands_without_bound_is_cut_off(name, tiny_set, tmp_path):
    def bomb(key, content):
        return repacked(content, lambda n, d: [(n + ".padding", bytes(2_000_000)), (n, d)])

    tiny = tiny_set(name, change=bomb)
    facts = replace(tiny.spec, read=partial(tiny.spec.read, limit=1_000_000))
    with pytest.raises(DatasetError, match="unpacks to more than 1,000,000 bytes"):
        read(replace(tiny, spec=facts), tmp_path)


def test_a_zip_entry_that_expands_without_bound_is_cut_off(tiny_set, tmp_path):
    def sign(key, content):
        picture = b"P6\n64 64\n255\n" + bytes(1 << 24)
        return repacked(content, lambda n, d: [(n, picture if n.endswith("ppm") else d)])

    with pytest.raises(DatasetError, match="unpacks to more than"):
        read(tiny_set("gtsrb", change=sign), tmp_path)


def test_an_image_with_a_giant_header_is_refused(tiny_set, tmp_path):
    def giant(key, content):
        picture = b"P6\n100000 100000\n255\n" + bytes(100)
        return repacked(content, lambda n, d: [(n, picture if n.endswith("ppm") else d)])

    with pytest.raises(DatasetError, match="ppm"):
        read(tiny_set("gtsrb", change=giant), tmp_path)


def test_a_gzip_that_goes_on_after_its_images_is_refused(tiny_set, tmp_path):
    def longer(key, content):
        return gzip.compress(gzip.decompress(content) + bytes(1 << 22))

    with pytest.raises(DatasetError, match="goes on after its last example"):
        read(tiny_set("kmnist", change=longer), tmp_path)


@pytest.mark.parametrize("count", [9, 11])
@pytest.mark.parametrize("name", CATALOGUE)
def test_another_number_of_examples_is_reported(name, count, tiny_set, tmp_path):
    tiny = tiny_set(name)
    facts = replace(tiny.spec, sizes={**tiny.spec.sizes, "train": count})
    with pytest.raises(DatasetError):
        read(replace(tiny, spec=facts), tmp_path)


@pytest.mark.parametrize("kind", ["array_record", "numpy"])
def test_a_bad_file_leaves_nothing_half_built(kind, tiny_set, tmp_path):
    def fetch(tiny):
        tiny.write(tmp_path / "hand" / "usps")
        folders = {"data_dir": tmp_path / "d", "manual_dir": tmp_path / "hand"}
        return load("usps", **folders, catalogue={"usps": tiny.spec}, kind=kind)

    with pytest.raises(DatasetError, match="out of range"):
        fetch(tiny_set("usps", change=out_of_range("usps")))
    left = [p for p in (tmp_path / "d").rglob("*") if p.is_file() and p.name != ".lock"]
    assert left == []
    whole = tiny_set("usps")
    np.testing.assert_array_equal(fetch(whole).images, whole.images["train"])
