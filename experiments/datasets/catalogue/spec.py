"""What is known of a data set before any of its bytes are here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

UNSTATED = "none stated by its authors"
"""The licence of a set whose authors name none."""


@dataclass(frozen=True)
class RawFile:
    """One file as it was published.

    Attributes:
        name: the file's name, as it is fetched and as it lies in a folder of files fetched by hand.
        urls: where it is served, the first one first.
        size: its bytes; only a guide (to progress and disk space): the checksums decide.
        md5: its md5 in hex digits, where published.
        sha256: its sha256 in hex digits, where known.
        repacked: the sha256 of another packing of the same content, taken as well.
    """

    name: str
    urls: tuple[str, ...]
    size: int
    md5: str | None = None
    sha256: str | None = None
    repacked: str | None = None


def raw_file(
    base: str, name: str, size: int, md5: str | None = None, sha256: str | None = None
) -> RawFile:
    """A file that lies in one place, at ``base`` + ``name``."""
    return RawFile(name, (base + name,), size, md5, sha256)


class Reader(Protocol):
    """Reads one split of raw files: paths by key, the split, its number of examples."""

    def __call__(
        self, paths: Mapping[str, Path], split: str, count: int
    ) -> Iterator[tuple[np.ndarray, int]]:
        """Yield a uint8 image and its label, in the order of the file."""
        ...


@dataclass(frozen=True)
class Spec:
    """A data set: its files, how they are read, and what people need to know of it.

    Attributes:
        name: the name it goes by everywhere in the benchmark.
        title: its name in prose.
        channels: 1 (grey) or 3 (RGB).
        sizes: the number of examples of each published split, "train" first.
        files: the raw files, by the keys that `read` expects.
        read: the reader of its format.
        class_names: one for each class, in the order of the labels.
        classes_in_first_5000: how many classes the first 5,000 training images hold.
        licence: the terms, as far as the authors state any.
        source: the work to cite.
        note: what else a user must know; often empty.
    """

    name: str
    title: str
    channels: int
    sizes: Mapping[str, int]
    files: Mapping[str, RawFile]
    read: Reader
    class_names: tuple[str, ...]
    classes_in_first_5000: int
    licence: str
    source: str
    note: str = ""
