"""What a fair study found, arm by arm, from its records alone.

An arm is one optimizer on one workload: the runs that tuned it, the configuration that won, and
the runs that judged it on the test images.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.analysis import runs as runs_of
from experiments.analysis.ledger import Configuration, configuration_of, in_order, winner_of
from experiments.analysis.runs import Runs
from experiments.analysis.selection import (
    Setting,
    chance,
    score,
    smallest_mean_rank,
    validation_accuracy,
)
from experiments.records import Record

SMALLEST_LOSS = 2.0**-23
"""The smallest loss of an image but 0 in float32: 1 + e^-z is 1 where e^-z is smaller still."""

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
        ledger: the runs that tuned it, in the order of the plan.
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


def arms(records: Iterable[Record]) -> list[Arm]:
    """All arms of one study, in a stable order; several studies must not be mixed."""
    groups: dict[tuple[Workload, str], list[Record]] = {}
    for one in records:
        workload = Workload(one.dataset, one.network, str(one.regime), one.fingerprint)
        groups.setdefault((workload, one.optimizer), []).append(one)
    found = [_arm(workload, name, groups[workload, name]) for workload, name in sorted(groups)]
    staged = [(arm, _first_stage(arm)) for arm in found]
    return [
        _with_carried(arm, mine, staged, groups[arm.workload, arm.optimizer])
        for arm, mine in staged
    ]


def _arm(workload: Workload, optimizer: str, records: Sequence[Record]) -> Arm:
    ledger = in_order(records)
    finals = [one for one in records if one.phase == "final"]
    winner = winner_of(ledger, finals)
    return Arm(
        workload=workload,
        optimizer=optimizer,
        ledger=tuple(ledger),
        winner=winner,
        at_edge=at_edge(ledger, winner),
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
    """Whether the winner's rate is not below the highest, or not above the lowest, rate tried.

    Where the rates that were tried are not known, it is not at the edge.
    """
    if winner is None:
        return False
    rates = [
        one.hyperparameters["learning_rate"]
        for one in ledger
        if one.trial is None and one.schedule == winner.schedule and one.phase != "confirm"
    ]
    return bool(rates) and not min(rates) < winner.learning_rate < max(rates)


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


def test_runs(records: Sequence[Record], *, bits: bool = True) -> Runs | None:  # noqa: PT028
    """Test accuracy and correctness of final or default runs; None where there is none.

    A run that diverged scores 1/K on every image, K being the number of classes.

    Args:
        records: the runs.
        bits: whether each image's correctness is asked for, most of the work.

    Raises:
        ValueError: two runs of one seed, or bits that are not of that accuracy or number of images.
    """
    judged = [one for one in records if one.test_accuracy is not None or one.status != "ok"]
    if not judged:
        return None
    sizes = (one.data.test_examples for one in judged if bits and one.data.test_examples)
    images = next(sizes, None)
    accuracy, correct = [], []
    for one in judged:
        if one.status != "ok" or one.test_accuracy is None:
            accuracy.append(chance(one))
            correct.append(None if images is None else np.full(images, chance(one)))
        else:
            accuracy.append(one.test_accuracy)
            correct.append(_bits(one, images))
    whole = bits and all(one is not None for one in correct)
    seeds = [one.seed for one in judged]
    try:
        return runs_of.runs(seeds, accuracy, np.stack(correct) if whole else None)
    except ValueError as error:
        raise ValueError(f"{_called(judged[0])}: {error}") from None


def _bits(record: Record, images: int | None) -> np.ndarray | None:
    if record.test_correct is None or images is None:
        return None
    try:
        return runs_of.unpack(record.test_correct, images)
    except ValueError as error:
        raise ValueError(f"{_called(record)}, seed {record.seed}: {error}") from None


def _called(record: Record) -> str:
    return f"{record.optimizer} on {record.dataset}, regime {record.regime}, {record.phase} runs"


def train_runs(records: Sequence[Record]) -> Runs | None:
    """Accuracy on the images trained on; None where there is none. A diverged run has 1/K."""
    if not records:
        return None
    accuracy = [
        chance(one) if one.status != "ok" or one.train_accuracy is None else one.train_accuracy
        for one in records
    ]
    return runs_of.runs([one.seed for one in records], accuracy)


def final_losses(records: Sequence[Record]) -> dict[int, float]:
    """Train loss of the last epoch by seed, to be compared by its logarithm.

    A run that diverged has chance's, ln K. One below what float32 resolves, 0 among them, has
    `SMALLEST_LOSS`: all such runs fit their images alike.
    """
    found = {}
    for one in records:
        loss = one.train_loss[-1]
        if one.status != "ok" or loss is None:
            found[one.seed] = float(np.log(one.data.classes or np.e))
        else:
            found[one.seed] = max(loss, SMALLEST_LOSS)
    return found


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
    return float(np.mean([*map(validation_accuracy, records)]))


def workloads(found: Iterable[Arm]) -> dict[Workload, dict[str, Arm]]:
    """The arms of each workload by optimizer."""
    made: dict[Workload, dict[str, Arm]] = {}
    for arm in found:
        made.setdefault(arm.workload, {})[arm.optimizer] = arm
    return made
