"""`load`: a name or a path in, a checked `Dataset` out."""

import difflib
from os import PathLike
from pathlib import Path

from experiments.datasets import embedded, user_npz
from experiments.datasets.dataset import Dataset, DatasetError, fingerprint
from experiments.datasets.holdout import every_fifth

NAMES: tuple[str, ...] = (
    "mnist",
    "fashion_mnist",
    "kmnist",
    "emnist",
    "qmnist",
    "usps",
    "semeion",
    "gtsrb",
    "cifar10",
    "cifar100",
    "svhn",
    "stl10",
    "digits",
)


def load(
    name: str,
    split: str = "train",
    limit: int | None = 5000,
    data_dir: str | PathLike[str] | None = None,
    manual_dir: str | PathLike[str] | None = None,
) -> Dataset:
    """Load the first `limit` examples."""
    if name == "digits":
        _check_split(name, split, embedded.SPLITS)
        images, labels = embedded.read_digits(split)
        images, labels = images[:limit], labels[:limit]
        return Dataset(
            name,
            split,
            images,
            labels,
            embedded.CLASS_NAMES,
            fingerprint(images, labels),
            embedded.LICENCE,
            embedded.SOURCE,
        )
    if name.endswith(".npz"):
        _check_split(name, split, user_npz.SPLITS)
        images, labels, class_names = user_npz.read_npz(name)
        if split != "train":
            chosen = every_fifth(labels) == (split == "holdout")
            images, labels = images[chosen], labels[chosen]
        images, labels = images[:limit], labels[:limit]
        return Dataset(
            Path(name).name,
            split,
            images,
            labels,
            class_names,
            fingerprint(images, labels),
            user_npz.LICENCE,
            Path(name).name,
        )
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, 1)
        raise ValueError(
            f"unknown data set {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        )
    raise DatasetError(f"{name}: cannot be fetched yet")


def splits(name: str) -> tuple[str, ...]:
    """The splits a set has."""
    if name == "digits":
        return embedded.SPLITS
    if name.endswith(".npz"):
        return user_npz.SPLITS
    if name == "semeion":
        return ("train", "fit", "holdout")
    return ("train", "test")


def _check_split(name: str, split: str, offered: tuple[str, ...]) -> None:
    if split not in offered:
        raise DatasetError(f"{name} has no split {split!r}; it has {', '.join(offered)}")
