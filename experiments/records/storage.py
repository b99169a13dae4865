"""Runs as append-only JSON lines: what is written is safe, what is there is not run again.

A folder holds any number of ``*.jsonl`` (and ``*.jsonl.gz``) files; each process
writes one of its own, and a reader merges them all. A line is one record, written
with a single write and fsync, so a process killed at any moment leaves at most one
torn last line, which readers leave out and the next append repairs.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import platform
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from experiments.files import check_folder
from experiments.records.lines import encode, parse
from experiments.records.record import Record

Of = TypeVar("Of")

OF_DISTORTION = "distortion-*-layers.jsonl"
"""How the files of the distortion study's records are called, which `run` does not make."""


class RecordError(RuntimeError):
    """A records folder or file that cannot be read or written; the message says what to do."""


@dataclass(frozen=True)
class Reading:
    """What a folder holds: the records in a fixed order, and what was left out."""

    records: list[Record]
    notices: list[str]


def read(folder: str | os.PathLike[str], *, missing_ok: bool = False) -> Reading:
    """All records under ``folder``, merged, in an order that depends on the files alone.

    Args:
        folder: holds the ``*.jsonl`` and ``*.jsonl.gz`` files.
        missing_ok: an absent folder, or one without records, reads as empty.

    Raises:
        RecordError: no folder or no records there, a folder of `train` or of the distortion
            study, or a line that is not a record (with its file and line number).
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise RecordError(f"{folder} is a file; expected the folder that holds the *.jsonl records")
    if not folder.exists() and not missing_ok:
        raise RecordError(f"there is no folder {folder}; `python -m experiments run` makes one")
    if (folder / "settings.json").is_file() and (folder / "curve.jsonl").is_file():
        raise RecordError(
            f"{folder} is a folder of `train`; `report` reads those of `run`. Read curve.jsonl, "
            "result.json and phases.csv there, or give `run` another --out"
        )
    if any(folder.glob(OF_DISTORTION)):
        raise RecordError(
            f"{folder} is a folder of the distortion study; `report` reads those of `run`. Draw it "
            f"with `python -m experiments.distortion_study report --out {folder}`, or give `run` "
            "another --out"
        )
    files = _files(folder)
    notices: list[str] = []
    found = [item for path in files for item in read_file(path, parse, notices)]
    if not found and not missing_ok:
        raise RecordError(
            f"no records in {folder}: it holds no *.jsonl or *.jsonl.gz file with a line in it; "
            f"make some with `python -m experiments run --out {folder}`"
        )
    return Reading(_without_duplicates(found, notices), notices)


def check_apart(folder: Path, own: str) -> None:
    """Refuses a folder whose ``*.jsonl`` are those of another command, which could not read them.

    Args:
        folder: of the option --out; need not be there yet.
        own: the pattern that the command's own files have.

    Raises:
        RecordError: it holds others, such as the records of `run`.
    """
    others = [path.name for path in _files(folder) if not path.match(own)]
    if others:
        raise RecordError(
            f"--out is {folder}, which holds {others[0]} of another command, expected {own} alone: "
            "choose another folder"
        )


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*.jsonl*") if p.name.endswith((".jsonl", ".jsonl.gz")))


def read_file(path: Path, parse: Callable[[bytes], Of], notices: list[str]) -> Iterator[Of]:
    """The records of one file.

    Args:
        path: of the file, ``*.jsonl`` or ``*.jsonl.gz``.
        parse: a record of one line; raises ValueError where it is none.
        notices: gets a line for what is left out.

    Raises:
        RecordError: it cannot be read, or a line is not a record.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise RecordError(f"cannot read {path}: {error}") from error
    lines = raw.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield parse(line)
        except ValueError as error:
            if number == len(lines):  # no newline after it: the writer was stopped within it
                notices.append(
                    f"{path.name}, line {number}: left out a torn last line (a run was stopped "
                    "while writing it); run again to repeat that one run"
                )
                return
            raise RecordError(
                f"{path}, line {number} is not a record: {error}; delete the line (its run will "
                "be made again) or move the file elsewhere"
            ) from error


def _without_duplicates(found: list[Record], notices: list[str]) -> list[Record]:
    kept: dict[str, Record] = {}
    repeated = different = 0
    for record in found:
        first = kept.setdefault(record.identity, record)
        if first is not record:
            repeated += 1
            different += first.train_loss != record.train_loss
    if repeated:
        notices.append(
            f"{repeated} record(s) are of a cell that is already there ({different} with another "
            "result); kept the first by file name and line"
        )
    return list(kept.values())


class Writer:
    """Appends records to this process's own file in ``folder``.

    The name carries the shard and the host (hashed, so that records can be published);
    a second process with the same name takes the next free number. The file is made at
    the first record, so a run with nothing to do leaves nothing behind.

    Args:
        folder: where the records go; made if absent.
        shard: (index, count) of this process's part of the grid.

    Raises:
        ValueError: the folder is a file, lies within one, or is not writable.
        RecordError: it cannot be made.
    """

    def __init__(self, folder: str | os.PathLike[str], shard: tuple[int, int] = (0, 1)) -> None:
        self._folder = Path(folder)
        check_folder(self._folder, "the records' folder")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecordError(f"cannot make the folder {folder}: {error.strerror}") from error
        host = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
        self._stem = f"records-{shard[0]}of{shard[1]}-{host}"
        self._file: int | None = None

    def append(self, record: Record) -> None:
        """Writes one record so that it is on the disk, whole, when this returns."""
        line = encode(record)
        try:
            if self._file is None:
                self._file = _claim(self._folder, self._stem)
                _repair(self._file)
            end = os.fstat(self._file).st_size
            if os.write(self._file, line) != len(line):  # a full disk cuts a write short
                os.ftruncate(self._file, end)
                raise OSError("the disk is full")
            os.fsync(self._file)
        except OSError as error:
            raise RecordError(
                f"cannot write a record into {self._folder}: {error.strerror or error}; every "
                "record written before is safe, and the same command goes on from there"
            ) from error

    def close(self) -> None:
        """Closes the file; another process may then append to it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _claim(folder: Path, stem: str) -> int:
    """Opens the first of stem.jsonl, stem-2.jsonl, … that no living process holds."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    own_name = folder / f"{stem}-p{os.getpid()}.jsonl"  # where files cannot be locked
    try:
        import fcntl
    except ImportError:
        return os.open(own_name, flags, 0o644)
    number = 1
    while True:
        name = f"{stem}.jsonl" if number == 1 else f"{stem}-{number}.jsonl"
        file = os.open(folder / name, flags, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            os.close(file)
            number += 1
        except OSError:  # a network file system without locks
            os.close(file)
            return os.open(own_name, flags, 0o644)


def _repair(file: int) -> None:
    """Makes the file end in a whole line: a torn last one goes, a whole one gets its newline."""
    os.lseek(file, 0, os.SEEK_SET)
    content = os.read(file, os.fstat(file).st_size)
    tail = content[content.rfind(b"\n") + 1 :]
    if not tail:
        return
    try:
        parse(tail)
        os.write(file, b"\n")
    except ValueError:
        os.ftruncate(file, len(content) - len(tail))
