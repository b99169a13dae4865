"""A file is there whole, or as it was before."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from experiments import files

STALL = """
import pathlib, sys, time
from experiments import files
with files.atomic(pathlib.Path(sys.argv[1])) as out:
    out.write(b"half")
    out.flush()
    print("writing", flush=True)
    time.sleep(600)
"""

HOLD = """
import pathlib, sys, time
from experiments import files
with files.alone(pathlib.Path(sys.argv[1]), "--out"):
    print("holding", flush=True)
    time.sleep(600)
"""


def test_text_and_bytes_replace_what_was_there(tmp_path):
    path = tmp_path / "made" / "file"
    for content in ("first, ½", b"second\r\n"):
        files.write(path, content)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert [p.name for p in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt(), ValueError("no")])
def test_whatever_is_raised_leaves_the_file_before(error, tmp_path):
    path = tmp_path / "file"
    files.write(path, "before")

    def fail():
        with files.atomic(path) as out:
            out.write(b"half of it")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_leaves_the_file_before_and_what_can_be_cleared(tmp_path):
    path = tmp_path / "file"
    files.write(path, "before")
    command = [sys.executable, "-c", STALL, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 2
    files.clear_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_of_several_writers_one_wins_whole(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([number]) * 1_000_000 for number in range(8)]
    threads = [threading.Thread(target=files.write, args=(path, some)) for some in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_process_holds_is_refused_to_others_until_it_dies(tmp_path):
    path = tmp_path / "made" / "settings.json"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"holding\n"
        told = pytest.raises(ValueError, match=r"--out is .*made, where another process writes set")
        with told, files.alone(path, "--out"):
            pass
        process.kill()
    for _ in range(2):
        with files.alone(path, "--out"):
            path.write_text("mine")


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_others_may_read_what_the_umask_lets_them(tmp_path):
    before = os.umask(0o022)
    try:
        files.write(tmp_path / "file", "shared")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644
