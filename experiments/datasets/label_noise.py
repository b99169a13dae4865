"""Labels that are wrong on purpose, the same ones for every run."""

from dataclasses import replace

import numpy as np

from experiments.datasets.dataset import Dataset, DatasetError, fingerprint


def with_label_noise(data: Dataset, share: float) -> Dataset:
    """The images with a share of the labels redrawn uniformly among the other classes.

    Which labels, and what they become, follows from the images and labels alone; those of a
    smaller share are among those of a larger one.

    Args:
        data: one part of a data set.
        share: of the labels, in [0, 1]; the nearest whole number of them is redrawn.

    Raises:
        ValueError: a share outside [0, 1].
        DatasetError: so large a share of so few classes that the right label is no more frequent
            than each wrong one, as with half of the labels of two classes.

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
    classes = data.num_classes
    if share * classes >= classes - 1:
        raise DatasetError(
            f"{data.name} has {classes} class(es): where {100 * share:g} % of the labels are "
            "redrawn among the others, the right one is no more frequent than a wrong one; "
            f"expected less than {100 * (classes - 1) / classes:.4g} %, or more classes"
        )
    # Bit generators keep their streams from one NumPy to the next; distributions need not.
    draws = np.random.PCG64(int(data.fingerprint[:32], 16))
    order = np.argsort(draws.random_raw(len(data.labels)), kind="stable")
    others = draws.random_raw(len(data.labels)) % np.uint64(classes - 1)
    chosen = order[: round(share * len(data.labels))]
    labels = data.labels.copy()
    labels[chosen] = (labels[chosen] + 1 + others[chosen].astype(labels.dtype)) % classes
    return replace(data, labels=labels, fingerprint=fingerprint(data.images, labels))
