"""Two processes at once, a kill in the middle, a full disk: no half-built set, no cached lie."""

import pickle
import signal
import subprocess
import sys
import threading

import filelock
import numpy as np
import pytest

from experiments.datasets import DatasetError, load
from experiments.datasets.storage.folders import folders_of
from experiments.datasets.storage.store import fetch_set
from experiments.progress import Progress

pytest.importorskip("resource", reason="limits and signals are POSIX's")

KINDS = ("array_record", "numpy")

# What the other process runs: load one set from a pickled catalogue, and say how it went.
LOAD = """
import pickle, sys
from pathlib import Path
from experiments.datasets import DatasetError, load
catalogue = pickle.loads(Path(sys.argv[1]).read_bytes())
name = next(iter(catalogue))
try:
    got = load(name, data_dir=sys.argv[2], catalogue=catalogue, kind=sys.argv[3])
except DatasetError as error:
    print("DatasetError:", error)
else:
    print(got.fingerprint)
"""

# The same, with no room for a file larger than the limit. The process limits itself: a function
# handed to Popen would make Python fork, of which jax warns in a process of many threads.
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[5]), int(sys.argv[5])))
"""

# The same, but reading stops for good after three examples, having told of it.
STALL = """
import pathlib, sys, time
from experiments.datasets.storage import builders, examples, store
def stalling(spec, split, paths, read=examples.read_examples):
    for number, example in enumerate(read(spec, split, paths)):
        if number == 3:
            pathlib.Path(sys.argv[4]).touch()
            time.sleep(600)
        yield example
examples.read_examples = builders.read_examples = stalling
"""


@pytest.fixture
def usps(server, tiny_set, tmp_path):
    tiny = tiny_set("usps", server.url)
    server.offer(tiny)
    (tmp_path / "catalogue").write_bytes(pickle.dumps({"usps": tiny.spec}))
    return tiny


def start(tmp_path, kind, code=LOAD, limit=0):
    arguments = [tmp_path / "catalogue", tmp_path / "data", kind, tmp_path / "stalled", limit]
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def load_here(tiny, tmp_path, kind):
    return load("usps", data_dir=tmp_path / "data", catalogue={"usps": tiny.spec}, kind=kind)


def leftovers(folder):
    names = ("*.part", "*incomplete*", ".by-hand-*")
    return [path for name in names for path in folder.rglob(name)]


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_preparing_one_set_fetch_it_once(usps, server, tmp_path, kind):
    first_asked, go_on = threading.Event(), threading.Event()

    def hold(handler):
        first_asked.set()
        go_on.wait(60)
        return False

    server.answer = hold
    one = start(tmp_path, kind)
    assert first_asked.wait(60)
    other = start(tmp_path, kind)
    for line in other.stderr:  # the other one says that it waits, and only then may both go on
        if "another process prepares it; waiting" in line:
            break
    go_on.set()
    printed = {process.communicate(timeout=120)[0].strip() for process in (one, other)}
    assert printed == {load_here(usps, tmp_path, kind).fingerprint}
    assert len(server.asked) == 2
    assert leftovers(tmp_path / "data") == []


def test_who_waits_for_another_process_can_be_stopped(usps, tmp_path):
    folders = folders_of("usps", str(tmp_path / "data"), None)
    folders.downloads.mkdir(parents=True)
    progress = Progress(0, None, "bytes")
    progress.stop()
    told = pytest.raises(DatasetError, match="usps: stopped while another process prepared it")
    with filelock.FileLock(folders.downloads / ".lock"), told:
        fetch_set(usps.spec, folders, KINDS[0], progress)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_while_fetching_leaves_no_lie(usps, server, tmp_path, kind):
    half_sent = threading.Event()

    def stall(handler):
        content = usps.contents[handler.path.rsplit("/")[-1]]
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        half_sent.set()
        killed.wait(60)
        return True

    killed = threading.Event()
    server.answer = stall
    process = start(tmp_path, kind)
    assert half_sent.wait(60)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    killed.set()
    assert list((tmp_path / "data").rglob("*.part"))  # it did die in the middle
    server.answer = None
    got = load_here(usps, tmp_path, kind)
    np.testing.assert_array_equal(got.images, usps.images["train"])
    assert leftovers(tmp_path / "data") == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_while_storing_leaves_no_lie(usps, tmp_path, kind):
    process = start(tmp_path, kind, STALL + LOAD)
    while process.poll() is None and not (tmp_path / "stalled").exists():
        threading.Event().wait(0.01)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    if kind == "array_record":
        assert list((tmp_path / "data").rglob("*incomplete*"))  # it did die in the middle
    got = load_here(usps, tmp_path, kind)
    np.testing.assert_array_equal(got.images, usps.images["train"])
    assert leftovers(tmp_path / "data") == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", [100, 9_000])  # too little for the raw file, for the arrays
def test_a_full_disk_is_told_and_leaves_nothing(usps, tmp_path, kind, limit):
    """A limit on the size of files stands in for a full disk: writing fails in the middle."""
    process = start(tmp_path, kind, LIMITED + LOAD, limit)
    printed, errors = process.communicate(timeout=120)
    assert printed.startswith("DatasetError: usps"), (printed, errors)
    where = "the disk under" if limit == 100 else "cannot be stored in"
    assert where in printed
    assert " is full" in printed
    assert str(tmp_path / "data") in printed
    assert "Traceback" not in errors
    assert leftovers(tmp_path / "data") == []
    got = load_here(usps, tmp_path, kind)
    np.testing.assert_array_equal(got.images, usps.images["train"])
