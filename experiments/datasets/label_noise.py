"""Labels that are wrong on purpose, the same ones for every run."""

from dataclasses import replace

import numpy as np

from experiments.datasets.dataset import Dataset, fingerprint


def with_label_noise(data: Dataset, share: float) -> Dataset:
    """The images with a share of the labels redrawn uniformly among the other classes.

    Which labels, and what they become, follows from the images and labels alone; those of a
    smaller share are among those of a larger one.

    Args:
        data: one part of a data set.
        share: of the labels, in [0, 1]; the nearest whole number of them is redrawn.

    Raises:
        ValueError: a share outside [0, 1], or a single class.

    Example:
        >>> from experiments import datasets
        >>> digits = datasets.load("digits")
        >>> noisy = with_label_noise(digits, 0.3)
        >>> round(float((noisy.labels != digits.labels).mean()), 2)
        0.3
    """
    if not 0 <= share <= 1:
        raise ValueError(f"label noise is {share!r}, expected a share in [0, 1]")
    if share == 0:
        return data
    if data.num_classes < 2:
        raise ValueError(f"{data.name} has one class: there is no other to redraw labels among")
    # Bit generators keep their streams from one NumPy to the next; distributions need not.
    draws = np.random.PCG64(int(data.fingerprint[:32], 16))
    order = np.argsort(draws.random_raw(len(data.labels)), kind="stable")
    others = draws.random_raw(len(data.labels)) % np.uint64(data.num_classes - 1)
    chosen = order[: round(share * len(data.labels))]
    labels = data.labels.copy()
    labels[chosen] = (labels[chosen] + 1 + others[chosen].astype(labels.dtype)) % data.num_classes
    return replace(data, labels=labels, fingerprint=fingerprint(data.images, labels))
