"""Reading raw files that may be cut short, damaged or hostile: bounds, and errors for people."""

import bz2
import csv
import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

import numpy as np

from experiments.datasets.dataset import DatasetError

DAMAGE: tuple[type[Exception], ...] = (
    EOFError,
    OSError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    RuntimeError,  # zipfile's, for an entry that claims to be encrypted
    MemoryError,
    csv.Error,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
)


@contextmanager
def damage_reported(file: str | Path) -> Iterator[None]:
    """Turn whatever a decoder raises on a bad file into a `DatasetError` that names the file."""
    try:
        yield
    except DatasetError:
        raise
    except DAMAGE as error:
        raise DatasetError(
            f"{Path(file).name}: cannot be read ({type(error).__name__}: {error}). "
            f"The file is cut short or damaged: delete {file} and fetch it again."
        ) from error


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a plain, gzip or bzip2 file unpacked; its first bytes tell which it is."""
    with path.open("rb") as raw:
        head = raw.read(3)
        raw.seek(0)
        if head[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield cast(BinaryIO, unpacked)
        elif head == b"BZh":
            with bz2.BZ2File(raw) as unpacked:
                yield cast(BinaryIO, unpacked)
        else:
            yield raw


def read_exactly(stream: IO[bytes], count: int, file: str, what: str) -> bytes:
    """Read `count` bytes, or say how many were there."""
    data = stream.read(count)
    if len(data) != count:
        raise DatasetError(
            f"{file}: ends early: {what} needs {count} bytes, {len(data)} are left. "
            "The file is cut short; delete it and fetch it again."
        )
    return data


def expect_end(stream: IO[bytes], file: str) -> None:
    """Refuse bytes after the last example, which would mean that the count is wrong."""
    if stream.read(1):
        raise DatasetError(
            f"{file}: goes on after its last example; it is not the file that was published."
        )


class Bounded:
    """A readable stream that refuses to give more than `limit` bytes.

    A small archive can unpack to any size; the published sizes are known, so more than
    that is an error, and never a full memory or disk.
    """

    def __init__(self, stream: IO[bytes], limit: int, file: str):
        self._stream, self._left, self._limit, self._file = stream, limit, limit, file

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; a negative size asks for all that is allowed and one more."""
        asked = self._left + 1 if size < 0 else min(size, self._left + 1)
        data = self._stream.read(asked)
        self._left -= len(data)
        if self._left < 0:
            raise DatasetError(
                f"{self._file}: unpacks to more than {self._limit:,} bytes, the most its contents "
                "can be; it is not the file that was published."
            )
        return data


def check_member_name(name: str, file: str) -> None:
    """Refuse an archive entry whose name leads out of the folder it would be unpacked in.

    Nothing here is ever unpacked to disk; an archive that tries is still not the published one.

    Args:
        name: the entry's name inside the archive.
        file: the archive's name, for the message.

    Raises:
        DatasetError: the name is absolute, or holds a parent folder, a drive or a backslash.

    Example:
        >>> check_member_name("GTSRB/Training/00000/00000_00000.ppm", "a.zip")
        >>> check_member_name("../evil", "a.zip")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        experiments.datasets.dataset.DatasetError: a.zip: the entry '../evil' would escape ...
    """
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\\" in name or (parts and ":" in parts[0]):
        raise DatasetError(
            f"{file}: the entry {name!r} would escape its folder; it is not the archive that was "
            "published."
        )


def tar_members(path: Path, wanted: set[str], limit: int) -> Iterator[tuple[str, BinaryIO, int]]:
    """Stream a (compressed) tar once, front to back, and stop when all wanted files were given.

    Args:
        path: the archive.
        wanted: names of the entries to give; all others are passed over, never stored.
        limit: the most bytes the whole archive may unpack to.

    Yields:
        (name, stream, size in bytes), in the archive's order.
    """
    left = set(wanted)
    with damage_reported(path), opened(path) as unpacked:
        bounded = cast(BinaryIO, Bounded(unpacked, limit, path.name))
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            for entry in archive:
                check_member_name(entry.name, path.name)
                if entry.name not in left:
                    continue
                content = archive.extractfile(entry) if entry.isreg() else None
                if content is None:
                    raise DatasetError(
                        f"{path.name}: the entry {entry.name!r} is a link or no file; it is not "
                        "the archive that was published."
                    )
                left.remove(entry.name)
                yield entry.name, cast(BinaryIO, content), entry.size
                if not left:
                    return
    if left:
        raise DatasetError(
            f"{path.name}: holds no {', '.join(sorted(left))}; it is not the archive that was "
            "published."
        )


@contextmanager
def zip_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip, refusing one that holds an entry that would escape its folder."""
    with damage_reported(path), zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            check_member_name(entry.filename, path.name)
        yield archive


@contextmanager
def zip_member(archive: zipfile.ZipFile, name: str, limit: int) -> Iterator[BinaryIO]:
    """Open one entry of a zip as a stream of at most `limit` bytes."""
    file = f"{Path(archive.filename or 'archive').name}:{name}"
    if name not in archive.namelist():
        raise DatasetError(f"{file}: no such entry; it is not the archive that was published.")
    with damage_reported(file), archive.open(name) as stream:
        yield cast(BinaryIO, Bounded(stream, limit, file))


def parsed_lines(
    path: Path, longest: int, parse: Callable[[bytes, str], tuple[np.ndarray, int]]
) -> Iterator[tuple[np.ndarray, int]]:
    """``parse(line, its place for messages)`` of every line of a text file that holds anything.

    Raises:
        DatasetError: a line is ``longest`` bytes or more, or the file is damaged.
    """
    with damage_reported(path), opened(path) as lines:
        number = 0
        while line := lines.readline(longest):
            number += 1
            where = f"{path.name}, line {number}"
            if len(line) == longest:
                raise DatasetError(f"{where}: is longer than {longest} bytes.")
            if line.strip():
                yield parse(line, where)
