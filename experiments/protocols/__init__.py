"""What is compared, and how: the protocols, and the cells that each wants run."""

from experiments.protocols.cell import (
    Cell,
    Find,
    Learner,
    Plan,
    ProtocolName,
    Regime,
    Study,
    Task,
)
from experiments.protocols.grid import Grid, grid, learners
from experiments.protocols.names import base_name, recorded_name
from experiments.protocols.protocol import PROTOCOLS, Protocol, get, parse

STUDIES: tuple[str, ...] = ("fair", "ablation", "label_noise", "exponent", "rate_scaling")
"""Protocols that judge by parts cut for them: packages here with OPTIMIZERS and `study`."""

NAMES: tuple[str, ...] = (*PROTOCOLS, *STUDIES)
"""Every protocol that a study may follow: the published ones, and our own studies."""

__all__ = [
    "NAMES",
    "PROTOCOLS",
    "STUDIES",
    "Cell",
    "Find",
    "Grid",
    "Learner",
    "Plan",
    "Protocol",
    "ProtocolName",
    "Regime",
    "Study",
    "Task",
    "base_name",
    "get",
    "grid",
    "learners",
    "parse",
    "recorded_name",
]
