"""The builders as TensorFlow Datasets builders of their own, through its own download manager."""

import hashlib
import sys
from dataclasses import replace

import numpy as np
import pytest
import tensorflow_datasets as tfds

from experiments.datasets import DatasetError
from experiments.datasets.catalogue import CATALOGUE
from experiments.datasets.storage.builders import BUILDERS


def build(name, tiny, folder, **config):
    builder = BUILDERS[name](spec=tiny.spec, data_dir=str(folder))
    config = tfds.download.DownloadConfig(try_download_gcs=False, **config)
    builder.download_and_prepare(download_config=config, file_format="array_record")
    return builder


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_builder_alone_downloads_builds_and_reads_in_order(name, server, tiny_set, tmp_path):
    tiny = tiny_set(name, server.url)
    server.offer(tiny)
    source = build(name, tiny, tmp_path).as_data_source()
    for split, images in tiny.images.items():
        got = list(source[split])
        np.testing.assert_array_equal([example["image"] for example in got], images)
        np.testing.assert_array_equal([e["label"] for e in got], tiny.labels[split])
    assert "tensorflow" not in sys.modules


def test_names_features_and_registered_checksums(tmp_path):
    assert list(BUILDERS) == list(CATALOGUE)
    for name, builder_class in BUILDERS.items():
        builder = builder_class(data_dir=str(tmp_path))
        facts = CATALOGUE[name]
        assert builder.name == f"ordered_{name}"  # apart from the stock, shuffled set
        assert builder.info.disable_shuffling
        assert builder.info.features["image"].shape == (32, 32, facts.channels)
        assert tuple(builder.info.features["label"].names) == facts.class_names
        registered = {info.checksum for info in builder.url_infos.values()}
        assert registered == {file.sha256 for file in facts.files.values() if file.sha256}


def test_the_registered_checksums_are_those_of_tensorflow_datasets_itself():
    """Where it knows the very same file, by name and size, it knows the same sha256."""
    stock = tfds.core.download.checksums.get_all_url_infos()
    known = {
        (info.filename, int(info.size)): info.checksum
        for info in stock.values()
        if info.filename is not None
    }
    compared = 0
    for name in ("mnist", "fashion_mnist", "kmnist", "emnist", "cifar10", "cifar100"):
        for file in CATALOGUE[name].files.values():
            assert known[file.name, file.size] == file.sha256, file.name
            compared += 1
    assert compared == 15


@pytest.mark.parametrize("name", ["mnist", "gtsrb"])  # sha256 by the manager, md5 by the builder
def test_a_builder_alone_refuses_a_wrong_checksum(name, server, tiny_set, tmp_path):
    tiny = tiny_set(name, server.url)
    server.offer(tiny)
    victim = list(tiny.spec.files.values())[-1]
    (server.folder / name / victim.name).write_bytes(b"x" * victim.size)
    found = hashlib.md5(b"x" * victim.size).hexdigest()
    with pytest.raises(Exception, match=rf"wrong checksum|{victim.name}: md5 {found}") as caught:
        build(name, tiny, tmp_path)
    assert (caught.type is DatasetError) == (name == "gtsrb")
    assert not (tmp_path / f"ordered_{name}" / "1.0.0").exists()
    server.offer(tiny)  # the wrong file was not kept for the next time
    assert build(name, tiny, tmp_path).info.splits["train"].num_examples == 10


def test_two_builds_are_byte_identical(server, tiny_set, tmp_path):
    tiny = tiny_set("cifar10", server.url)
    server.offer(tiny)
    records = []
    for folder in ("one", "two"):
        build("cifar10", tiny, tmp_path / folder)
        files = sorted((tmp_path / folder).rglob("*.array_record*"))
        records.append([path.read_bytes() for path in files])
    assert len(records[0]) == 2
    assert records[0] == records[1]


def test_order_survives_many_shards(server, tiny_set, tmp_path):
    tiny = tiny_set("usps", server.url)
    server.offer(tiny)
    source = build("usps", tiny, tmp_path, num_shards=4).as_data_source("train")
    np.testing.assert_array_equal([example["image"] for example in source], tiny.images["train"])
    assert len(list(tmp_path.rglob("*train.array_record*"))) == 4


def test_a_spec_says_all_that_people_need():
    for spec in CATALOGUE.values():
        assert spec.sizes["train"] > 0
        assert len(set(spec.class_names)) == len(spec.class_names)
        for file in spec.files.values():
            assert file.md5 is not None
            assert len(file.md5) == 32
            assert file.sha256 is None or len(file.sha256) == 64
            assert all(url.endswith("/" + file.name) for url in file.urls)
    assert sum(len(spec.files) for spec in CATALOGUE.values()) == 28
    assert replace(CATALOGUE["svhn"]).files.keys() == {"train", "test"}  # never `extra`
