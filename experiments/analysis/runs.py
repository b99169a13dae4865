"""One optimizer's runs on one data set, as arrays, and the seeds that several share."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Runs:
    """One optimizer's runs on one data set, made and checked by `runs`.

    Attributes:
        seeds: one number a run, no two alike.
        accuracy: (S,) fractions.
        correct: (S, N) one where the run's prediction is right, else zero (a run that diverged
            has 1/K throughout); None where the bits were not kept.
    """

    seeds: tuple[int, ...]
    accuracy: np.ndarray
    correct: np.ndarray | None


def unpack(text: str, images: int) -> np.ndarray:
    """Bits of a record's ``test_correct`` (np.packbits, base64) as (images,) booleans.

    Raises:
        ValueError: the text is no base64 or does not hold ``images`` bits.

    Example:
        >>> unpack("wA==", 3).tolist()
        [True, True, False]
    """
    try:
        packed = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    except (binascii.Error, ValueError) as error:
        raise ValueError(
            f"test_correct is not base64 ({error}); the record is damaged: run it again"
        ) from None
    if images < 1 or packed.size != -(-images // 8):
        raise ValueError(
            f"test_correct holds {packed.size} bytes, expected {-(-images // 8)} for {images} "
            "images; the record belongs to another test set"
        )
    return np.unpackbits(packed, count=images).astype(bool)


def runs(
    seeds: Sequence[int], accuracy: Sequence[float], correct: Sequence | np.ndarray | None = None
) -> Runs:
    """Runs of one optimizer on one data set, checked.

    Args:
        seeds: S numbers.
        accuracy: S fractions; a run that diverged has 1/K.
        correct: (S, N) bits, or fractions of the same meaning; a run that diverged has 1/K
            throughout.

    Raises:
        ValueError: shapes disagree, a seed stands twice, a value is no fraction, or a run's bits
            do not average to its accuracy.

    Example:
        >>> runs([0, 1], [0.5, 0.75], [[1, 0, 1, 0], [1, 1, 1, 0]]).accuracy
        array([0.5 , 0.75])
    """
    share = np.asarray(accuracy, np.float64)
    if share.ndim != 1 or share.size != len(seeds) or not len(seeds):
        raise ValueError(
            f"accuracy has shape {share.shape}, seeds {len(seeds)}: expected one a seed"
        )
    if len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds {list(seeds)} hold one twice; keep one run a seed")
    if not (np.isfinite(share).all() and share.min() >= 0 and share.max() <= 1):
        raise ValueError(
            f"accuracy {share.tolist()} is not in [0, 1]; score a diverged run 1/K, with K classes"
        )
    if correct is None:
        return Runs(tuple(seeds), share, None)
    bits = np.asarray(correct)
    if bits.ndim != 2 or bits.shape[0] != share.size or bits.shape[1] < 2:
        raise ValueError(
            f"correct has shape {bits.shape}, expected ({share.size}, 2 or more images)"
        )
    found = bits.mean(axis=1, dtype=np.float64)
    for seed, stated, bit in zip(seeds, share, found, strict=True):
        if not abs(stated - bit) <= 0.5 / bits.shape[1]:  # so that a NaN is refused, too
            raise ValueError(
                f"seed {seed}: correct averages to {bit:.6g}, accuracy says {stated:.6g}; "
                "they are not of one run"
            )
    return Runs(tuple(seeds), share, bits)


def rows_of(each: Runs, seeds: Sequence[int]) -> list[int]:
    """Rows of ``each`` that hold ``seeds``, in their order."""
    places = {seed: row for row, seed in enumerate(each.seeds)}
    return [places[seed] for seed in seeds]


def restricted(each: Runs, seeds: Sequence[int], *, bits: bool = True) -> Runs:
    """The runs of ``seeds`` alone, without their bits where ``bits`` is false."""
    rows = rows_of(each, seeds)
    correct = each.correct[rows] if bits and each.correct is not None else None
    return Runs(tuple(seeds), each.accuracy[rows], correct)


def image_means(each: Runs, seeds: Sequence[int]) -> np.ndarray | None:
    """(N,) mean over ``seeds`` of each image's correctness, None without bits."""
    if each.correct is None:
        return None
    return each.correct[rows_of(each, seeds)].mean(axis=0, dtype=np.float64)


def common_seeds(*many: Runs) -> list[int]:
    """Seeds that all have, in order.

    Raises:
        ValueError: there is none, or the runs' bits are of different test sets.
    """
    sizes = {each.correct.shape[1] for each in many if each.correct is not None}
    if len(sizes) > 1:
        raise ValueError(f"correct has {sorted(sizes)} images; pair runs on one test set")
    return shared(*(dict.fromkeys(each.seeds) for each in many))


def shared(*many: Mapping[int, object]) -> list[int]:
    """Keys that all mappings have, in order; a ValueError where there is none."""
    seeds = sorted(set.intersection(*(set(each) for each in many)))
    if not seeds:
        raise ValueError(
            f"no common seed among {[sorted(each) for each in many]}; run the same seeds"
        )
    return seeds
