"""The idx format of MNIST and its kin: a big-endian header, then the array, row by row."""

import gzip
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, BinaryIO, cast

import numpy as np

from experiments.datasets.dataset import DatasetError
from experiments.datasets.formats.streams import (
    damage_reported,
    expect_end,
    opened,
    read_exactly,
    zip_archive,
    zip_member,
)

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_SIDE = 1024
_MAX_LABEL_COLUMNS = 64


def read(paths: Mapping[str, Path], split: str, count: int) -> Iterator[tuple[np.ndarray, int]]:
    """Read a pair of idx files (gzip or plain).

    Args:
        paths: the files, by the keys "{split}_images" and "{split}_labels".
        split: "train" or "test".
        count: how many examples the split has.

    Yields:
        A uint8 image (H, W) and its label; of labels with several columns (QMNIST) the first.

    Raises:
        DatasetError: a file is not idx, is cut short, or does not hold `count` examples.
    """
    images, labels = paths[f"{split}_images"], paths[f"{split}_labels"]
    with ExitStack() as stack:
        stack.enter_context(damage_reported(labels))
        label_stream = stack.enter_context(opened(labels))
        values = _labels(label_stream, labels.name, count)
    with damage_reported(images), opened(images) as image_stream:
        yield from zip(_images(image_stream, images.name, count), values, strict=True)


def read_zip(
    paths: Mapping[str, Path], split: str, count: int, *, members: Mapping[str, str]
) -> Iterator[tuple[np.ndarray, int]]:
    """Read a pair of gzipped idx files out of a zip (EMNIST), unpacking nothing to disk.

    Args:
        paths: the zip, by the key "archive".
        split: "train" or "test".
        count: how many examples the split has.
        members: the entries' names, by the keys "{split}_images" and "{split}_labels".

    Yields:
        A uint8 image (H, W) and its label.

    Raises:
        DatasetError: as `read`, or the zip is damaged or hostile.
    """
    path = paths["archive"]
    with zip_archive(path) as archive:
        name = members[f"{split}_labels"]
        with zip_member(archive, name, path.stat().st_size) as packed:
            values = _labels(_gunzipped(packed), name, count)
        name = members[f"{split}_images"]
        with zip_member(archive, name, path.stat().st_size) as packed:
            yield from zip(_images(_gunzipped(packed), name, count), values, strict=True)


def _gunzipped(packed: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, gzip.GzipFile(fileobj=packed))


def _header(stream: IO[bytes], file: str) -> tuple[str, tuple[int, ...]]:
    zeros, kind, dimensions = struct.unpack(">HBB", read_exactly(stream, 4, file, "the header"))
    if zeros != 0 or kind not in _TYPES or not 1 <= dimensions <= 4:
        raise DatasetError(
            f"{file}: is not an idx file (it starts with {zeros:04x}{kind:02x}{dimensions:02x}, "
            "expected 0000, a type of 08 to 0e and a number of dimensions)."
        )
    sizes = read_exactly(stream, 4 * dimensions, file, "the header")
    return _TYPES[kind], struct.unpack(f">{dimensions}I", sizes)


def _check_count(found: int, count: int, file: str) -> None:
    if found != count:
        raise DatasetError(
            f"{file}: holds {found:,} examples, expected {count:,}; it is not the file that was "
            "published."
        )


def _labels(stream: IO[bytes], file: str, count: int) -> list[int]:
    kind, shape = _header(stream, file)
    _check_count(shape[0], count, file)
    columns = int(np.prod(shape[1:], dtype=np.int64))
    if len(shape) > 2 or not 1 <= columns <= _MAX_LABEL_COLUMNS or "f" in kind:
        raise DatasetError(f"{file}: has shape {shape}, expected labels of shape ({count},).")
    size = count * columns * np.dtype(kind).itemsize
    data = read_exactly(stream, size, file, f"{count:,} labels")
    expect_end(stream, file)
    return np.frombuffer(data, kind).reshape(count, columns)[:, 0].tolist()


def _images(stream: IO[bytes], file: str, count: int) -> Iterator[np.ndarray]:
    kind, shape = _header(stream, file)
    if kind != "u1" or len(shape) != 3 or not all(1 <= side <= _MAX_SIDE for side in shape[1:]):
        raise DatasetError(f"{file}: has shape {shape}, expected bytes of shape ({count}, H, W).")
    _check_count(shape[0], count, file)
    height, width = shape[1:]
    for number in range(count):
        data = read_exactly(stream, height * width, file, f"image {number}")
        yield np.frombuffer(data, np.uint8).reshape(height, width)
    expect_end(stream, file)
