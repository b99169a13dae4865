"""Numbers published elsewhere for a protocol, to be printed beside what is measured here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Reference:
    """Published accuracies of a protocol exactly as it stands; a deviation from it has none.

    Attributes:
        name: what tables call the source.
        network: the one that the numbers are of.
        datasets: those of the published study, in its order.
        optimizers: likewise, at the protocol's settings.
        accuracy: optimizer -> data set -> train accuracy in per cent, absent where none is printed.
    """

    name: str
    network: str
    datasets: tuple[str, ...]
    optimizers: tuple[str, ...]
    accuracy: Mapping[str, Mapping[str, float]]
