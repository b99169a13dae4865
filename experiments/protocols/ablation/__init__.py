"""The ablation study: what ThermoLion's gain is made of, each variant tuned on its own rate."""

from experiments.protocols.ablation.constants import protocol
from experiments.protocols.ablation.study import AblationStudy, study

OPTIMIZERS: tuple[str, ...] = tuple(protocol()["arms"])

__all__ = ["OPTIMIZERS", "AblationStudy", "study"]
