"""The rate scaling study's numbers: those of `rate_scaling.json`."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.files import JsonObject
from experiments.protocols.cell import Regime
from experiments.protocols.fair import constants as fair

WORDS = ("description", "optimizers", "steps", "batch_sizes")
"""What of `rate_scaling.json` decides no run of a cell."""

SHARED = ("limit",)
"""What is the fair protocol's."""


@functools.cache
def protocol() -> JsonObject:
    """The content of `rate_scaling.json`."""
    return json.loads((Path(__file__).parent / "rate_scaling.json").read_text(encoding="utf-8"))


def regimes(budget: str) -> dict[str, Regime]:
    """Name to regime: one a pair of steps and batch size, those of fewer steps first."""
    numbers = protocol()
    divisor = numbers["budgets"][budget]["step_divisor"]
    return {
        f"s{steps}b{size}": Regime(
            name=f"s{steps}b{size}",
            steps=max(1, steps // divisor),
            batch_size=size,
            half=True,
            scheduled=True,
            readings=numbers["readings"],
        )
        for steps in numbers["steps"]
        for size in numbers["batch_sizes"]
    }


def content_hash(candidates: Sequence[Mapping[str, float]]) -> str:
    """First 16 hex digits of a sha256 over all that decides a cell's runs.

    Args:
        candidates: the learning rates.
    """
    return fair.hash_of_shared(protocol(), WORDS, SHARED, candidates)
