"""Sets prepared as NumPy files, each with its fingerprint: the store where array_record is not."""

from pathlib import Path

import numpy as np

from experiments.datasets.dataset import fingerprint
from experiments.files import atomic


def save(path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """Write arrays; the file is there whole or not at all.

    Args:
        path: the file; its folder is made.
        images: uint8 (N, 32, 32, C).
        labels: int32 (N,).

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    with atomic(path) as out:
        np.savez(out, images=images, labels=labels, fingerprint=fingerprint(images, labels))


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read arrays back, believing them only if they still have their fingerprint.

    Args:
        path: the file.

    Returns:
        Images and labels.

    Raises:
        Exception: no such file, or a damaged one; NumPy and zipfile have many words for it.
    """
    # np.load leaves a file of its own opening open when it is damaged.
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
        images, labels, written = held["images"], held["labels"], str(held["fingerprint"])
    if fingerprint(images, labels) != written:
        raise ValueError("its checksum differs from what was written")
    return images, labels
