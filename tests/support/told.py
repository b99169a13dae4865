"""What the pages tell, and the fair study's arms that they tell of."""

import functools
from pathlib import Path

from experiments import records
from experiments.analysis.arms import Arm, arms
from experiments.analysis.difference import Difference
from experiments.protocols.fair.constants import protocol
from experiments.reports.one_study import of_one_study

ROOT = Path(__file__).parents[2]


def text(page: str) -> str:
    """A page in one line."""
    return " ".join((ROOT / page).read_text(encoding="utf-8").split())


def interval_said(found: Difference) -> str:
    """A difference as the pages write it."""
    return f"{found.mean:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


@functools.cache
def fair(network: str = "convnet") -> dict[tuple[str, str, str], Arm]:
    """(data set, regime, optimizer) -> the committed study's arm with that network."""
    kept, _ = of_one_study(records.read(ROOT / "results" / "fair").records)
    found = arms([one for one in kept if one.network == network], protocol()["tuned_in"])
    return {(arm.workload.dataset, arm.workload.regime, arm.optimizer): arm for arm in found}
