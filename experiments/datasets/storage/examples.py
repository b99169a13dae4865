"""The one way from raw files to the examples everything downstream sees."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from experiments.datasets.catalogue.spec import Spec
from experiments.datasets.dataset import DatasetError
from experiments.datasets.images import to_side


def read_examples(
    spec: Spec, split: str, paths: Mapping[str, Path]
) -> Iterator[tuple[np.ndarray, int]]:
    """Read a split's examples in the order of its file, resized and checked.

    Args:
        spec: the data set.
        split: one of its published splits.
        paths: the raw files, by the keys of `spec.files`.

    Yields:
        A uint8 image (32, 32, C) and a label from 0 to K - 1.

    Raises:
        DatasetError: a file is damaged, holds another number of examples than the published
            one, an image with other channels, or a label out of range.
    """
    count = spec.sizes[split]
    files = ", ".join(path.name for path in paths.values())
    wrong = "is not what was published: delete the file and fetch it again."
    number = 0
    for image, label in spec.read(paths, split, count):
        if number == count:
            raise DatasetError(
                f"{spec.name}, split {split}: holds more than {count:,} examples; {files} {wrong}"
            )
        if not 0 <= label < len(spec.class_names):
            raise DatasetError(
                f"{spec.name}, split {split}: the label {label} of example {number} is out of "
                f"range, expected 0 to {len(spec.class_names) - 1}; {files} {wrong}"
            )
        small = to_side(image)
        if small.shape[-1] != spec.channels:
            raise DatasetError(
                f"{spec.name}, split {split}: example {number} has {small.shape[-1]} channels, "
                f"expected {spec.channels}; {files} {wrong}"
            )
        yield small, label
        number += 1
    if number != count:
        raise DatasetError(
            f"{spec.name}, split {split}: holds {number:,} examples, expected {count:,}; "
            f"{files} {wrong}"
        )


def read_arrays(spec: Spec, split: str, paths: Mapping[str, Path]) -> tuple[np.ndarray, np.ndarray]:
    """Read a whole split into arrays: images, uint8 (N, 32, 32, C), and labels, int32 (N,)."""
    count = spec.sizes[split]
    images = np.empty((count, 32, 32, spec.channels), np.uint8)
    labels = np.empty(count, np.int32)
    for number, (image, label) in enumerate(read_examples(spec, split, paths)):
        images[number], labels[number] = image, label
    return images, labels
