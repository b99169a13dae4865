"""Readings of gradients -> numbers of one network, and in words over how many seeds they are."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

import numpy as np

from experiments.distortion_study.record import DistortionRecord, GradientReading

KINDS: dict[str, Callable[[GradientReading], list[float | None]]] = {
    "kernels": lambda reading: reading.kernel,
    "biases": lambda reading: reading.bias,
}
"""What of a reading is compared over the layers."""


def ratio(sizes: Sequence[float | None]) -> float | None:
    """Largest over smallest of the layers' gradients; None where one is 0 or not finite."""
    found = [size for size in sizes if size]
    return max(found) / min(found) if found and len(found) == len(sizes) else None


def alive(reading: GradientReading) -> bool:
    """Whether every leaf has a gradient that is finite and not 0: in a dead network few have."""
    return all(reading.kernel) and all(reading.bias)


def spread(reading: GradientReading) -> float | None:
    """The distortion over all leaves; None where one has no gradient: it would be of the rest."""
    return reading.spread if alive(reading) else None


def distortions(reading: GradientReading) -> dict[str, np.ndarray]:
    """Kind -> the distortion d of each layer's leaf, NaN where its gradient is 0 or not finite."""
    sizes = {
        kind: np.array([size or math.nan for size in of(reading)], np.float64)
        for kind, of in KINDS.items()
    }
    mean = np.exp(np.nanmean(np.log(np.concatenate([*sizes.values()]))))
    return {kind: some / mean for kind, some in sizes.items()}


def typical(values: Sequence[float | None]) -> float | None:
    """The median of those that exist."""
    found = [value for value in values if value is not None]
    return statistics.median(found) if found else None


def at_the_ends(
    runs: Sequence[DistortionRecord], of: Callable[[GradientReading], float | None]
) -> tuple[list[float | None], list[float | None]]:
    """A number of every run before the first step and after the last; a diverged run has no end."""
    first = [of(one.gradients[0]) for one in runs]
    return first, [of(one.gradients[-1]) if one.status == "ok" else None for one in runs]


def over(values: Sequence[float | None]) -> str:
    """How many runs a median is of, where that is not all.

    Example:
        >>> over([1.0, 2.0]), over([1.0, None, None])
        ('', ' (1 of 3 seeds)')
    """
    count = sum(value is not None for value in values)
    return "" if count == len(values) else f" ({count} of {len(values)} seeds)"


def change(
    runs: Sequence[DistortionRecord], of: Callable[[GradientReading], float | None], digits: str
) -> str:
    """The median of a number before the first step → after the last, and of how many seeds."""
    return " → ".join(
        ("–" if (value := typical(values)) is None else f"{value:{digits}}") + over(values)
        for values in at_the_ends(runs, of)
    )


def times(value: float) -> str:
    """Two digits of a ratio, in words from a million on.

    Example:
        >>> times(8.21), times(2210.0), times(4.61e7)
        ('8.2', '2,200', '46 million')
    """
    rounded = float(f"{value:.2g}")
    if rounded >= 1e6:
        return f"{rounded / 1e6:,.10g} million"
    return f"{rounded:,.10g}"
