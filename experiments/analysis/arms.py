"""What a fair study found, arm by arm, from its records alone.

An arm is one optimizer on one workload: the runs that tuned it, the configuration that won, and
the runs that judged it on the test images.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.analysis.ledger import Configuration, configuration_of, in_order, winner_of
from experiments.analysis.selection import (
    Setting,
    outermost,
    score,
    smallest_mean_rank,
    validation_accuracy,
)
from experiments.records import Record

Stage = dict[Setting, Record]
"""The first stage's runs on its first seed, by place on the grid and schedule."""


@dataclass(frozen=True, order=True)
class Workload:
    """What arms that are compared have in common, how long they train included.

    Attributes:
        dataset: its name in records.
        network: what was trained.
        regime: how long.
        fingerprint: of the images trained on.
    """

    dataset: str
    network: str
    regime: str
    fingerprint: str


@dataclass(frozen=True, eq=False)
class Arm:
    """One optimizer on one workload.

    Attributes:
        workload: the workload.
        optimizer: its name.
        ledger: the runs that tuned it, in the order of the plan; none where it takes its setting
            from another regime.
        winner: the configuration that won the confirmation; None where that is not complete, or no
            final run of it is there.
        at_edge: whether the best rate is the outermost that was tried.
        tuned: final runs of the winner.
        default: runs of the untuned default.
        carried: final runs at the setting that was best on the other sets; none where that is not
            known.
    """

    workload: Workload
    optimizer: str
    ledger: tuple[Record, ...]
    winner: Configuration | None
    at_edge: bool
    tuned: tuple[Record, ...]
    default: tuple[Record, ...]
    carried: tuple[Record, ...]


def arms(records: Iterable[Record], tuned_in: Mapping[str, str] | None = None) -> list[Arm]:
    """All arms of one study, in a stable order; several studies must not be mixed.

    Args:
        records: the study's.
        tuned_in: regime to the one that its settings are taken from, of those that have no tuning
            of their own.
    """
    groups: dict[tuple[Workload, str], list[Record]] = {}
    for one in records:
        workload = Workload(one.dataset, one.network, str(one.regime), one.fingerprint)
        groups.setdefault((workload, one.optimizer), []).append(one)
    found = []
    for workload, name in sorted(groups):
        regime = (tuned_in or {}).get(workload.regime, workload.regime)
        tuning = groups.get((replace(workload, regime=regime), name), [])
        arm = _arm(workload, name, groups[workload, name], in_order(tuning))
        found.append(arm if regime == workload.regime else replace(arm, ledger=()))
    staged = [(arm, _first_stage(arm)) for arm in found]
    return [
        _with_carried(arm, mine, staged, groups[arm.workload, arm.optimizer])
        for arm, mine in staged
    ]


def _arm(
    workload: Workload, optimizer: str, records: Sequence[Record], tuning: Sequence[Record]
) -> Arm:
    finals = [one for one in records if one.phase == "final"]
    winner = winner_of(tuning, finals)
    return Arm(
        workload=workload,
        optimizer=optimizer,
        ledger=tuple(tuning),
        winner=winner,
        at_edge=at_edge(tuning, winner),
        tuned=by_seed(one for one in finals if configuration_of(one) == winner),
        default=by_seed(one for one in records if one.phase == "default"),
        carried=(),
    )


def whole(arm: Arm, final: int) -> Arm:
    """The arm without the runs of a setting that has fewer than ``final``: some are no answer."""

    def kept(runs: tuple[Record, ...]) -> tuple[Record, ...]:
        return runs if len(runs) >= final else ()

    return replace(arm, tuned=kept(arm.tuned), default=kept(arm.default), carried=kept(arm.carried))


def by_seed(records: Iterable[Record]) -> tuple[Record, ...]:
    """Runs in the order of their seeds."""
    return tuple(sorted(records, key=lambda one: one.seed))


def at_edge(ledger: Sequence[Record], winner: Configuration | None) -> bool:
    """Whether the winner's rate is the outermost of the grid's under its schedule."""
    if winner is None:
        return False
    rates = [
        one.hyperparameters["learning_rate"]
        for one in ledger
        if one.trial is None and one.schedule == winner.schedule and one.phase != "confirm"
    ]
    return outermost(winner.learning_rate, rates)


def _with_carried(
    arm: Arm, mine: Stage, staged: Sequence[tuple[Arm, Stage]], records: Sequence[Record]
) -> Arm:
    others = [
        stage
        for other, stage in staged
        if other.optimizer == arm.optimizer
        and (other.workload.regime, other.workload.network)
        == (arm.workload.regime, arm.workload.network)
        and other.workload.dataset != arm.workload.dataset
    ]
    if not others or not mine or any(other.keys() != mine.keys() for other in others):
        return arm
    place, schedule = smallest_mean_rank(
        [{setting: score(one) for setting, one in other.items()} for other in others]
    )
    setting = configuration_of(mine[place, schedule])
    final = (one for one in records if one.phase == "final" and configuration_of(one) == setting)
    return replace(arm, carried=by_seed(final))


def _first_stage(arm: Arm) -> Stage:
    """The first stage's runs on its first seed, by place on the grid and schedule."""
    first = [one for one in arm.ledger if one.phase == "tune"]
    if not first:
        return {}
    seed = min(one.seed for one in first)
    rates = sorted({one.hyperparameters["learning_rate"] for one in first})
    places = {rate: place - len(rates) // 2 for place, rate in enumerate(rates)}
    return {
        (places[one.hyperparameters["learning_rate"]], one.schedule): one
        for one in first
        if one.seed == seed
    }


def lost_by_tuning(found: Iterable[Arm]) -> list[tuple[Arm, float, float]]:
    """Arms whose untuned default is better on validation than their tuned one, and both means.

    The winner is chosen on two seeds, so a lucky configuration may win; over all the final seeds
    that shows. Nothing is chosen again: the test images have been read.
    """
    means = [
        (arm, _validation_mean(arm.tuned), _validation_mean(arm.default))
        for arm in found
        if arm.tuned and arm.default
    ]
    return [(arm, tuned, default) for arm, tuned, default in means if default > tuned]


def _validation_mean(records: Sequence[Record]) -> float:
    return math.fsum(map(validation_accuracy, records)) / len(records)


def workloads(found: Iterable[Arm]) -> dict[Workload, dict[str, Arm]]:
    """The arms of each workload by optimizer."""
    made: dict[Workload, dict[str, Arm]] = {}
    for arm in found:
        made.setdefault(arm.workload, {})[arm.optimizer] = arm
    return made
