"""The fair protocol on data sets and optimizers: every chain of tuning, and what waits for others.

Tuning waits for nothing outside its chain, so shards take whole chains. Two things do wait: Q0
runs an optimizer at the setting that was best on the *other* sets, so their first stages come
before; and a regime that is not tuned in takes the winner of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.optimizers import Optimizer
from experiments.optimizers.spaces import in_units_of
from experiments.protocols.cell import (
    Cell,
    Find,
    Plan,
    ProtocolName,
    Task,
    check_shard,
    missing,
)
from experiments.protocols.fair import constants
from experiments.protocols.fair.transfer import best_elsewhere
from experiments.protocols.fair.tuning import Chain, Contestant, TuningState, follow
from experiments.protocols.names import check_names, recorded_name

NAME = "fair"


@dataclass(frozen=True)
class FairStudy:
    """Chains in the order of their run; see `study`.

    Attributes:
        chains: all of them, other shards' included.
        mine: those that this shard runs.
    """

    chains: tuple[Chain, ...]
    mine: tuple[Chain, ...]

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Everything that is learnt."""
        return tuple(dict.fromkeys(chain.task for chain in self.chains))

    scheduled = True

    @property
    def optimizers(self) -> tuple[str, ...]:
        """Every optimizer, by name."""
        return tuple(dict.fromkeys(chain.contestant.name for chain in self.chains))

    def plan(self, find: Find) -> Plan:
        """The next stage of every chain; `Plan.left` counts the stages to come, too."""
        cells: list[Cell] = []
        waiting: list[str] = []
        left, length = 0, sum(chain.length for chain in self.mine)
        for chain in self.mine:
            if chain.tuned_in is None:
                state = follow(chain, find)
                cells += state.due
                left += _left(chain, state)
                continue
            winner = follow(chain.tuned_in, find).winner
            if winner is None:
                waiting.append(_untuned(chain.tuned_in, self.chains))
                left += chain.length
                continue
            due = missing(chain.final(winner), find)
            cells += due
            left += len(due)
        for chain in self.mine:
            name = chain.contestant.name
            if chain.tuned_in is not None or name not in constants.protocol()["transfer"]:
                continue
            learner, lacking = best_elsewhere(chain, self.chains, find)
            waiting += lacking
            if learner is None:
                to_come = len(chain.contestant.seeds) if lacking else 0
                left, length = left + to_come, length + to_come
                continue
            final = chain.final(learner)
            due = missing(final, find)
            cells += [cell for cell in due if cell not in cells]
            left += len(due)
            length += len(final)
        return Plan(cells, left, length - left, () if cells else tuple(dict.fromkeys(waiting)))

    def share(self, index: int, count: int) -> FairStudy:
        """The chains that shard ``index`` of ``count`` runs, dealt in turn."""
        check_shard(index, count)
        return replace(self, mine=self.chains[index::count])


def study(
    datasets: Sequence[str],
    optimizers: Mapping[str, Optimizer],
    networks: Sequence[str] = ("convnet",),
    *,
    budget: str = "full",
    regimes: Sequence[str] = ("B", "A"),
) -> FairStudy:
    """All chains, by data set, then regime, then optimizer.

    Args:
        datasets: names or paths.
        optimizers: by canonical name, in the order of their run.
        networks: names or import paths.
        budget: "full", or a smaller share that is no answer.
        regimes: names of `fair.json`.

    Raises:
        ValueError: a name that there is not, or one given twice.
    """
    known = constants.protocol()["regimes"]
    check_names(budget, constants.budgets(), datasets, networks, regimes, known)
    limit = constants.protocol()["limit"]
    printed = NAME if budget == "full" else f"{NAME}[budget={budget}]"
    chains = tuple(
        _with_its_tuning(
            Chain(
                task=Task(dataset, network, limit, parts="split"),
                regime=constants.regime(regime, budget),
                contestant=(one := contestant(optimizer, budget, recorded_name(dataset))),
                protocol=ProtocolName(
                    printed,
                    constants.protocol()["version"],
                    constants.content_hash(one.space),
                    budget,
                ),
                budget=constants.budgets()[budget],
            )
        )
        for dataset in datasets
        for network in networks
        for regime in regimes
        for optimizer in optimizers.values()
    )
    return FairStudy(chains, chains)


def _with_its_tuning(chain: Chain) -> Chain:
    """The chain with that of the regime that it takes its setting from, where there is one."""
    other = constants.protocol()["tuned_in"].get(chain.regime.name)
    if other is None or chain.contestant.default_only:
        return chain
    regime = constants.regime(other, chain.protocol.budget or "full")
    return replace(chain, tuned_in=replace(chain, regime=regime))


def _untuned(tuning: Chain, chains: Sequence[Chain]) -> str:
    """What a regime that is not tuned in waits for, and who makes it where none of these does."""
    name = tuning.regime.name
    said = f"the setting of {tuning.contestant.name} on {tuning.task.title} that wins in {name}"
    return said if tuning in chains else f"{said} (add {name} to --regimes)"


def contestant(optimizer: Optimizer, budget: str, dataset: str) -> Contestant:
    """An optimizer as the protocol tunes it on a data set.

    SMES's steps have units of their own, so its rate and eps are centred by the size of the data
    set's gradients, where that has been measured; a rate that its name states stays as it is.
    """
    numbers, found = constants.protocol(), constants.budgets()[budget]
    space, sizes = optimizer.space, numbers["gradient_sizes"]
    if optimizer.name.partition(":")[0] == "smes" and dataset in sizes:
        scaled = in_units_of(space, sizes[dataset])
        rate = space.learning_rate if optimizer.states_rate else scaled.learning_rate
        space = replace(scaled, learning_rate=rate)
    many = optimizer.name in numbers["more_seeds"]
    start, count = numbers["seeds"]["final"], found.final if many else found.final_others
    return Contestant(
        name=optimizer.name,
        space=space,
        schedules=tuple(numbers["schedules_of"].get(optimizer.name, numbers["schedules"])),
        seeds=tuple(range(start, start + count)),
        default_only=optimizer.name in numbers["default_only"],
    )


_BEHIND = {
    "tune": ("refine", "confirm", "final", "default"),
    "refine": ("confirm", "final", "default"),
    "confirm": ("final", "default"),
}
"""Stage -> the phases whose runs come after it; final and default runs are due together."""


def _left(chain: Chain, state: TuningState) -> int:
    """Runs of a chain still to come: those that are due, and the stages behind them."""
    behind = sum(chain.counts[phase] for phase in _BEHIND.get(state.stage, ()))
    if state.stage == "tune" and state.schedule is None:
        behind += chain.budget.rates  # the better schedule's second seed
    return len(state.due) + state.trials + behind
