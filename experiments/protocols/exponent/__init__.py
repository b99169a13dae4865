"""The exponent study: SMES from SGD to beyond Adam, each exponent tuned in its own units."""

from experiments.protocols.exponent.constants import protocol
from experiments.protocols.exponent.study import study

OPTIMIZERS: tuple[str, ...] = tuple(protocol()["arms"])

__all__ = ["OPTIMIZERS", "study"]
