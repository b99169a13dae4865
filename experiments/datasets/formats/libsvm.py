"""USPS as libsvm text: `label 1:v 2:v … 256:v` a line, bzip2, values from -1 to 1."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import DatasetError
from experiments.datasets.formats.streams import parsed_lines

_SIDE = 16
_KEYS = [b"%d" % index for index in range(1, _SIDE * _SIDE + 1)]
_MAX_LINE = 1 << 16


def read(paths: Mapping[str, Path], split: str, count: int) -> Iterator[tuple[np.ndarray, int]]:
    """Read one libsvm file of 16x16 images.

    pixel = trunc((float32(v) + 1) / 2 · 255); label = the file's label - 1.
    Single precision and truncation are torchvision's; both decide pixels.

    Args:
        paths: the files, by split.
        split: "train" or "test".
        count: how many examples the split has (the caller checks; lines are bounded here).

    Yields:
        A uint8 image (16, 16) and its label.

    Raises:
        DatasetError: a line is not of that form, or the file is cut short.
    """
    del count
    path = paths[split]
    yield from parsed_lines(path, _MAX_LINE, _parse)


def _parse(line: bytes, where: str) -> tuple[np.ndarray, int]:
    label, *rest = line.replace(b":", b" ").split()
    keys, values = rest[::2], rest[1::2]
    if keys != _KEYS or len(values) != len(keys):
        raise DatasetError(f"{where}: holds {len(keys)} values, expected 1:v to 256:v in order.")
    pixels = np.array([float(value) for value in values], dtype=np.float32)
    if not np.all(np.abs(pixels) <= 1):
        raise DatasetError(f"{where}: holds a value outside -1 to 1.")
    image = ((pixels + np.float32(1)) / np.float32(2) * np.float32(255)).astype(np.uint8)
    return image.reshape(_SIDE, _SIDE), int(label) - 1
