"""Reading a prepared set, or preparing it first."""

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import filelock
import numpy as np

from experiments.datasets.catalogue.spec import Spec
from experiments.datasets.dataset import DatasetError
from experiments.datasets.storage import array_files, tfds_store
from experiments.datasets.storage.examples import read_arrays
from experiments.datasets.storage.folders import Folders
from experiments.datasets.storage.raw_files import DISK_FULL, obtain
from experiments.files import clear_unfinished
from experiments.progress import Progress

Kind = Literal["array_record", "numpy"]


def default_kind() -> Kind:
    """The store of this platform: array_record where it has a wheel, NumPy files elsewhere."""
    return "array_record" if importlib.util.find_spec("array_record") else "numpy"


def arrays_of(
    spec: Spec, split: str, limit: int | None, folders: Folders, kind: Kind
) -> tuple[np.ndarray, np.ndarray]:
    """Give the first `limit` examples of a split, preparing the set if it is not here.

    Args:
        spec: the data set.
        split: one of its published splits.
        limit: how many examples; None is all.
        folders: where it lies or is put.
        kind: how it is stored.

    Returns:
        Images, uint8 (N, 32, 32, C), and labels, int32 (N,).

    Raises:
        DatasetError: the set cannot be obtained.
    """
    size = spec.sizes[split]
    count = size if limit is None else min(limit, size)
    if not is_ready(spec, folders, kind):
        prepare_set(spec, folders, kind, Progress(0, sys.stderr, "bytes"))
    try:
        if kind == "array_record":
            return tfds_store.read(spec, folders, split, count)
        images, labels = array_files.read(folders.arrays / f"{split}-{size}.npz")
        return images[:count], labels[:count]
    except Exception as error:
        raise DatasetError(
            f"{spec.name}: what is prepared in {folders.root} cannot be read ({error}). Remove "
            f"{folders.root / folders.stored_name} and {folders.arrays}, and load the set again."
        ) from error


def is_ready(spec: Spec, folders: Folders, kind: Kind) -> bool:
    """Whether a set is prepared here, without reading it."""
    if kind == "array_record":
        return tfds_store.is_built(folders)
    return all(
        (folders.arrays / f"{split}-{size}.npz").is_file() for split, size in spec.sizes.items()
    )


def fetch_set(spec: Spec, folders: Folders, kind: Kind, progress: Progress) -> None:
    """Fetch and check a set's raw files, unless the set is ready already."""
    with _alone(spec, folders, progress):
        if not is_ready(spec, folders, kind):
            obtain(spec, folders, progress)


def prepare_set(spec: Spec, folders: Folders, kind: Kind, progress: Progress) -> None:
    """Fetch, check and store a set; of several processes one works and the others wait.

    Args:
        spec: the data set.
        folders: where it is put.
        kind: how it is stored.
        progress: updated on the way.

    Raises:
        DatasetError: the set cannot be obtained. Nothing half-built is left.
    """
    with _alone(spec, folders, progress):
        if is_ready(spec, folders, kind):
            return
        clear_unfinished(folders.arrays)
        known, paths = obtain(spec, folders, progress)
        progress.say(f"{spec.name}: reading {sum(spec.sizes.values()):,} images")
        try:
            if kind == "array_record":
                tfds_store.build(known, paths, folders)
            else:
                for split, size in spec.sizes.items():
                    images, labels = read_arrays(spec, split, paths)
                    array_files.save(folders.arrays / f"{split}-{size}.npz", images, labels)
        except DatasetError:
            raise
        except Exception as error:
            raise DatasetError(_why_not_stored(spec, folders, error)) from error
        progress.say(f"{spec.name}: ready in {folders.root}")


@contextmanager
def _alone(spec: Spec, folders: Folders, progress: Progress) -> Iterator[None]:
    """Hold the set's lock, which the system frees when a process dies."""
    try:
        folders.downloads.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folders.downloads / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            print(f"{spec.name}: another process prepares it; waiting", file=sys.stderr)
            _wait_for(lock, spec, progress)
    except OSError as error:
        raise DatasetError(
            f"{spec.name}: the folder {folders.downloads} cannot be written ({error.strerror}); "
            "choose another data_dir."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _wait_for(lock: filelock.BaseFileLock, spec: Spec, progress: Progress) -> None:
    """Take the lock when another process lets go of it, or give up when told to stop."""
    while not progress.stopped:
        with contextlib.suppress(filelock.Timeout):
            lock.acquire(timeout=1)
            return
    raise DatasetError(f"{spec.name}: stopped while another process prepared it")


def _why_not_stored(spec: Spec, folders: Folders, error: Exception) -> str:
    # array_record's writer gives the system's words, not its number.
    words = [os.strerror(number) for number in DISK_FULL]
    full = getattr(error, "errno", None) in DISK_FULL or any(word in str(error) for word in words)
    reason = "the disk is full" if full else f"{type(error).__name__}: {error}"
    return (
        f"{spec.name}: cannot be stored in {folders.root} ({reason}). Nothing half-built was kept. "
        "Make room or choose another data_dir, and try again."
    )
