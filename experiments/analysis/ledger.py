"""The runs that tuned an arm, in the order of the plan, and the configuration that won.

Records come in the order of their names and numbers; the plan's order is what the best accuracy
after so many runs is read from, and what decides between equals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.analysis.selection import mean_score, score
from experiments.records import Record

TUNING = ("tune", "refine", "confirm")


@dataclass(frozen=True)
class Configuration:
    """A configuration: every tuned number, and the schedule."""

    hyperparameters: tuple[tuple[str, float], ...]
    schedule: str

    @property
    def learning_rate(self) -> float:
        """The learning rate."""
        return dict(self.hyperparameters)["learning_rate"]


def configuration_of(record: Record) -> Configuration:
    """The configuration of a run."""
    return Configuration(tuple(sorted(record.hyperparameters.items())), record.schedule)


def in_order(records: Iterable[Record]) -> list[Record]:
    """Runs that tuned one optimizer on one workload, in the order in which the plan asks for them.

    The grid seed by seed, schedule by schedule, from the lowest rate; the rates beyond its edge,
    from the grid outwards; the trial points by number; the best of all these on further seeds, the
    better on the first seed before the worse.
    """
    found = [one for one in records if one.phase in TUNING]
    grid = sorted((one for one in found if one.phase == "tune"), key=_on_the_grid)
    rates = [math.log(_rate(one)) for one in grid]
    middle = (min(rates) + max(rates)) / 2 if rates else 0.0

    def refined(one: Record) -> tuple[int, float]:
        if one.trial is not None:
            return one.trial, 0.0
        return -1, abs(math.log(_rate(one)) - middle)  # before all trials

    refine = sorted((one for one in found if one.phase == "refine"), key=refined)
    first = [one for one in (*grid, *refine) if one.seed == grid[0].seed] if grid else refine
    candidates = sorted(first, key=score, reverse=True)  # a stable sort: equals keep their order
    places: dict[Configuration, int] = {}
    for place, one in enumerate(candidates):
        places.setdefault(configuration_of(one), place)
    confirm = sorted(
        (one for one in found if one.phase == "confirm"),
        key=lambda one: (places.get(configuration_of(one), len(places)), one.seed),
    )
    return [*grid, *refine, *confirm]


def _on_the_grid(one: Record) -> tuple[int, str, float]:
    return one.seed, one.schedule, _rate(one)


def _rate(one: Record) -> float:
    return one.hyperparameters["learning_rate"]


def winner_of(ledger: Sequence[Record], finals: Iterable[Record]) -> Configuration | None:
    """The configuration with the best mean over the confirming runs; of equals the plan's first.

    One with fewer such runs than others cannot win: the lost ones might have been worse. None
    where the best has no final runs: the confirmation is not complete, or they are lost.

    Args:
        ledger: the tuning runs, in the plan's order.
        finals: runs that read the test images.
    """
    confirming: dict[Configuration, list[Record]] = {}
    for one in ledger:
        if one.phase == "confirm":
            confirming.setdefault(configuration_of(one), []).append(one)
    most = max(map(len, confirming.values()), default=0)
    means = {
        configuration: mean_score([score(one) for one in runs])
        for configuration, runs in confirming.items()
        if len(runs) == most
    }
    best = max(means, key=lambda one: means[one], default=None)
    return best if best in {configuration_of(one) for one in finals} else None
