"""No network, broken transfers and wrong files: a clear message, and nothing half-fetched."""

import shutil
import socket
import threading
from dataclasses import replace

import numpy as np
import pytest

from experiments.datasets import DatasetError, load, prepare
from experiments.datasets.catalogue import CATALOGUE
from experiments.datasets.storage import web


@pytest.fixture
def usps(server, tiny_set):
    tiny = tiny_set("usps", server.url)
    server.offer(tiny)
    return tiny


def fetch(tiny, folder, **options):
    return load(tiny.spec.name, data_dir=folder, catalogue={tiny.spec.name: tiny.spec}, **options)


def nothing_kept(folder):
    return [p for p in folder.rglob("*") if p.is_file() and p.name != ".lock"] == []


def rewired(tiny, **changes):
    files = {key: replace(file, **changes) for key, file in tiny.spec.files.items()}
    return replace(tiny, spec=replace(tiny.spec, files=files))


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_no_network_names_file_size_md5_folder_and_the_way_on(usps, tmp_path):
    tiny = rewired(usps, urls=(f"http://127.0.0.1:{closed_port()}/usps.bz2",))
    with pytest.raises(DatasetError) as caught:
        fetch(tiny, tmp_path / "d", manual_dir=tmp_path / "hand")
    message = str(caught.value)
    assert "is there a network?" in message
    for file in tiny.spec.files.values():
        assert file.name in message
        assert f"md5 {file.md5}" in message
        assert f"{file.size / 1e3:,.1f} kB" in message
    assert str(tmp_path / "hand" / "usps") in message
    assert "'digits'" in message
    assert nothing_kept(tmp_path / "d")


def test_a_resolver_that_never_answers_is_given_up(usps, tmp_path, monkeypatch):
    """Name resolution cannot be interrupted: the message comes while it still hangs."""
    answered = threading.Event()

    def hang(*args, **kwargs):
        answered.wait(30)
        raise OSError("too late")

    assert web.CONNECT_SECONDS < 10
    monkeypatch.setattr(web, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(DatasetError, match="no connection within"):
        fetch(usps, tmp_path / "d")
    assert not answered.is_set()
    answered.set()


def test_all_mirrors_together_keep_within_ten_seconds(usps, tmp_path, monkeypatch):
    waited = []

    class Recorded(threading.Event):
        def wait(self, timeout=None):
            if timeout is not None:  # a thread's own start waits without a limit
                waited.append(timeout)
            return False

    monkeypatch.setattr(web.threading, "Event", Recorded)
    with pytest.raises(web.WebError):
        list(web.stream(("http://a.invalid/x", "http://b.invalid/x"), 10))
    assert len(waited) == 2
    assert sum(waited) < 10


def test_a_silent_server_is_given_up(usps, server, tmp_path, monkeypatch):
    done = threading.Event()
    monkeypatch.setattr(web, "ANSWER_SECONDS", 0.2)
    server.answer = lambda handler: done.wait(30)
    with pytest.raises(DatasetError, match=r"no answer|timed out"):
        fetch(usps, tmp_path / "d")
    done.set()


def half(handler, content, start=0):
    """Announce the whole, send half of what is left, and break off."""
    handler.send_response(206 if start else 200)
    handler.send_header("Content-Length", str(len(content) - start))
    handler.end_headers()
    left = content[start:]
    handler.wfile.write(left[: len(left) // 2])
    return True


def test_a_truncated_download_is_told_and_not_kept(usps, server, tmp_path):
    server.answer = lambda handler: half(handler, usps.contents[handler.path.rsplit("/")[-1]])
    with pytest.raises(DatasetError, match=r"broke off after [\d,]+ of [\d,]+ bytes, 3 times"):
        fetch(usps, tmp_path / "d")
    assert nothing_kept(tmp_path / "d")
    server.answer = None
    assert len(fetch(usps, tmp_path / "d").labels) == 10


@pytest.mark.parametrize("continues", [True, False])
def test_a_broken_transfer_is_taken_up_again(usps, server, tmp_path, continues):
    broken, ranges = set(), []

    def answer(handler):
        content = usps.contents[handler.path.rsplit("/")[-1]]
        asked = handler.headers.get("Range")
        if handler.path not in broken:
            broken.add(handler.path)
            return half(handler, content)
        ranges.append(asked)
        if not continues:
            return False  # the whole file again, status 200
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        handler.send_response(206)
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        handler.wfile.write(content[start:])
        return True

    server.answer = answer
    got = fetch(usps, tmp_path / "d")
    np.testing.assert_array_equal(got.images, usps.images["train"])
    assert ranges
    assert all(asked.startswith("bytes=") for asked in ranges)


@pytest.mark.parametrize("name", ["usps", "semeion"])  # an md5 alone, and an md5 and sha256
def test_a_wrong_checksum_is_told_and_not_kept(server, tiny_set, tmp_path, name):
    tiny = tiny_set(name, server.url)
    server.offer(tiny)
    victim = next(iter(tiny.spec.files.values()))
    path = server.folder / name / victim.name
    path.write_bytes(b"<html>please log in to this network</html>")
    with pytest.raises(DatasetError) as caught:
        fetch(tiny, tmp_path / "d")
    assert victim.name in str(caught.value)
    assert victim.md5 in str(caught.value)
    kept = [p.name for p in (tmp_path / "d").rglob("*") if p.is_file()]
    assert victim.name not in kept
    path.write_bytes(tiny.contents[victim.name])
    assert len(fetch(tiny, tmp_path / "d").labels) == 10


def test_a_known_sha256_is_checked_besides_the_md5(server, tiny_set, tmp_path):
    tiny = tiny_set("semeion", server.url)
    server.offer(tiny)
    with pytest.raises(DatasetError, match="sha256"):
        fetch(rewired(tiny, sha256="0" * 64), tmp_path / "d")


def test_a_server_without_end_is_cut_off(usps, server, tmp_path):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(1 << 18))
        except OSError:
            return True

    server.answer = endless
    with pytest.raises(DatasetError, match="serves more than"):
        fetch(usps, tmp_path / "d")
    assert nothing_kept(tmp_path / "d")


def test_the_next_mirror_is_tried(usps, server, tmp_path):
    files = {
        key: replace(file, urls=(f"{server.url}gone/{file.name}", *file.urls))
        for key, file in usps.spec.files.items()
    }
    tiny = replace(usps, spec=replace(usps.spec, files=files))
    assert len(fetch(tiny, tmp_path / "d").labels) == 10


def test_files_fetched_by_hand_need_no_network(server, tiny_set, tmp_path):
    """The same file names in two sets: NAME/FILE comes first, and the checksum decides."""
    mnist, fashion = tiny_set("mnist"), tiny_set("fashion_mnist", seed=1)
    hand = tmp_path / "hand"
    mnist.write(hand)  # flat
    fashion.write(hand / "fashion_mnist")
    for tiny in (mnist, fashion):
        got = fetch(tiny, tmp_path / "d", manual_dir=hand)
        np.testing.assert_array_equal(got.images, tiny.images["train"])
    assert server.asked == []


def test_a_flat_file_of_another_set_is_passed_over(server, tiny_set, tmp_path):
    mnist, fashion = tiny_set("mnist"), tiny_set("fashion_mnist", server.url, seed=1)
    mnist.write(tmp_path / "hand")
    server.offer(fashion)
    got = fetch(fashion, tmp_path / "d", manual_dir=tmp_path / "hand")
    np.testing.assert_array_equal(got.images, fashion.images["train"])
    assert len(server.asked) == 4
    offline = tiny_set("kmnist")
    with pytest.raises(DatasetError, match="is another file: md5"):
        fetch(offline, tmp_path / "d", manual_dir=tmp_path / "hand")


def test_a_damaged_file_under_the_sets_own_name_is_an_error(usps, tmp_path):
    hand = tmp_path / "hand" / "usps"
    usps.write(hand)
    (hand / "usps.bz2").write_bytes(b"half")
    with pytest.raises(DatasetError, match="is not the published file: md5"):
        fetch(usps, tmp_path / "d", manual_dir=tmp_path / "hand")


def test_too_little_disk_space_is_told_before_fetching(usps, server, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100))
    with pytest.raises(DatasetError, match=r"not enough disk space .* need .* kB, 0.1 kB are free"):
        fetch(usps, tmp_path / "d")
    assert server.asked == []


def test_a_data_folder_that_cannot_be_made_is_reported(usps, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError, match="choose another data_dir"):
        fetch(usps, tmp_path / "file" / "d")


def test_an_interrupt_stops_the_transfers(usps, server, tmp_path, monkeypatch):
    """Ctrl-C while a large file flows: the transfer ends, and nothing is kept."""
    flowing, ended = threading.Event(), threading.Event()

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(1 << 10))
                flowing.set()
                ended.wait(0.001)
        except OSError:
            ended.set()
            return True

    def interrupted(futures):
        flowing.wait(30)
        raise KeyboardInterrupt

    server.answer = endless
    monkeypatch.setattr("experiments.datasets.storage.raw_files.wait", interrupted)
    tiny = rewired(usps, size=1 << 40)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1 << 50})())
    with pytest.raises(KeyboardInterrupt):
        fetch(tiny, tmp_path / "d")
    assert nothing_kept(tmp_path / "d")


def test_offline_prepare_tells_of_every_set(tiny_set, tmp_path):
    catalogue = {name: tiny_set(name).spec for name in CATALOGUE}
    failures = prepare(["all"], tmp_path, catalogue=catalogue, shown=False)
    assert list(failures) == list(CATALOGUE)
    for name, message in failures.items():
        assert all(file.name in message for file in CATALOGUE[name].files.values())
