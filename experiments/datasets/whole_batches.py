"""As many images as make whole batches, so that no step of an epoch sees fewer than the others."""

from dataclasses import replace

import numpy as np

from experiments.datasets.dataset import Dataset, DatasetError, classes_named, fingerprint
from experiments.datasets.holdout import spread


def in_whole_batches(data: Dataset, batch: int) -> tuple[Dataset, str]:
    """A multiple of ``batch`` images; of fewer than two batches the largest power of two.

    Where ``batch`` is a power of two, batches of a smaller one come out whole, too, and so do those
    of half of the images where these are less than ``batch``.

    Args:
        data: one part of a data set.
        batch: images of the largest batch.

    Returns:
        The images in file order, chosen as `spread` does, and what was done in words, none where
        nothing was.

    Raises:
        DatasetError: a class is so small that none of its images would be among them.

    Example:
        >>> from experiments import datasets
        >>> digits = datasets.load("digits")
        >>> [len(in_whole_batches(digits, size)[0].labels) for size in (512, 1024)]
        [1024, 1024]
    """
    count = len(data.labels)
    unit = batch if count >= 2 * batch else 1 << (count.bit_length() - 1)
    if count % unit == 0:
        return data, ""
    kept = spread(data.labels, count - count % unit)
    images, labels = data.images[kept], data.labels[kept]
    lost = np.setdiff1d(data.labels, labels)
    if len(lost):
        raise DatasetError(
            f"{data.name}: whole batches take {len(kept):,} of {count:,} training images, "
            f"stratified, and none of {classes_named(data, lost)}; a comparison needs every class. "
            "Add images of these classes, or leave the classes out."
        )
    cut = replace(data, images=images, labels=labels, fingerprint=fingerprint(images, labels))
    return cut, (
        f" Of these {count:,} training images {len(kept):,} are trained on, stratified, evenly "
        "spaced in file order within each class: whole batches of every size."
    )
