"""Sets prepared by TensorFlow Datasets as array_record files (Linux, macOS)."""

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from experiments.datasets.catalogue.spec import Spec
from experiments.datasets.storage.folders import VERSION, Folders

_INFO = "dataset_info.json"
_BY_HAND = ".by-hand-"


def is_built(folders: Folders) -> bool:
    """Whether the set is here; its folder appears only once all of it is written."""
    return os.path.isfile(folders.root / folders.stored_name / VERSION / _INFO)


def build(spec: Spec, paths: Mapping[str, Path], folders: Folders) -> None:
    """Write every split of a set, in the order of its file.

    Args:
        spec: the data set, the sha256 of every file known.
        paths: its raw files, checked.
        folders: where it is written.

    Raises:
        DatasetError: a raw file is damaged.
        Exception: whatever TensorFlow Datasets raises when the folder cannot be written.
    """
    import tensorflow_datasets as tfds

    from experiments.datasets.storage.builders import BUILDERS

    home = folders.root / folders.stored_name
    _clear_unfinished(home)
    for folder in folders.downloads.glob(f"{_BY_HAND}*"):
        shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folders.downloads, prefix=_BY_HAND) as folder:
        # TensorFlow Datasets' download manager takes files that are here already from one
        # folder, by their published names, and checks their registered sha256 itself.
        for key, file in spec.files.items():
            (Path(folder) / file.name).symlink_to(paths[key].resolve())
        builder = BUILDERS[spec.name](spec=spec, data_dir=str(folders.root))
        config = tfds.download.DownloadConfig(
            manual_dir=folder, try_download_gcs=False, force_checksums_validation=True
        )
        tfds.disable_progress_bar()
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it prints, and stdout is the user's
                builder.download_and_prepare(
                    download_dir=folders.root / "downloads",
                    download_config=config,
                    file_format="array_record",
                )
        finally:
            tfds.enable_progress_bar()
            _clear_unfinished(home)


def read(spec: Spec, folders: Folders, split: str, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the first `limit` examples of a prepared split.

    Args:
        spec: the data set.
        folders: where it lies.
        split: one of its published splits.
        limit: how many examples, at most the size of the split.

    Returns:
        Images, uint8 (limit, 32, 32, C), and labels, int32 (limit,).
    """
    from experiments.datasets.storage.builders import BUILDERS

    builder = BUILDERS[spec.name](spec=spec, data_dir=str(folders.root))
    source: Any = cast(Any, builder).as_data_source(split)
    images = np.empty((limit, 32, 32, spec.channels), np.uint8)
    labels = np.empty(limit, np.int32)
    for number, example in enumerate(source.__getitems__(range(limit))):
        images[number], labels[number] = example["image"], example["label"]
    return images, labels


def _clear_unfinished(home: Path) -> None:
    """Remove what a killed run left; the caller holds the set's lock, so nobody writes there."""
    for folder in home.glob("*incomplete*"):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in home.glob(f"{VERSION}*"):
        if not (folder / _INFO).is_file():
            shutil.rmtree(folder, ignore_errors=True)
