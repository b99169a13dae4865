"""The one way a file is written: it is there whole, or as it was before."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

JsonObject = dict[str, Any]
"""An object of a JSON file; what it holds, its reader knows."""

_UNFINISHED = ".part"


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its name only once all of it is on the disk.

    It is written beside, under a name of its own, so that two processes may write one file:
    the last one wins, whole. Whatever is raised leaves the file before as it was.

    Args:
        path: the file; its folder is made.

    Yields:
        The open file, for bytes.

    Raises:
        OSError: the folder cannot be made or written, or the disk is full.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic(Path(folder) / "deep" / "file") as out:
        ...         _ = out.write(b"whole")
        ...     (Path(folder) / "deep" / "file").read_text()
        'whole'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}{_UNFINISHED}")
    try:
        with beside.open("xb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write(path: Path, content: str | bytes) -> None:
    """Write a whole file (text as UTF-8), or leave the one before: see `atomic`.

    Args:
        path: the file; its folder is made.
        content: what it holds afterwards.

    Raises:
        OSError: as `atomic`.
    """
    with atomic(path) as out:
        out.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def alone(path: Path, owner: str) -> Iterator[None]:
    """Hold what one process at a time may write; the system lets go when a process dies.

    Args:
        path: the file that stands for all of it; its folder is made.
        owner: the option that names its folder.

    Raises:
        ValueError: another process holds it.
    """
    import filelock

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(path.with_name(f".{path.stem}.lock"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise ValueError(
            f"{owner} is {path.parent}, where another process writes {path.name}: wait for its "
            "end, or choose another folder"
        ) from None
    except (NotImplementedError, OSError):  # a network file system without locks
        pass
    try:
        yield
    finally:
        lock.release()


def clear_unfinished(folder: Path) -> None:
    """Remove what killed processes were writing here; only while no process writes."""
    for path in folder.glob(f".*{_UNFINISHED}"):
        path.unlink(missing_ok=True)


def check_folder(folder: Path, owner: str) -> None:
    """Refuses a folder that cannot be made or written, before any work is done for it.

    Args:
        folder: need not be there yet.
        owner: the option that names it.

    Raises:
        ValueError: it is a file, lies within one, or is not writable.
    """
    try:
        there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    except (OSError, ValueError) as error:  # a name too long, or none at all
        raise ValueError(f"{owner} is {str(folder)!r}, expected a folder ({error})") from error
    if not there.is_dir():
        within = "" if there == folder else f"; {there} is a file"
        raise ValueError(
            f"{owner} is {folder}, {'a file' if there == folder else 'within a file'}; expected a "
            f"folder, or a new name{within}"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(f"{owner} is {folder}, but {there} is not writable; choose another")
