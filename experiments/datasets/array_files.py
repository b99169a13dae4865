"""Checked, atomic NumPy files: the quick second load, and the store where array_record is not."""

import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import fingerprint

_UNFINISHED = ".unfinished-"


def save(path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """Write arrays so that the file is either there whole or not there at all.

    Args:
        path: the file; its folder is made.
        images: uint8 (N, 32, 32, C).
        labels: int32 (N,).

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_UNFINISHED, suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as out:
            np.savez(out, images=images, labels=labels, fingerprint=fingerprint(images, labels))
            out.flush()
            os.fsync(out.fileno())
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would hide a shared data folder from others
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def read(path: Path) -> tuple[np.ndarray, np.ndarray, str] | None:
    """Read arrays back, believing them only if they still have their fingerprint.

    Args:
        path: the file.

    Returns:
        Images, labels and fingerprint; None where there is no such file or it is damaged.
    """
    try:
        # np.load leaves a file of its own opening open when it is damaged.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            images, labels = held["images"], held["labels"]
            written = str(held["fingerprint"])
    except (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error):
        return None
    return (images, labels, written) if fingerprint(images, labels) == written else None


def clear_unfinished(folder: Path) -> None:
    """Remove what a killed process was writing here."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        path.unlink(missing_ok=True)
