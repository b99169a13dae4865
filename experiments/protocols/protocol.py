"""What is trained and measured: a protocol, and the grid of cells it makes.

`paper` is the published protocol as it stands: the first 5,000 training images, 12
epochs of batches of 1,024, each optimizer at its released settings, accuracy on those
same images after the last epoch (with held-out accuracy beside it where there is a test
set), but with several seeds instead of one. Protocols that tune on validation images are
packages beside this file, named in ``STUDIES``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from experiments.protocols.paper import published
from experiments.protocols.reference import Reference
from experiments.user_code import nearest


@dataclass(frozen=True)
class Protocol:
    """How every cell of a grid is trained.

    Attributes:
        base: the protocol's name.
        version: raised whenever the same cell would be trained or measured differently, by more
            than rounding and the numbers of a random generator.
        description: one line for readers; its braces are filled from the settings.
        epochs: passes over the training images.
        batch_size: images a step; the last partial batch is kept.
        limit: at most so many first training images.
        optimizers: the default ones.
        reference: published numbers of the protocol as it stands; None of a deviation.
        deviations: what the caller changed, part of the printed name.
    """

    base: str
    version: int
    description: str
    epochs: int
    batch_size: int
    limit: int
    optimizers: tuple[str, ...]
    reference: Reference | None = field(default=None, compare=False, repr=False)
    deviations: tuple[tuple[str, int], ...] = ()

    @property
    def name(self) -> str:
        """The printed name, deviations included, as records carry it."""
        changed = ",".join(f"{key}={value}" for key, value in self.deviations)
        return f"{self.base}[{changed}]" if changed else self.base

    @property
    def summary(self) -> str:
        """The description with this protocol's numbers."""
        return self.description.format(**self.settings)

    @property
    def settings(self) -> dict[str, int]:
        """The numbers that a trained run depends on."""
        return {"epochs": self.epochs, "batch_size": self.batch_size, "limit": self.limit}


MOST_EPOCHS, MOST_IMAGES = 1_000_000, 1_000_000_000

PROTOCOLS: dict[str, Protocol] = {
    "paper": Protocol(
        base="paper",
        version=1,
        description=(
            "at most the first {limit:,} training images in file order, 32x32, batches of "
            "{batch_size:,}, {epochs} epochs, released settings, accuracy on the images trained on "
            "(held-out accuracy beside it)"
        ),
        epochs=12,
        batch_size=1024,
        limit=5000,
        optimizers=published.OPTIMIZERS,
        reference=published.REFERENCE,
    ),
}


def get(name: str, /, **changes: int | None) -> Protocol:
    """The protocol called ``name``, with explicit deviations that show in its name.

    Args:
        name: a key of ``PROTOCOLS``.
        **changes: new values of epochs, batch_size or limit; None leaves as it is.

    Raises:
        ValueError: unknown name, or a value that is not a positive integer.

    Example:
        >>> get("paper").name
        'paper'
        >>> get("paper", epochs=2, batch_size=1024).name
        'paper[epochs=2]'
    """
    if name not in PROTOCOLS:
        raise ValueError(f"unknown protocol {name!r}: {nearest(name, [*PROTOCOLS])}")
    protocol = PROTOCOLS[name]
    unknown = sorted(set(changes) - set(protocol.settings))
    if unknown:
        raise ValueError(
            f"{', '.join(unknown)} cannot be changed; there is epochs, limit, batch_size"
        )
    for key, value in changes.items():
        most = MOST_EPOCHS if key == "epochs" else MOST_IMAGES
        if value is not None and not 1 <= value <= most:
            raise ValueError(f"{key} is {value}, expected a positive number, at most {most:,}")
    changed = {
        key: value
        for key, value in changes.items()
        if value is not None and value != getattr(protocol, key)
    }
    if not changed:
        return protocol
    deviations = tuple(sorted(changed.items()))
    return replace(protocol, **changed, deviations=deviations, reference=None)


def parse(name: str) -> Protocol:
    """The protocol of a printed name, deviations included.

    Raises:
        ValueError: there is no such protocol here.

    Example:
        >>> parse("paper[epochs=2,limit=100]") == get("paper", epochs=2, limit=100)
        True
    """
    base, _, deviations = name.removesuffix("]").partition("[")
    pairs = (one.partition("=") for one in deviations.split(",") if one)
    return get(base, **{key: int(value) for key, _, value in pairs})
