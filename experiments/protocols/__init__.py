"""What is compared, and how: the protocols, and the grid of cells that each makes."""

from experiments.protocols.protocol import (
    PROTOCOLS,
    Cell,
    Protocol,
    dataset_title,
    get,
    grid,
    parse,
    share,
)

__all__ = [
    "PROTOCOLS",
    "Cell",
    "Protocol",
    "dataset_title",
    "get",
    "grid",
    "parse",
    "share",
]
