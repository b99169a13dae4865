"""SVHN's cropped digits: Matlab files with X (32, 32, 3, N) and y (N, 1), label 10 for 0."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import DatasetError
from experiments.datasets.formats.streams import damage_reported


def read(paths: Mapping[str, Path], split: str, count: int) -> Iterator[tuple[np.ndarray, int]]:
    """Read one Matlab (version 5) file.

    Args:
        paths: the files, by split.
        split: "train" or "test".
        count: how many examples the split has.

    Yields:
        A uint8 image (32, 32, 3) and its label (10 becomes 0).

    Raises:
        DatasetError: the file is damaged, or its arrays have other shapes.
    """
    from scipy.io import loadmat, whosmat  # imported late: only this set needs it
    from scipy.io.matlab import MatReadError

    path = paths[split]
    expected = {"X": (32, 32, 3, count), "y": (count, 1)}
    try:
        with damage_reported(path):
            # The shapes come first: a small damaged file must not claim all the memory.
            shapes = {name: shape for name, shape, _ in whosmat(path)}
            for name, shape in expected.items():
                if shapes.get(name) != shape:
                    raise DatasetError(
                        f"{path.name}: its array {name} has shape {shapes.get(name)}, expected "
                        f"{shape}; it is not the file that was published."
                    )
            arrays = loadmat(path, variable_names=list(expected))
    except (MatReadError, TypeError) as error:
        raise DatasetError(f"{path.name}: is not a Matlab file ({error}).") from error
    images, labels = arrays["X"], arrays["y"][:, 0]
    if images.dtype != np.uint8 or not np.all(np.isfinite(labels)):
        raise DatasetError(f"{path.name}: X has dtype {images.dtype}, expected uint8.")
    for number in range(count):
        label = int(labels[number])
        yield np.ascontiguousarray(images[..., number]), 0 if label == 10 else label
