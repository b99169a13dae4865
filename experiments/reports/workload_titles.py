"""What a workload is called: in tables and CSV files, above the panels of figures, on pages."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.analysis.arms import Arm, Workload
from experiments.protocols.fair import constants
from experiments.reports.labels import dataset_title, with_network
from experiments.reports.table import CsvRow

ELSEWHERE = (
    "regime C is 2,400 steps of 128 at the settings that won in B, vit a small vision transformer"
)
"""For pages that name what lies beside the ConvNet in A and B."""


def workload_fields(workload: Workload) -> CsvRow:
    """The first fields of every CSV file."""
    return {"dataset": workload.dataset, "network": workload.network, "regime": workload.regime}


def workload_title(workload: Workload) -> str:
    """A workload in tables."""
    return with_network(f"{dataset_title(workload.dataset)}, {workload.regime}", workload.network)


def budget_of(found: Iterable[Arm]) -> str:
    """The share of the protocol that the runs of some arms were."""
    runs = (one for arm in found for one in (*arm.ledger, *arm.tuned, *arm.default))
    return next((one.budget for one in runs if one.budget), "full")


def length(regime: str, budget: str = "full") -> str:
    """How long a regime trains, and at which budget where that is no answer's.

    Example:
        >>> length("B"), length("B", "smoke"), length("my own")
        ('600 steps', '60 steps, smoke', 'regime my own')
    """
    known = regime in constants.protocol()["regimes"] and budget in constants.budgets()
    if not known:
        return f"regime {regime}"
    share = "" if budget == "full" else f", {budget}"
    return f"{constants.regime(regime, budget).steps:,} steps{share}"


def regimes(names: Iterable[str], budget: str = "full") -> str:
    """What regimes are, for who has met them by their letters alone.

    Example:
        >>> regimes(["A", "B"])
        'A is 60 steps of at most 1,024 images, B is 600 of 128'
    """
    first, *others = (constants.regime(name, budget) for name in names)
    said = f"{first.name} is {first.steps:,} steps of at most {first.batch_size:,} images"
    return ", ".join([said, *(f"{x.name} is {x.steps:,} of {x.batch_size:,}" for x in others)])


def panel(regime: str, network: str, budget: str = "full") -> str:
    """How long is trained, and with what where it is not the convnet."""
    return with_network(length(regime, budget), network)


def workload_heading(workload: Workload, budget: str = "full") -> str:
    """A data set, and how long is trained there."""
    return f"{dataset_title(workload.dataset)}, {panel(workload.regime, workload.network, budget)}"
