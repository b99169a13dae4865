"""The label noise study's numbers: those of `label_noise.json`, and the fair protocol's margins."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.files import JsonObject
from experiments.protocols.cell import Regime
from experiments.protocols.fair import constants as fair

WORDS = ("description", "optimizers", "question", "label_noise", "batch_sizes", "centres")
"""What of `label_noise.json` decides no run of a cell."""

SHARED = ("limit", "margins")
"""What is the fair protocol's."""


@functools.cache
def protocol() -> JsonObject:
    """The content of `label_noise.json`."""
    return json.loads((Path(__file__).parent / "label_noise.json").read_text(encoding="utf-8"))


def regimes(budget: str) -> dict[str, Regime]:
    """Name to regime: one a batch size, all of the same epochs."""
    numbers = protocol()
    epochs = numbers["epochs"] // numbers["budgets"][budget]["epoch_divisor"]
    return {
        f"b{size}": Regime(
            name=f"b{size}",
            epochs=epochs,
            batch_size=size,
            half=True,
            scheduled=True,
            readings=numbers["readings"],
            telemetry="all",
        )
        for size in numbers["batch_sizes"]
    }


def comparisons() -> int:
    """How many comparisons of two optimizers a data set has: one a cell and opponent."""
    numbers = protocol()
    cells = len(numbers["batch_sizes"]) * len(numbers["label_noise"])
    return cells * len(numbers["question"]["against"])


def content_hash(candidates: Sequence[Mapping[str, float]]) -> str:
    """First 16 hex digits of a sha256 over all that decides a cell's runs and verdicts.

    Args:
        candidates: the configurations that the optimizer is tuned over, at every batch size.
    """
    return fair.hash_of_shared(protocol(), WORDS, SHARED, candidates)
