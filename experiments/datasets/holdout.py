"""The written rules by which images are held out, without random numbers: the same every time."""

import numpy as np


def every_fifth(labels: np.ndarray) -> np.ndarray:
    """Mark a held-out fifth: within each class, in file order, examples 3, 8, 13 and so on.

    It is stratified: each class gives a fifth of its own, rounded to the nearest example.

    Args:
        labels: integer array (N,), in file order.

    Returns:
        Boolean array (N,), True where the example is held out.

    Example:
        >>> import numpy as np
        >>> np.flatnonzero(every_fifth(np.array([0, 0, 1, 0, 1, 1, 0])))
        array([3, 5])
    """
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        held_out[np.flatnonzero(labels == label)[2::5]] = True
    return held_out


def apportion(total: int, counts: np.ndarray) -> np.ndarray:
    """Share a total out over classes by their sizes, each share within 1 of the exact one.

    share_k = ⌊total · n_k / N⌋, and one more where the remainder is largest (ties: first class).

    Args:
        total: what is shared out, at most N.
        counts: n_k, integers (K,), with the sum N.

    Returns:
        Integers (K,) with the sum ``total``.

    Example:
        >>> import numpy as np
        >>> apportion(5, np.array([6, 5, 4]))
        array([2, 2, 1])
    """
    shares, remainders = np.divmod(total * counts, counts.sum())
    most = np.argsort(-remainders, kind="stable")[: total - shares.sum()]
    shares[most] += 1
    return shares


def spread(labels: np.ndarray, total: int) -> np.ndarray:
    """Choose examples stratified over the classes and evenly over the file.

    Of the n examples of a class that gives q, those at positions ⌊(i + ½) n / q⌋, i = 0 … q - 1.

    Args:
        labels: integer array (N,), in file order.
        total: how many to choose, at most N.

    Returns:
        Their indices, ascending.

    Example:
        >>> import numpy as np
        >>> spread(np.array([0, 0, 0, 0, 1, 1]), 3)
        array([1, 3, 5])
    """
    classes, counts = np.unique(labels, return_counts=True)
    chosen = [
        np.flatnonzero(labels == label)[(2 * np.arange(share) + 1) * count // (2 * share)]
        for label, count, share in zip(classes, counts, apportion(total, counts), strict=True)
        if share
    ]
    return np.sort(np.concatenate(chosen))


def cut(labels: np.ndarray, family: np.ndarray, held: tuple[int, ...]) -> np.ndarray:
    """Cut examples into a rest and stratified held-out parts; a family stays in one part.

    Each class gives every held-out part its share (`apportion`, at least 1) and keeps the rest.
    Its families go out by size, the largest first, equally large ones in file order: each
    to the part, among those where it fits, with the largest fraction of its share still open
    (ties: the rest, then the parts in order); one that fits nowhere to the part with most room.

    Args:
        labels: integer array (N,), in file order.
        family: integers (N,); examples with the same number stay together.
        held: the sizes of the held-out parts.

    Returns:
        Integers (N,): 0 for the rest, 1, 2, … for the held-out parts.

    Example:
        >>> import numpy as np
        >>> cut(np.zeros(10, int), np.arange(10), (2, 2))
        array([0, 1, 2, 0, 0, 0, 1, 2, 0, 0])
    """
    part = np.zeros(len(labels), dtype=np.int64)
    classes, counts = np.unique(labels, return_counts=True)
    held_shares = [np.maximum(1, apportion(size, counts)) for size in held]
    for label, *shares in zip(classes, counts - sum(held_shares), *held_shares, strict=True):
        members = np.flatnonzero(labels == label)
        _, first, place, sizes = np.unique(
            family[members], return_index=True, return_inverse=True, return_counts=True
        )
        share = np.maximum(np.array(shares), 1)
        room = share.copy()
        goes = np.zeros(len(sizes), dtype=np.int64)
        for number in np.lexsort((first, -sizes)):
            fits = room >= sizes[number]
            goes[number] = np.argmax(np.where(fits, room / share, -1) if fits.any() else room)
            room[goes[number]] -= sizes[number]
        part[members] = goes[place]
    return part
