"""The fair protocol's numbers, read from two files.

What they say of regimes A and B was committed before the first run, and what of C before its own.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from experiments.files import JsonObject
from experiments.optimizers.spaces import Space
from experiments.protocols.cell import Regime

FOLDER = Path(__file__).parent
WORDS = (
    "description",
    "gradient_sizes",  # they enter through the search spaces
    "optimizers",
    "transfer",
    "tuned_in",
    "questions",
    "questions_of_later_studies",
)
"""What of `fair.json` decides no run in the regimes that are tuned in."""


@dataclass(frozen=True)
class Budget:
    """A share of the trials and seeds.

    Attributes:
        rates: learning rates of the first stage, an odd number.
        spacing: steps of the grid between them.
        refine: runs of the second stage.
        confirm: how many of the best run again.
        final: seeds of the optimizers that the questions name.
        final_others: seeds of the others.
        step_divisor: what the regimes' steps are divided by.
    """

    rates: int
    spacing: int
    refine: int
    confirm: int
    final: int
    final_others: int
    step_divisor: int


@functools.cache
def protocol() -> JsonObject:
    """The content of `fair.json`."""
    return json.loads((FOLDER / "fair.json").read_text(encoding="utf-8"))


@functools.cache
def trial_points() -> tuple[tuple[float, ...], ...]:
    """Quasi-random points of the unit cube, the same coordinates for every optimizer."""
    found = json.loads((FOLDER / "trial_points.json").read_text(encoding="utf-8"))
    return tuple(map(tuple, found["points"]))


def budgets() -> dict[str, Budget]:
    """Name to budget; "full" is the protocol, the others are shares of it."""
    return {name: Budget(**numbers) for name, numbers in protocol()["budgets"].items()}


def regime(name: str, budget: str) -> Regime:
    """A regime by name, its steps shortened where the budget says so."""
    numbers, divisor = protocol()["regimes"][name], budgets()[budget].step_divisor
    return Regime(
        name=name,
        steps=max(1, numbers["steps"] // divisor),
        batch_size=numbers["batch_size"],
        half=True,
        scheduled=True,
        readings=protocol()["readings"],
    )


def runs_by_phase(optimizer: str, budget: str, regime: str = "B") -> dict[str, int]:
    """How many runs of each phase an optimizer has on one task in one regime.

    Example:
        >>> runs_by_phase("adamw", "full")
        {'tune': 27, 'refine': 8, 'confirm': 6, 'final': 20, 'default': 20}
        >>> runs_by_phase("adamw", "full", "C")
        {'final': 20}
    """
    numbers, share = protocol(), budgets()[budget]
    final = share.final if optimizer in numbers["more_seeds"] else share.final_others
    if optimizer in numbers["default_only"]:
        return {"default": final}
    if regime in numbers["tuned_in"]:
        return {"final": final}
    schedules = numbers["schedules_of"].get(optimizer, numbers["schedules"])
    return {
        "tune": share.rates * (len(schedules) + 1),
        "refine": share.refine,
        "confirm": share.confirm * len(numbers["seeds"]["confirm"]),
        "final": final,
        "default": final,
    }


def content_hash(space: Space) -> str:
    """First 16 hex digits of a sha256 over all that decides an optimizer's runs and verdicts.

    That is `fair.json` less `WORDS`, the trial points and the optimizer's search space: a
    further question or optimizer changes no run that was made.
    """
    numbers = {name: value for name, value in protocol().items() if name not in WORDS}
    return _digest([numbers, trial_points(), asdict(space)])


def hash_of_shared(
    numbers: JsonObject,
    words: Collection[str],
    shared: Collection[str],
    candidates: Sequence[Mapping[str, float]],
) -> str:
    """`content_hash` of a study that takes some of its numbers from this one.

    Args:
        numbers: the study's own.
        words: what of them decides no run.
        shared: names of those that are the fair protocol's.
        candidates: the configurations that an optimizer is tuned over.
    """
    own = {name: value for name, value in numbers.items() if name not in words}
    return _digest([own, {name: protocol()[name] for name in shared}, list(candidates)])


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
