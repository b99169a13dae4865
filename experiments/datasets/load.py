"""`load`: a name or a path in, a checked `Dataset` out."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np

from experiments.datasets import embedded, user_npz
from experiments.datasets.catalogue import CATALOGUE
from experiments.datasets.catalogue.spec import Spec
from experiments.datasets.dataset import Dataset, DatasetError, fingerprint
from experiments.datasets.storage.folders import folders_of
from experiments.datasets.storage.store import Kind, arrays_of, default_kind
from experiments.user_code import nearest

NAMES: tuple[str, ...] = (*CATALOGUE, "digits")
"""The names `load` knows: the twelve published sets, and the embedded one."""


def load(
    name: str,
    split: str = "train",
    limit: int | None = 5000,
    data_dir: str | PathLike[str] | None = None,
    manual_dir: str | PathLike[str] | None = None,
    *,
    catalogue: Mapping[str, Spec] = CATALOGUE,
    kind: Kind | None = None,
) -> Dataset:
    """Load the first images and labels of a split, in the order of the published file.

    What is not here yet is fetched, checked and prepared first.

    Args:
        name: one of `NAMES`, or the path of an .npz file (see `NPZ_FORMAT`).
        split: one of `splits(name)`: "train", and "test" where one was published.
        limit: the number of images, from the first on; None is all.
        data_dir: the data folder; None is the environment variable TFDS_DATA_DIR, else the
            home folder's tensorflow_datasets.
        manual_dir: a folder of files fetched by hand, as NAME/FILE or FILE; None is
            data_dir/downloads/manual. Their checksums decide.
        catalogue: the facts of the published sets, for sets served elsewhere.
        kind: how sets are stored, "array_record" or "numpy"; None is what the platform has.

    Returns:
        The data set, images uint8 (N, 32, 32, C), labels int32 (N,).

    Raises:
        ValueError: an unknown name (the message gives the nearest), or a limit below 1.
        DatasetError: the set has no such split, or cannot be obtained; the message says what to do.

    Example:
        >>> digits = load("digits", limit=100)
        >>> digits.images.shape, digits.labels.dtype, digits.num_classes
        ((100, 32, 32, 1), dtype('int32'), 10)

    Source:
        The ThermoLion paper (arXiv 2512.01881) trains on the first 5,000 images of each set.
    """
    count = check_limit(limit)
    offered = splits(name, catalogue=catalogue)
    if split not in offered:
        raise DatasetError(f"{name} has no split {split!r}; it has {', '.join(offered)}.")
    if name == "digits":
        images, labels = embedded.read_digits(split)
        facts = (embedded.CLASS_NAMES, embedded.LICENCE, embedded.SOURCE)
    elif name.endswith(".npz"):
        images, labels, class_names = user_npz.read_npz(name, split)
        # The file's name alone: records must not show the user's folders.
        name = Path(name).name
        facts = (class_names, user_npz.LICENCE, name)
    else:
        spec = catalogue[name]
        folders = folders_of(name, data_dir, manual_dir)
        images, labels = arrays_of(spec, split, count, folders, kind or default_kind())
        facts = (spec.class_names, spec.licence, spec.source)
    images, labels = images[:count], labels[:count]
    class_names, licence, source = facts
    digest = fingerprint(images, labels)
    return Dataset(name, split, images, labels, class_names, digest, licence, source)


def splits(name: str, *, catalogue: Mapping[str, Spec] = CATALOGUE) -> tuple[str, ...]:
    """Name the splits a set has.

    Args:
        name: as for `load`.
        catalogue: as for `load`.

    Returns:
        The names of its splits, "train" first.

    Raises:
        ValueError: an unknown name; the message gives the nearest.
        DatasetError: a user's file cannot be read.

    Example:
        >>> splits("mnist"), splits("semeion")
        (('train', 'test'), ('train',))
    """
    if name == "digits":
        return embedded.SPLITS
    if name in catalogue:
        return tuple(catalogue[name].sizes)
    if name.endswith(".npz"):
        return user_npz.splits_of(name)
    hint = nearest(name.lower().replace("-", "_"), [*catalogue, "digits"])
    raise ValueError(f"there is no data set {name!r}; {hint}, or a path ending in .npz")


def check_name(name: str) -> None:
    """Refuses an unknown name; a user's file is checked when it is read.

    Raises:
        ValueError: as `splits`.
    """
    if not name.endswith(".npz"):
        splits(name)


def check_limit(limit: int | None) -> int | None:
    """Refuse a limit that is no number of images.

    Raises:
        ValueError: neither None nor a whole number from 1 up.
    """
    whole_number = isinstance(limit, int | np.integer) and not isinstance(limit, bool)
    if limit is not None and not (whole_number and limit >= 1):
        raise ValueError(f"limit is {limit!r}, expected a whole number from 1 up, or None for all")
    return None if limit is None else int(limit)
