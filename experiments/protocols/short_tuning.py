"""A short tuning: a list of configurations on one seed, the best of them again on a second.

For studies of many variants, where the fair protocol's whole search would cost too much: every
configuration is written down before, so no optimizer's list is longer. The best mean over
both seeds wins, on validation accuracy, ties by validation loss and then by the order of the list.
Only the winner reads the test images, with final seeds that all chains share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.analysis.selection import mean_score, score
from experiments.optimizers import Optimizer
from experiments.protocols.cell import (
    Cell,
    Find,
    Learner,
    Plan,
    ProtocolName,
    Regime,
    Task,
    check_shard,
    missing,
)
from experiments.records import Record


@dataclass(frozen=True)
class Seeds:
    """The seeds of a chain.

    Attributes:
        tune: of every candidate.
        confirm: of the best ones' second run.
        final: of the winner's runs that read the test images.
    """

    tune: int
    confirm: int
    final: tuple[int, ...]


@dataclass(frozen=True)
class ShortChain:
    """One optimizer on one task in one regime.

    Attributes:
        task: what is learnt.
        regime: how long.
        name: the optimizer's canonical name.
        candidates: configurations, each with the same names; a tie goes to the earlier.
        schedule: of the learning rate, of all of them.
        seeds: of its stages.
        protocol: what records say of the protocol.
        again: how many of the best run on the second seed.
    """

    task: Task
    regime: Regime
    name: str
    candidates: tuple[Mapping[str, float], ...]
    schedule: str
    seeds: Seeds
    protocol: ProtocolName
    again: int = 2

    def cell(self, numbers: Mapping[str, float], seed: int, phase: str) -> Cell:
        """One run; only "final" ones read the test images."""
        return Cell(
            protocol=self.protocol,
            task=self.task,
            learner=Learner(self.name, tuple(numbers.items()), self.schedule),
            regime=self.regime,
            seed=seed,
            reads_test=phase == "final",
            phase=phase,
        )

    def finals(self, learner: Learner) -> list[Cell]:
        """The runs of a configuration on the final seeds."""
        return [self.cell(dict(learner.changed), seed, "final") for seed in self.seeds.final]

    @property
    def length(self) -> int:
        """How many runs the whole chain takes."""
        counts = {"again": self.again, "final": len(self.seeds.final)}
        return sum(runs_by_phase(len(self.candidates), counts).values())


def runs_by_phase(candidates: int, counts: Mapping[str, int]) -> dict[str, int]:
    """How many runs of each phase a chain of so many candidates has.

    Args:
        candidates: configurations that are tried.
        counts: of the budget, how many are tried "again", and the "final" seeds.

    Example:
        >>> runs_by_phase(7, {"again": 2, "final": 10})
        {'tune': 7, 'confirm': 2, 'final': 10}
    """
    again = min(counts["again"], candidates)
    return {"tune": candidates, "confirm": again, "final": counts["final"]}


@dataclass(frozen=True)
class ShortTuningState:
    """How far the records of a chain lead.

    Attributes:
        due: runs that come next, all of one stage; none when all is done.
        left: runs still to come, these and those of the stages behind.
        winner: the configuration that won, once it is known.
        chosen_by: the winner's tuning runs, one a seed.
    """

    due: tuple[Cell, ...]
    left: int
    winner: Learner | None = None
    chosen_by: tuple[Cell, ...] = ()


def centre_of(optimizer: Optimizer, centres: Mapping[str, float]) -> float:
    """The middle of its rates: what its name states, else the protocol's, else its default.

    Args:
        optimizer: what is tuned.
        centres: the protocol's, by canonical name.
    """
    own = optimizer.space.learning_rate
    return own if optimizer.states_rate else centres.get(optimizer.name, own)


def rates_around(default: float, count: int, per_decade: int = 2) -> tuple[dict[str, float], ...]:
    """``count`` learning rates around a default, the nearest first, six digits of each.

    Example:
        >>> [one["learning_rate"] for one in rates_around(1e-3, 3)]
        [0.001, 0.000316228, 0.00316228]
    """
    places = sorted(range(-(count // 2), count - count // 2), key=lambda place: (abs(place), place))
    return tuple(
        {"learning_rate": float(f"{default * 10 ** (place / per_decade):.6g}")} for place in places
    )


def follow_short(chain: ShortChain, find: Find) -> ShortTuningState:
    """What the records have decided of a chain, and the runs that come next."""
    final = len(chain.seeds.final)
    first = [chain.cell(numbers, chain.seeds.tune, "tune") for numbers in chain.candidates]
    due = missing(first, find)
    if due:
        return ShortTuningState(due, len(due) + chain.length - len(first))
    best = sorted(first, key=lambda cell: score(find(cell)), reverse=True)[: chain.again]
    pairs = [(cell, replace(cell, seed=chain.seeds.confirm, phase="confirm")) for cell in best]
    due = missing((second for _, second in pairs), find)
    if due:
        return ShortTuningState(due, len(due) + final)
    chosen = max(pairs, key=lambda pair: mean_score([score(find(cell)) for cell in pair]))
    winner = chosen[0].learner
    due = missing(chain.finals(winner), find)
    return ShortTuningState(due, len(due), winner, chosen)


@dataclass(frozen=True)
class ShortStudy:
    """Chains that wait for nothing outside themselves, in the order of their run.

    Attributes:
        chains: all of them, other shards' included.
        mine: those that this shard runs.
    """

    chains: tuple[ShortChain, ...]
    mine: tuple[ShortChain, ...]

    scheduled = True

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Everything that is learnt."""
        return tuple(dict.fromkeys(chain.task for chain in self.chains))

    @property
    def optimizers(self) -> tuple[str, ...]:
        """Every optimizer, by name."""
        return tuple(dict.fromkeys(chain.name for chain in self.chains))

    def plan(self, find: Find) -> Plan:
        """The next stage of every chain; `Plan.left` counts the stages to come, too."""
        progress = [follow_short(chain, find) for chain in self.mine]
        left = sum(one.left for one in progress)
        length = sum(chain.length for chain in self.mine)
        return Plan([cell for one in progress for cell in one.due], left, length - left)

    def runs_left(self, records: Iterable[Record]) -> list[tuple[ShortChain, int]]:
        """Each chain and how many runs it still lacks, counted by what records name."""
        have = Counter((one.dataset, one.network, one.regime, one.optimizer) for one in records)
        wanted = [
            (one, (one.task.title, one.task.network, one.regime.name, one.name))
            for one in self.chains
        ]
        return [(one, max(0, one.length - have[key])) for one, key in wanted]

    def share(self, index: int, count: int) -> ShortStudy:
        """The chains that shard ``index`` of ``count`` runs, dealt in turn."""
        check_shard(index, count)
        return replace(self, mine=self.chains[index::count])


def short_study(chains: Sequence[ShortChain]) -> ShortStudy:
    """All of the chains, one shard."""
    return ShortStudy(tuple(chains), tuple(chains))
