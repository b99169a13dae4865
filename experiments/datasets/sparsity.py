"""Images with pixels taken away, the same ones for every run."""

from dataclasses import replace

import numpy as np

from experiments.datasets.dataset import Dataset, fingerprint

BLANK = 128
"""The byte nearest to 0 after the normalisation x / 127.5 - 1."""


def with_sparsity(data: Dataset, share: float) -> Dataset:
    """The images with a share of each one's pixels set to 0 as the network sees them.

    Every image loses pixels of its own, in all channels. Which ones follows from the images and
    labels alone; those of a smaller share are among those of a larger one.

    Args:
        data: one part of a data set.
        share: of the pixels, in [0, 1]; the nearest whole number of them is set.

    Raises:
        ValueError: a share outside [0, 1].

    Example:
        >>> from experiments import datasets
        >>> sparse = with_sparsity(datasets.load("digits"), 0.9)
        >>> round(float((sparse.images == 128).mean()), 2)
        0.9
    """
    if not 0 <= share <= 1:
        raise ValueError(f"sparsity is {share!r}, expected a share in [0, 1]")
    if share == 0:
        return data
    n, height, width, _ = data.images.shape
    # Bit generators keep their streams from one NumPy to the next; distributions need not.
    draws = np.random.PCG64(int(data.fingerprint[:32], 16))
    order = np.argsort(draws.random_raw(n * height * width).reshape(n, -1), axis=1, kind="stable")
    blank = np.zeros((n, height * width), bool)
    np.put_along_axis(blank, order[:, : round(share * height * width)], True, axis=1)
    images = np.where(blank.reshape(n, height, width, 1), np.uint8(BLANK), data.images)
    return replace(data, images=images, fingerprint=fingerprint(images, data.labels))
