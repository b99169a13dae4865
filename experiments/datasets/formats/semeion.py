"""SEMEION as text: 256 pixels of 0 or 1, then ten flags, one of them 1, a line."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import DatasetError
from experiments.datasets.formats.streams import parsed_lines

_SIDE = 16
_CLASSES = 10
_MAX_LINE = 1 << 14


def read(paths: Mapping[str, Path], split: str, count: int) -> Iterator[tuple[np.ndarray, int]]:
    """Read the SEMEION file.

    pixel = 255 · v; label = the place of the one flag that is 1.

    Args:
        paths: the file, by the key "data".
        split: "train", the only one.
        count: how many examples the file has (the caller checks; lines are bounded here).

    Yields:
        A uint8 image (16, 16) and its label.

    Raises:
        DatasetError: a line is not of that form, or the file cannot be read.
    """
    del split, count
    path = paths["data"]
    yield from parsed_lines(path, _MAX_LINE, _parse)


def _parse(line: bytes, where: str) -> tuple[np.ndarray, int]:
    values = np.array(line.split(), dtype=np.float64)
    if values.shape != (_SIDE * _SIDE + _CLASSES,):
        raise DatasetError(f"{where}: holds {values.size} values, expected 266.")
    pixels, flags = values[: _SIDE * _SIDE], values[_SIDE * _SIDE :]
    if not np.all((pixels >= 0) & (pixels <= 1)):
        raise DatasetError(f"{where}: holds a pixel outside 0 to 1.")
    if np.count_nonzero(flags) != 1 or flags.sum() != 1:
        raise DatasetError(f"{where}: its ten class flags are not one 1 and nine 0.")
    return (pixels * 255).astype(np.uint8).reshape(_SIDE, _SIDE), int(np.argmax(flags))
