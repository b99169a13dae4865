"""The label noise study: does the gate see noise, and does it help where the signal is weak?"""

from experiments.protocols.label_noise.constants import protocol
from experiments.protocols.label_noise.study import study

OPTIMIZERS: tuple[str, ...] = tuple(protocol()["optimizers"])

__all__ = ["OPTIMIZERS", "study"]
