"""The 1,797 handwritten digits inside scikit-learn: real data with nothing to download."""

import numpy as np

from experiments.datasets.holdout import every_fifth
from experiments.datasets.images import to_side

CLASS_NAMES = tuple(str(digit) for digit in range(10))
LICENCE = "CC BY 4.0 (UCI); shipped in scikit-learn (BSD-3-Clause)"
SOURCE = (
    "scikit-learn load_digits: the test part of UCI's Optical Recognition of Handwritten Digits, "
    "doi 10.24432/C50P49"
)
SPLITS = ("train", "test")
SIZES = {"train": 1438, "test": 359}


def read_digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Read the embedded digits: 8x8 pixels of 0 to 16, scaled to 0 to 255 and to 32x32.

    pixel = floor(value · 255 / 16); the test split is every fifth example of each class.

    Args:
        split: "train" (the rest) or "test" (the fixed stratified fifth).

    Returns:
        Images, uint8 (N, 32, 32, 1), and labels, int32 (N,), in file order.
    """
    from sklearn.datasets import load_digits  # imported late: it takes most of a second

    values, targets = load_digits(return_X_y=True)
    labels = np.asarray(targets, dtype=np.int32)
    held_out = every_fifth(labels)
    chosen = held_out if split == "test" else ~held_out
    pixels = np.floor(np.asarray(values)[chosen] * (255 / 16)).astype(np.uint8)
    return np.stack([to_side(image) for image in pixels.reshape(-1, 8, 8)]), labels[chosen]
