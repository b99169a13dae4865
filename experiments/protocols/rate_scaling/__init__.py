"""The rate scaling study: how the best learning rate moves with the steps and the batch size."""

from experiments.protocols.rate_scaling.constants import protocol
from experiments.protocols.rate_scaling.study import NAME, study

OPTIMIZERS: tuple[str, ...] = tuple(protocol()["optimizers"])

__all__ = ["NAME", "OPTIMIZERS", "study"]
