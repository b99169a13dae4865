"""The whole of question Q9: the study's records, what it is run on, and how much of it is left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments import optimizers, records
from experiments.protocols import exponent
from experiments.protocols.exponent.study import NAME
from experiments.records import Record

NETWORK = "convnet"
SETS, REGIMES = ("fashion_mnist", "gtsrb32.npz", "digits"), ("B", "A")
"""What the study is run on."""


def latest_records(folder: Path) -> list[Record]:
    """The study's records of the latest version; without the folder there are none."""
    found = records.read(folder, missing_ok=True).records
    full = [one for one in found if one.protocol == NAME]
    latest = max((one.protocol_version for one in full), default=0)
    return [one for one in full if one.protocol_version == latest]


def missing_of(runs: Sequence[Record]) -> tuple[int, int]:
    """How many runs are missing, and how many the whole has.

    Args:
        runs: of one study.
    """
    resolved = {name: optimizers.resolve(name) for name in exponent.OPTIMIZERS}
    left = exponent.study(SETS, resolved, regimes=REGIMES).runs_left(runs)
    return sum(number for _, number in left), sum(chain.length for chain, _ in left)
