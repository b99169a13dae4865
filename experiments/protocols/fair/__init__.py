"""The fair protocol: every optimizer tuned on validation alike, judged once on the test images."""

from experiments.protocols.fair.constants import protocol
from experiments.protocols.fair.study import FairStudy, study

OPTIMIZERS: tuple[str, ...] = tuple(protocol()["optimizers"])

__all__ = ["OPTIMIZERS", "FairStudy", "study"]
