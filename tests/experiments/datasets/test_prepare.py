"""All twelve sets, in their true formats, from a server to arrays in order."""

import numpy as np
import pytest

from experiments.datasets import DatasetError, describe, load, prepare
from experiments.datasets.catalogue import CATALOGUE

KINDS = ("array_record", "numpy")


@pytest.fixture
def twelve(server, tiny_set):
    sets = {name: tiny_set(name, server.url) for name in CATALOGUE}
    for tiny in sets.values():
        server.offer(tiny)
    return sets


@pytest.mark.parametrize("kind", KINDS)
def test_prepare_all_fetches_twelve_and_reads_them_back_in_order(
    twelve, server, tmp_path, kind, capsys
):
    catalogue = {name: tiny.spec for name, tiny in twelve.items()}
    data = tmp_path / "data"
    assert not any(row["ready"] for row in describe(data, catalogue=catalogue, kind=kind)[:-1])

    assert prepare(["all"], data, catalogue=catalogue, kind=kind) == {}

    told = capsys.readouterr()
    assert told.out == ""  # standard output belongs to the caller
    published = [f"/{n}/{f.name}" for n, s in catalogue.items() for f in s.files.values()]
    assert sorted(server.asked) == sorted(published)  # each file once, and no other (no `extra`)
    for name in CATALOGUE:
        assert f"{name}: ready" in told.err
    server.close = lambda: None
    server._server.shutdown()
    server._server.server_close()  # from here on there is no network

    assert all(row["ready"] for row in describe(data, catalogue=catalogue, kind=kind))
    for name, tiny in twelve.items():
        for split in tiny.images:
            got = load(name, split, None, data, catalogue=catalogue, kind=kind)
            np.testing.assert_array_equal(got.images, tiny.images[split], err_msg=name)
            np.testing.assert_array_equal(got.labels, tiny.labels[split], err_msg=name)
            assert got.images.dtype == np.uint8
            assert got.labels.dtype == np.int32
            assert got.class_names == CATALOGUE[name].class_names
            assert got.licence
            assert got.source
            first = load(name, split, 3, data, catalogue=catalogue, kind=kind)
            np.testing.assert_array_equal(first.images, tiny.images[split][:3])
            assert first.fingerprint != got.fingerprint
    assert not list(data.rglob("unlabeled*"))  # STL-10's 100,000 are never unpacked
    assert not list(data.rglob("*.part"))


def test_one_failing_set_leaves_the_others_prepared(twelve, server, tmp_path):
    (server.folder / "usps" / "usps.bz2").unlink()
    catalogue = {name: twelve[name].spec for name in ("usps", "semeion")}
    failures = prepare(["all"], tmp_path / "data", catalogue=catalogue, kind="numpy", shown=False)
    assert list(failures) == ["usps"]
    assert "usps.bz2" in failures["usps"]
    assert "404" in failures["usps"]
    assert len(load("semeion", data_dir=tmp_path / "data", catalogue=catalogue).labels) == 10


def test_prepare_names_an_unknown_set_before_fetching(server, tmp_path, twelve):
    catalogue = {name: tiny.spec for name, tiny in twelve.items()}
    with pytest.raises(ValueError, match="fashion_mnist"):
        prepare(["mnist", "fashon_mnist"], tmp_path, catalogue=catalogue)
    assert server.asked == []


def test_prepare_twice_fetches_once(twelve, server, tmp_path):
    catalogue = {"kmnist": twelve["kmnist"].spec}
    for _ in range(2):
        assert prepare(["kmnist"], tmp_path / "d", catalogue=catalogue, shown=False) == {}
    assert len(server.asked) == 4


def test_a_split_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(DatasetError, match="semeion has no split 'test'; it has train"):
        load("semeion", "test", data_dir=tmp_path)
