"""The ablation study on data sets: a short tuning for each variant, and what is derived from two.

An arm waits for nothing outside itself, so shards take whole arms. Only a derived one does wait: an
optimizer at the step of another needs both tuned.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.optimizers import Optimizer
from experiments.protocols.ablation import constants
from experiments.protocols.cell import Cell, Find, Learner, Plan, ProtocolName, Task
from experiments.protocols.fair import constants as fair
from experiments.protocols.names import check_names
from experiments.protocols.short_tuning import (
    Seeds,
    ShortChain,
    ShortStudy,
    centre_of,
    follow_short,
    rates_around,
    short_study,
)

NAME = "ablation"


@dataclass(frozen=True)
class AblationStudy:
    """The arms, and what waits for two of them; see `study`."""

    arms: ShortStudy

    scheduled = True

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Everything that is learnt."""
        return self.arms.tasks

    @property
    def optimizers(self) -> tuple[str, ...]:
        """Every optimizer, by name."""
        return self.arms.optimizers

    def plan(self, find: Find) -> Plan:
        """The next stage of every arm, and the derived ones' runs once their rates are known."""
        plan = self.arms.plan(find)
        cells: list[Cell] = list(plan.cells)
        left, length, waiting = plan.left, plan.left + plan.done, []
        for chain, other in self._derived():
            learner, lacking = at_the_step_of(chain, other, find)
            waiting += lacking
            final = chain.finals(learner) if learner else []
            missing = [cell for cell in final if find(cell) is None and cell not in cells]
            cells += missing
            to_come = len(chain.seeds.final) if lacking else len(missing)
            left, length = left + to_come, length + (to_come if lacking else len(final))
        return Plan(cells, left, length - left, () if cells else tuple(waiting))

    def _derived(self) -> list[tuple[ShortChain, ShortChain]]:
        """This shard's arms that run at another's step, too, with the other."""
        return [
            (chain, other)
            for wanted in constants.protocol()["derived"].values()
            for chain in self.arms.mine
            for other in self.arms.chains
            if (chain.name, other.name) == (wanted["optimizer"], wanted["step_of"])
            and (chain.task, chain.regime) == (other.task, other.regime)
        ]

    def share(self, index: int, count: int) -> AblationStudy:
        """The arms that shard ``index`` of ``count`` runs, dealt in turn."""
        return replace(self, arms=self.arms.share(index, count))


def at_the_step_of(
    chain: ShortChain, other: ShortChain, find: Find
) -> tuple[Learner | None, list[str]]:
    """The rate at which an arm's steps have the root mean square of another arm's winner.

    Steps are not proportional to the rate, so it is interpolated between the arm's own candidates,
    from the runs on the tuning seed that both arms share: no test image has a say.

    Returns:
        None where it is not known; the list then says what it waits for, and is empty where the
        winners diverged and there is no such rate.
    """
    progress = [follow_short(one, find) for one in (chain, other)]
    if any(one.winner is None for one in progress):
        return None, [
            f"the tuning of {one.name} on {one.task.title}, regime {one.regime.name}"
            for one, found in zip((chain, other), progress, strict=True)
            if found.winner is None
        ]
    own, wanted = (found.chosen_by[0] for found in progress)
    sizes = {
        numbers["learning_rate"]: size
        for numbers in chain.candidates
        if (size := _step(chain.cell(numbers, chain.seeds.tune, "tune"), find))
    }
    size, numbers = _step(wanted, find), dict(own.learner.changed)
    if size is None or numbers["learning_rate"] not in sizes:
        return None, []
    rate = float(f"{rate_of_step(sizes, numbers['learning_rate'], size):.6g}")
    return chain.cell(numbers | {"learning_rate": rate}, chain.seeds.tune, "final").learner, []


def _step(cell: Cell, find: Find) -> float | None:
    """The root mean square of a run's steps; None where it diverged."""
    record = find(cell)
    return record.update_rms if record is not None and record.status == "ok" else None


def rate_of_step(sizes: Mapping[float, float], start: float, wanted: float) -> float:
    """The rate that gives steps of a size, interpolated in logarithms outwards from ``start``.

    Beyond the outermost rate, steps count as proportional to it.

    Args:
        sizes: rate to the steps' size; ``start`` is one of the rates.
        start: the rate to begin at.
        wanted: the size.

    Example:
        >>> rate_of_step({1.0: 1.0, 4.0: 3.0}, 1.0, 3.0), rate_of_step({1.0: 1.0}, 1.0, 3.0)
        (4.0, 3.0)
    """
    if wanted == sizes[start]:
        return start
    up = wanted > sizes[start]
    rates = sorted((r for r in sizes if (r >= start if up else r <= start)), reverse=not up)
    for near, far in itertools.pairwise(rates):
        if (sizes[far] >= wanted) if up else (sizes[far] <= wanted):
            share = math.log(wanted / sizes[near]) / math.log(sizes[far] / sizes[near])
            return near * (far / near) ** share
    return rates[-1] * wanted / sizes[rates[-1]]


def study(
    datasets: Sequence[str],
    optimizers: Mapping[str, Optimizer],
    networks: Sequence[str] = ("convnet",),
    *,
    budget: str = "full",
    regimes: Sequence[str] = ("B", "A"),
) -> AblationStudy:
    """All arms, by data set, then regime, then optimizer.

    Args:
        datasets: names or paths.
        optimizers: by canonical name, in the order of their run; those of `ablation.json`, or any.
        networks: names or import paths.
        budget: "full", or "smoke", which is no answer.
        regimes: names of the fair protocol's.

    Raises:
        ValueError: a name that there is not, or one given twice.
    """
    numbers = constants.protocol()
    known = fair.protocol()["regimes"]
    check_names(budget, numbers["budgets"], datasets, networks, regimes, known)
    counts, seeds = numbers["budgets"][budget], numbers["seeds"]
    printed = NAME if budget == "full" else f"{NAME}[budget={budget}]"
    lists = {
        name: rates_around(
            centre_of(one, numbers["centres"]),
            counts["rates"],
            numbers["rates_per_decade"],
        )
        for name, one in optimizers.items()
    }
    final = tuple(range(seeds["final"], seeds["final"] + counts["final"]))
    return AblationStudy(
        short_study(
            [
                ShortChain(
                    task=Task(dataset, network, fair.protocol()["limit"], parts="split"),
                    regime=replace(fair.regime(regime, budget), telemetry="gate"),
                    name=name,
                    candidates=candidates,
                    schedule=numbers["schedule"],
                    seeds=Seeds(seeds["tune"], seeds["confirm"], final),
                    protocol=ProtocolName(
                        printed, numbers["version"], constants.content_hash(candidates), budget
                    ),
                    again=counts["again"],
                )
                for dataset in datasets
                for network in networks
                for regime in regimes
                for name, candidates in lists.items()
            ]
        )
    )
