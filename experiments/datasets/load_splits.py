"""`load_splits`: what is trained on, what settings are chosen by, and what is reported."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike

import numpy as np

from experiments.datasets.catalogue import CATALOGUE
from experiments.datasets.catalogue.spec import Spec
from experiments.datasets.dataset import Dataset, DatasetError, classes_named, fingerprint
from experiments.datasets.holdout import cut, spread
from experiments.datasets.load import check_limit, load, splits
from experiments.datasets.near_duplicates import families
from experiments.datasets.storage.store import Kind
from experiments.datasets.user_npz import read_test_labels

FAMILIES = (
    "Near-duplicates (of one class; equal, or pixels correlated above 0.9; connected components) "
    "stay in one split; in a class with a component of more than min(n/2, max(30, n/5)) of its n "
    "images, where correlation tells likeness and not copies, only equal images do."
)
CUT = (
    "cut within each class: components by size, the largest first, then in file order, each "
    "to the split with the largest fraction of its share still open"
)


@dataclass(frozen=True, eq=False)
class Splits:
    """Three disjoint parts of a data set, each with its fingerprint.

    Attributes:
        train: what is trained on.
        validation: what learning rates and settings are chosen by.
        test: what is reported; None where it was not asked for.
        rule: how the three were cut, in words and numbers.
    """

    train: Dataset
    validation: Dataset
    test: Dataset | None
    rule: str


def load_splits(
    name: str,
    *,
    limit: int | None = 5000,
    with_test: bool,
    data_dir: str | PathLike[str] | None = None,
    manual_dir: str | PathLike[str] | None = None,
    catalogue: Mapping[str, Spec] = CATALOGUE,
    kind: Kind | None = None,
) -> Splits:
    """Load train, validation and test by a written rule that knows no random numbers.

    With a test split of its own: train is the first ``limit`` training images; validation is
    at most ``limit`` of those beyond, stratified, without near-duplicates of train, or, where
    there are too few, a stratified fifth of train. Without one, the file of N images is cut,
    stratified, into validation and test of max(N/5, (N - limit)/2) each, at most ``limit``, and
    train.

    Args:
        name: as for `load`.
        limit: the most images of train, and of each part cut off; None is no limit.
        with_test: False leaves test None. A published test split is then not read; of a user's
            the labels alone, and the shape and dtype of its images.
        data_dir: as for `load`.
        manual_dir: as for `load`.
        catalogue: as for `load`.
        kind: as for `load`.

    Returns:
        The parts, images in file order, and the rule.

    Raises:
        ValueError: an unknown name, or a limit below 1.
        DatasetError: the set cannot be obtained, or a class would be missing from a part.

    Example:
        >>> digits = load_splits("digits", with_test=True)
        >>> len(digits.train.labels), len(digits.validation.labels), len(digits.test.labels)
        (1150, 288, 359)
    """
    count = check_limit(limit)
    where = {"data_dir": data_dir, "manual_dir": manual_dir, "catalogue": catalogue, "kind": kind}
    whole = load(name, "train", None, **where)
    if "test" in splits(name, catalogue=catalogue):
        chosen, rule = _beside_test(whole, count)
        test = load(name, "test", None, **where) if with_test else None
        labels = test.labels if test is not None else _labels_to_come(name)
        if labels is not None:
            _check_classes(whole, whole.labels[chosen[0]], labels)
    else:
        chosen, rule = _in_three(whole, count)
        test = _part(whole, "test", chosen.pop()) if with_test else None
    train, validation = _part(whole, "train", chosen[0]), _part(whole, "validation", chosen[1])
    if test is not None:
        _warn_of_leaks(name, (train, validation), test)
    return Splits(train, validation, test, f"{rule} {FAMILIES}")


def _labels_to_come(name: str) -> np.ndarray | None:
    """Of a user's test part, which nobody has checked: before hours of tuning, not after."""
    return read_test_labels(name) if name.endswith(".npz") else None


def _beside_test(whole: Dataset, limit: int | None) -> tuple[list[np.ndarray], str]:
    """Indices of train and validation, of a set whose test split lies elsewhere."""
    labels, name = whole.labels, whole.name
    train, beyond = np.split(np.arange(len(labels)), [len(labels) if limit is None else limit])
    unseen = np.setdiff1d(labels[beyond], labels[train])
    if len(unseen):
        raise DatasetError(
            f"{name}: the first {len(train):,} training images hold "
            f"{len(np.unique(labels[train]))} of its {len(np.unique(labels))} classes, none of "
            f"{classes_named(whole, unseen)}, so no part could be stratified. "
            "Protocols that cut parts of their own cannot use this set."
        )
    rule = f"train: the first {len(train):,} of {len(labels):,} training images; "
    if 5 * len(beyond) >= len(train):
        some = beyond[spread(labels[beyond], min(len(train), len(beyond)))]
        pool = np.concatenate([train, some])
        family = families(whole.images[pool], labels[pool])
        apart = some[~np.isin(family[len(train) :], family[: len(train)])]
        if not len(np.setdiff1d(labels[train], labels[apart])):
            return [train, apart], (
                f"{rule}validation: {len(some):,} of those beyond, stratified, evenly spaced in "
                f"file order within each class, less {len(some) - len(apart):,} near-duplicates "
                "of train; test: the set's own."
            )
    parts = _cut(whole, train, (_fifth(len(train)),), "a validation fifth")
    return parts, (
        f"train and validation: the first {len(train):,} of {len(labels):,} training images, "
        f"validation a stratified fifth of them, {CUT}; test: the set's own."
    )


def _in_three(whole: Dataset, limit: int | None) -> tuple[list[np.ndarray], str]:
    """Indices of train, validation and test, all out of one file."""
    total = len(whole.labels)
    used = np.arange(total) if limit is None else spread(whole.labels, min(total, 3 * limit))
    held = _fifth(len(used))
    if limit is not None:
        held = min(limit, max(held, (len(used) - limit + 1) // 2))
    parts = _cut(whole, used, (held, held), "validation and test")
    some = f"{len(used):,} of {total:,}" if len(used) < total else f"{total:,}"
    rule = (
        f"train, validation and test: {some} images, stratified over the whole file, validation "
        f"and test {held:,} each (at least 1 of a class), {CUT}."
    )
    return parts, rule


def _cut(whole: Dataset, used: np.ndarray, held: tuple[int, ...], what: str) -> list[np.ndarray]:
    labels = whole.labels[used]
    family = families(whole.images[used], labels)
    apart = labels[np.unique(family, return_index=True)[1]]  # of each family one
    classes = np.unique(whole.labels)  # a rare one may have no image among those used
    few = classes[np.count_nonzero(apart == classes[:, None], axis=1) <= len(held)]
    if len(few):
        total = len(whole.labels)
        among = f"its {total:,} images" if len(used) == total else f"the {len(used):,} images used"
        raise DatasetError(
            f"{whole.name}: too small to hold out {what}: each of train and the held-out parts "
            f"needs an image of every class, so {len(held) + 1} that are no near-duplicates; "
            f"among {among} are fewer of {classes_named(whole, few)}. Add images of "
            "these classes, or leave the classes out."
        )
    part = cut(labels, family, held)
    return [used[part == number] for number in range(len(held) + 1)]


def _part(whole: Dataset, split: str, chosen: np.ndarray) -> Dataset:
    images, labels = whole.images[chosen], whole.labels[chosen]
    digest = fingerprint(images, labels)
    return replace(whole, split=split, images=images, labels=labels, fingerprint=digest)


def _check_classes(whole: Dataset, train: np.ndarray, test: np.ndarray) -> None:
    """Refuse a test part that was given where either part lacks a class of the other."""
    parts = {"train": train, "test": test}
    for one, other in (("train", "test"), ("test", "train")):
        missing = np.setdiff1d(parts[one], parts[other])
        if len(missing):
            raise DatasetError(
                f"{whole.name}: split {other!r} has no image of {classes_named(whole, missing)}, "
                f"which {one} has; a comparison needs every class in each. Add such images or "
                "leave these classes out of both."
            )


def _warn_of_leaks(name: str, seen: tuple[Dataset, ...], test: Dataset) -> None:
    """A test part that was published, or given, is used as it is: say what it shares."""
    known = {image.tobytes() for part in seen for image in part.images}
    count = sum(image.tobytes() in known for image in test.images)
    if count:
        text = f"{name}: {count:,} test images equal images of train or validation"
        warnings.warn(text, UserWarning, stacklevel=3)


def _fifth(count: int) -> int:
    return (2 * count + 5) // 10
