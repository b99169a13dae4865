"""A loaded data set, and the one error that this package raises for people."""

import hashlib
from dataclasses import dataclass

import numpy as np

SIDE = 32
"""Height and width, in pixels, of every image the benchmark trains on."""


class DatasetError(RuntimeError):
    """A data set cannot be obtained; the message says which file, why, and what to do."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels of one split, in the order of the published file.

    Attributes:
        name: the data set's name, such as "mnist" or "digits".
        split: the split these examples come from, such as "train".
        images: uint8 array (N, 32, 32, C), C = 1 (grey) or 3 (RGB), values 0 to 255.
        labels: int32 array (N,), values 0 to num_classes - 1.
        class_names: one name for each class, in the order of the labels.
        fingerprint: sha256 of both arrays (see `fingerprint`), as 64 hex digits.
        licence: the terms the data come under, as far as their authors state any.
        source: where the data come from.
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    fingerprint: str
    licence: str
    source: str

    @property
    def num_classes(self) -> int:
        """Number of classes of the whole data set, not only of this split."""
        return len(self.class_names)


def fingerprint(images: np.ndarray, labels: np.ndarray) -> str:
    """Name a set of examples by its content, on every platform alike.

    fingerprint = sha256(bytes of images ‖ bytes of labels as little-endian int32)

    Args:
        images: uint8 array (N, 32, 32, C).
        labels: integer array (N,).

    Returns:
        64 hex digits.

    Example:
        >>> import numpy as np
        >>> fingerprint(np.zeros((1, 32, 32, 1), np.uint8), np.zeros(1, np.int32))[:12]
        '82823076344d'
    """
    digest = hashlib.sha256(np.ascontiguousarray(images, dtype=np.uint8).data)
    digest.update(np.ascontiguousarray(labels, dtype="<i4").data)
    return digest.hexdigest()


def classes_named(data: Dataset, labels: np.ndarray) -> str:
    """Classes by name, at most five of them, as error messages have them."""
    few = [f"{data.class_names[label]!r}" for label in labels[:5]]
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    return f"class{'es' if len(labels) > 1 else ''} {', '.join(few)}{more}"
