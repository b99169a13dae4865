"""Which images show the same thing, so that no two of them may lie in two splits."""

import numpy as np

CORRELATION = 0.9
"""Two images of one class whose pixels correlate above this are near-duplicates."""
FRAMES = 30
"""A family may be this large in any class: GTSRB holds 30 frames of each physical sign."""
_ROWS = 256


def families(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Number the families of near-duplicates: connected components within a class.

    Two images of one class are joined where they are equal, or where

        Σ (x - mean x)(y - mean y) > 0.9 · √(Σ (x - mean x)² · Σ (y - mean y)²).

    Where correlation does not single out copies (any two ones of MNIST correlate), a family grows
    to a large part of its class. So in a class with a family of more than min(n/2, max(30, n/5))
    of its n images, equal images alone are joined.

    Args:
        images: uint8 (N, H, W, C).
        labels: integers (N,).

    Returns:
        int64 (N,): the family of each image, 0, 1, … in the order of first appearance.

    Example:
        >>> import numpy as np
        >>> ramp = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)
        >>> images = np.concatenate([ramp, 3 * ramp, ramp[:, ::-1], ramp.swapaxes(1, 2)])
        >>> families(images, np.zeros(4, int)), families(images, np.array([0, 1, 0, 0]))
        (array([0, 0, 1, 2]), array([0, 1, 2, 3]))
    """
    family = np.empty(len(labels), dtype=np.int64)
    known = 0
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        flat = images[members].reshape(len(members), -1)
        _, equal = np.unique(flat, axis=0, return_inverse=True)
        equal = equal.reshape(-1)
        near = _joined(flat, equal)
        allowed = min(len(members) / 2, max(FRAMES, len(members) / 5))
        chosen = near if np.bincount(near).max() <= allowed else equal
        family[members] = known + chosen
        known += chosen.max() + 1
    _, first, place = np.unique(family, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[place]


def _joined(flat: np.ndarray, component: np.ndarray) -> np.ndarray:
    """Join components (N,) that hold correlated rows of uint8 (N, pixels), a few rows at a time.

    The sums are whole numbers, exact in float64, so every machine joins the same images.
    """
    from scipy.sparse import coo_array  # imported late: it takes a quarter of a second
    from scipy.sparse.csgraph import connected_components

    values = flat.astype(np.float64)
    pixels, sums = values.shape[1], values.sum(axis=1)
    spread = np.sqrt(pixels * (values**2).sum(axis=1) - sums**2)
    for start in range(0, len(values), _ROWS):
        rows = slice(start, start + _ROWS)
        covariance = pixels * (values[rows] @ values[start:].T) - np.outer(sums[rows], sums[start:])
        one, other = np.nonzero(covariance > CORRELATION * np.outer(spread[rows], spread[start:]))
        count = component.max() + 1
        edges = (component[one + start], component[other + start])
        graph = coo_array((np.ones(len(one), bool), edges), shape=(count, count))
        component = connected_components(graph, directed=False)[1][component]
    return component
