"""A grid: every optimizer on every data set at every rate with every seed, nothing to wait for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments import optimizers
from experiments.optimizers import check_learning_rate
from experiments.protocols.cell import (
    Cell,
    Find,
    Learner,
    Plan,
    ProtocolName,
    Regime,
    Task,
    check_shard,
)
from experiments.protocols.names import check_once
from experiments.protocols.protocol import Protocol


@dataclass(frozen=True)
class Grid:
    """Cells that do not depend on each other; see `grid`.

    Attributes:
        cells: all of them, in the order of their run.
        scheduled: whether learning rates come as schedules.
    """

    cells: tuple[Cell, ...]
    scheduled: bool = False

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Everything that is learnt."""
        return tuple(dict.fromkeys(cell.task for cell in self.cells))

    @property
    def optimizers(self) -> tuple[str, ...]:
        """Every optimizer, by name."""
        return tuple(dict.fromkeys(cell.learner.optimizer for cell in self.cells))

    def plan(self, find: Find) -> Plan:
        """All cells that have no record."""
        missing = [cell for cell in self.cells if find(cell) is None]
        return Plan(missing, len(missing), len(self.cells) - len(missing))

    def share(self, index: int, count: int) -> Grid:
        """The part that shard ``index`` of ``count`` runs; the shards cover the grid once.

        Whole groups of one compiled program are dealt in turn; only where there are more shards
        than groups are groups divided, too.

        Raises:
            ValueError: ``index`` is not in 0 … count - 1.
        """
        check_shard(index, count)
        groups: dict[object, list[Cell]] = {}
        for cell in self.cells:
            groups.setdefault(cell.program, []).append(cell)
        parts = max(1, -(-count // max(1, len(groups))))
        return replace(
            self,
            cells=tuple(
                cell
                for number, group in enumerate(groups.values())
                for place, cell in enumerate(group)
                if (number + len(groups) * (place % parts)) % count == index
            ),
        )


MOST_CELLS = 1_000_000


def learners(names: Sequence[str], learning_rates: Sequence[float] = ()) -> list[Learner]:
    """Optimizers by canonical name, each at every learning rate.

    A rate in an optimizer's name is no other than the same rate of a sweep.

    Args:
        names: names, variants or import paths.
        learning_rates: a sweep; none means each optimizer's own rate.

    Raises:
        ValueError: an optimizer or a rate given twice, a rate that is not a positive float32, or
            a sweep of an optimizer whose name states a rate.

    Example:
        >>> learners(["adam:learning_rate=3e-3"]) == learners(["adam"], [3e-3])
        True
    """
    rates = [check_learning_rate(float(rate), "--learning-rates") for rate in learning_rates]
    found = []
    for name in names:
        optimizer = optimizers.resolve(name)
        own = optimizer.hyperparameters["learning_rate"]
        if rates and optimizer.states_rate:
            raise ValueError(
                f"{name} states a learning rate and --learning-rates others: leave one out"
            )
        found += [Learner(optimizer.name, (("learning_rate", rate),)) for rate in (rates or [own])]
    twice = [f"{one.optimizer} at {one.changed[0][1]:g}" for one in found if found.count(one) > 1]
    if twice:
        raise ValueError(f"optimizer given twice: {', '.join(dict.fromkeys(twice))}")
    return found


def grid(
    protocol: Protocol,
    datasets: Sequence[str],
    what: Sequence[Learner],
    seeds: int,
    networks: Sequence[str] = ("convnet",),
) -> Grid:
    """Every cell, those of one compiled program next to each other.

    Args:
        protocol: how each is trained.
        datasets: names or paths.
        what: the optimizers and their rates, see `learners`.
        seeds: the seeds are 0 … seeds - 1.
        networks: names or import paths.

    Raises:
        ValueError: no seed, a name given twice, or a grid of more than `MOST_CELLS`.
    """
    if seeds < 1:
        raise ValueError(f"--seeds is {seeds}, expected at least 1")
    check_once(datasets, {"network": networks})
    count = len(datasets) * len(networks) * len(what) * seeds
    if count > MOST_CELLS:
        raise ValueError(
            f"these options make a grid of {count:,} runs ({seeds:,} seeds each), expected at most "
            f"{MOST_CELLS:,}: lower --seeds, or divide the data sets among several calls"
        )
    name = ProtocolName(protocol.name, protocol.version)
    regime = Regime(batch_size=protocol.batch_size, epochs=protocol.epochs)
    return Grid(
        tuple(
            Cell(name, Task(dataset, network, protocol.limit), learner, regime, seed)
            for dataset in datasets
            for network in networks
            for learner in what
            for seed in range(seeds)
        )
    )
