"""A cell: what is learnt, with what, how long and how judged. One cell is one run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from experiments.protocols.names import recorded_name
from experiments.records import Record
from experiments.records.record import Fields


@dataclass(frozen=True)
class Task:
    """What is learnt.

    Attributes:
        dataset: a name, or the path of an .npz file.
        network: a name or an import path.
        limit: at most so many first training images.
        parts: "published" trains on the training images and judges by the test set; "split" makes
            disjoint parts for training, validation and test.
        label_noise: share of the labels of train and validation redrawn among the other classes;
            the test images keep theirs.
        sparsity: share of each image's pixels set to 0, of the test images', too.
        batch: train is cut to whole batches of so many images, which makes those of a smaller power
            of two whole as well; None leaves it as it is. See `datasets.in_whole_batches`.
    """

    dataset: str
    network: str = "convnet"
    limit: int = 5000
    parts: Literal["published", "split"] = "published"
    label_noise: float = 0.0
    sparsity: float = 0.0
    batch: int | None = None

    @property
    def title(self) -> str:
        """The data set's name in records; see `recorded_name`. What changes it is part of it."""
        noise = f" ({100 * self.label_noise:g} % label noise)" if self.label_noise else ""
        blank = f" ({100 * self.sparsity:g} % of the pixels 0)" if self.sparsity else ""
        return recorded_name(self.dataset) + noise + blank


@dataclass(frozen=True)
class Learner:
    """With what it is learnt.

    Attributes:
        optimizer: a canonical name, as `optimizers.resolve` gives it.
        changed: hyperparameters and their values, in place of the optimizer's own.
        schedule: of the learning rate; a name of `training.schedules`.
    """

    optimizer: str
    changed: tuple[tuple[str, float], ...] = ()
    schedule: str = "constant"


@dataclass(frozen=True)
class Regime:
    """How long a run is.

    Attributes:
        batch_size: images a step.
        epochs: passes over the training images; None where `steps` says it.
        steps: optimizer steps, the last pass cut short.
        name: what records call it; None for the protocol's only one.
        half: batches of at most half of the training images.
        scheduled: whether learning rates follow the learner's schedule.
        readings: times that the validation part is read.
        telemetry: what each reading measures beside; see `training.Config`.
    """

    batch_size: int
    epochs: int | None = None
    steps: int | None = None
    name: str | None = None
    half: bool = False
    scheduled: bool = False
    readings: int = 0
    telemetry: Literal["gate", "all"] | None = None


@dataclass(frozen=True)
class Cell:
    """One run that a protocol wants.

    Attributes:
        protocol: what judges it: the fields of a record that name it.
        task: what is learnt.
        learner: with what.
        regime: how long.
        seed: of everything random.
        reads_test: whether the test images are read, at the end of the run.
        phase: what the run is for.
        trial: number of the quasi-random point, where it is one.
    """

    protocol: ProtocolName
    task: Task
    learner: Learner
    regime: Regime
    seed: int
    reads_test: bool = True
    phase: str | None = None
    trial: int | None = None

    @property
    def program(self) -> tuple[object, ...]:
        """What cells of one compiled program have in common."""
        return self.task, self.learner.optimizer, self.regime, self.reads_test

    def fields(
        self, fingerprint: str, defaults: Mapping[str, float], tuned: Mapping[str, float]
    ) -> Fields:
        """What a record says of the cell before it is run.

        Args:
            fingerprint: of the images and labels trained on.
            defaults: hyperparameters that every run of the optimizer names.
            tuned: the defaults of those that a search may name.
        """
        known = {**tuned, **defaults}
        changed = {k: v for k, v in self.learner.changed if known.get(k) != v}
        settings = {
            "epochs": self.regime.epochs,
            "steps": self.regime.steps,
            "batch_size": self.regime.batch_size,
            "limit": self.task.limit,
        }
        return {
            "protocol": self.protocol.name,
            "protocol_version": self.protocol.version,
            "protocol_hash": self.protocol.hash,
            "budget": self.protocol.budget,
            "settings": {name: value for name, value in settings.items() if value is not None},
            "regime": self.regime.name,
            "phase": self.phase,
            "trial": self.trial,
            "dataset": self.task.title,
            "fingerprint": fingerprint,
            "network": self.task.network,
            "optimizer": self.learner.optimizer,
            "hyperparameters": {**defaults, **dict(self.learner.changed)},
            "changed": changed,
            "schedule": self.learner.schedule,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class ProtocolName:
    """What a record says of its protocol.

    Attributes:
        name: printed, deviations included.
        version: raised whenever the same cell would be trained or measured differently, by more
            than rounding and the numbers of a random generator.
        hash: fingerprint of grids and trial points, where there are such.
        budget: share of the full trials and seeds.
    """

    name: str
    version: int
    hash: str | None = None
    budget: str | None = None


@dataclass(frozen=True)
class Plan:
    """What a study wants now.

    Attributes:
        cells: runs that can be made now, in the order to make them.
        left: runs still to come in all, these and those that wait for results.
        done: runs that have a record.
        waiting: for what results others wait, where there is nothing to do before.
    """

    cells: Sequence[Cell]
    left: int
    done: int
    waiting: Sequence[str] = ()


Find = Callable[[Cell], Record | None]
"""The record of a cell, where it has been run."""


def missing(cells: Iterable[Cell], find: Find) -> tuple[Cell, ...]:
    """The cells that have no record."""
    return tuple(cell for cell in cells if find(cell) is None)


class Study(Protocol):
    """A protocol applied to data sets and optimizers: what the runner asks for work."""

    @property
    def tasks(self) -> Sequence[Task]:
        """Everything that is learnt."""
        ...

    @property
    def optimizers(self) -> Sequence[str]:
        """Every optimizer, by canonical name."""
        ...

    @property
    def scheduled(self) -> bool:
        """Whether learning rates come as schedules."""
        ...

    def plan(self, find: Find) -> Plan:
        """What to run next: a pure function of the records that ``find`` gives."""
        ...

    def share(self, index: int, count: int) -> Study:
        """The part that shard ``index`` of ``count`` runs; the shards cover the whole once."""
        ...


def check_shard(index: int, count: int) -> None:
    """Raises a ValueError unless ``index`` is in 0 … count - 1."""
    if count < 1 or not 0 <= index < count:
        raise ValueError(
            f"shard {index}/{count} given; shards are numbered from 0: 0/{max(count, 1)} to "
            f"{max(count, 1) - 1}/{max(count, 1)}"
        )
