"""How one optimizer is tuned on one task in one regime: stage by stage, from validation alone.

1. Rates half a decade apart around the default, under two schedules, on one seed; then the better
   schedule's rates on a second seed. The centre is the rate with the best mean.
2. A centre at the edge is moved outwards; what is left of the stage's runs are quasi-random points
   around the centre, in every tuned number.
3. The best configurations again on two fresh seeds; the winner is chosen by these alone.

`follow` says how far the records lead: what is chosen so far and the runs that come next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from experiments.analysis.selection import mean_score, score
from experiments.optimizers.spaces import Space, at
from experiments.protocols.cell import Cell, Find, Learner, ProtocolName, Regime, Task, missing
from experiments.protocols.fair import constants


@dataclass(frozen=True)
class Contestant:
    """An optimizer that is tuned.

    Attributes:
        name: its canonical name.
        space: what is tuned, and where.
        schedules: those it is tried under, the untuned default's first.
        seeds: final seeds.
        default_only: only the untuned default is run.
    """

    name: str
    space: Space
    schedules: tuple[str, ...]
    seeds: tuple[int, ...]
    default_only: bool


@dataclass(frozen=True)
class Chain:
    """One contestant on one task in one regime.

    Attributes:
        task: what is learnt.
        regime: how long.
        contestant: with what.
        protocol: what records say of the protocol.
        budget: how many runs.
        tuned_in: the chain of the regime that this one takes its setting from; None where it is
            tuned in its own.
    """

    task: Task
    regime: Regime
    contestant: Contestant
    protocol: ProtocolName
    budget: constants.Budget
    tuned_in: Chain | None = None

    def cell(
        self,
        numbers: Mapping[str, float],
        schedule: str,
        seed: int,
        phase: str,
        trial: int | None = None,
    ) -> Cell:
        """One run; every tuned number is stated, whether or not it is the default."""
        changed = {**self.contestant.space.defaults, **numbers}
        return Cell(
            protocol=self.protocol,
            task=self.task,
            learner=Learner(self.contestant.name, tuple(changed.items()), schedule),
            regime=self.regime,
            seed=seed,
            reads_test=phase in ("final", "default"),
            phase=phase,
            trial=trial,
        )

    def rate(self, place: int) -> float:
        """The rate ``place`` steps of the grid above the default, six digits of it."""
        decades = place / constants.protocol()["rates_per_decade"]
        return float(f"{self.contestant.space.defaults['learning_rate'] * 10**decades:.6g}")

    @property
    def places(self) -> list[int]:
        """The first stage's places on the grid of rates."""
        reach = self.budget.rates // 2
        return [self.budget.spacing * place for place in range(-reach, reach + 1)]

    @property
    def length(self) -> int:
        """How many runs the whole chain takes."""
        return sum(self.counts.values())

    @property
    def counts(self) -> dict[str, int]:
        """Its runs by phase."""
        budget = self.protocol.budget or "full"
        return constants.runs_by_phase(self.contestant.name, budget, self.regime.name or "")

    def final(self, setting: Learner) -> list[Cell]:
        """The runs that judge a setting, one a seed."""
        changed, schedule = dict(setting.changed), setting.schedule
        return [self.cell(changed, schedule, seed, "final") for seed in self.contestant.seeds]


@dataclass(frozen=True)
class TuningState:
    """How far the records of a chain lead.

    Attributes:
        due: runs that come next, all of one stage; none when all is done.
        stage: its name.
        schedule: the better schedule; None while all are tried.
        trials: how many of the stage's runs come after these, while the edge is moved.
        winner: the setting chosen; None before the last stage.
    """

    due: tuple[Cell, ...]
    stage: str
    schedule: str | None = None
    trials: int = 0
    winner: Learner | None = None


def follow(chain: Chain, find: Find) -> TuningState:
    """What the records have decided of a chain, and the runs that come next."""
    seeds = constants.protocol()["seeds"]
    defaults = [
        chain.cell({}, chain.contestant.schedules[0], seed, "default")
        for seed in chain.contestant.seeds
    ]
    if chain.contestant.default_only:
        return TuningState(missing(defaults, find), "default")
    first, second = seeds["tune"]

    def at_rate(place: int, schedule: str, seed: int, phase: str = "tune") -> Cell:
        return chain.cell({"learning_rate": chain.rate(place)}, schedule, seed, phase)

    # Stage 1.
    grid = {
        schedule: [at_rate(place, schedule, first) for place in chain.places]
        for schedule in chain.contestant.schedules
    }
    due = missing((cell for cells in grid.values() for cell in cells), find)
    if due:
        return TuningState(due, "tune")
    schedule = max(grid, key=lambda name: max(score(find(cell)) for cell in grid[name]))
    again = [at_rate(place, schedule, second) for place in chain.places]
    due = missing(again, find)
    if due:
        return TuningState(due, "tune", schedule)
    means = {
        place: mean_score([score(find(one)), score(find(two))])
        for place, one, two in zip(chain.places, grid[schedule], again, strict=True)
    }
    centre = max(means, key=lambda place: (means[place], -abs(place)))

    # Stage 2.
    cells, places, left = list(grid[schedule]), dict(zip(chain.places, grid[schedule])), 0  # noqa: B905
    for _ in range(constants.protocol()["edge_times"]):
        outwards = _outwards(centre, places, chain.budget)
        if left + len(outwards) > chain.budget.refine or not outwards:
            break
        left += len(outwards)
        new = {place: at_rate(place, schedule, first, "refine") for place in outwards}
        due = missing(new.values(), find)
        if due:
            return TuningState(due, "refine", schedule, trials=chain.budget.refine - left)
        places |= new
        cells += new.values()
        centre = max(
            (centre, *outwards), key=lambda place: (score(find(places[place])), -abs(place))
        )
    around = chain.rate(centre)
    trials = [
        chain.cell(at(chain.contestant.space, around, point), schedule, first, "refine", number)
        for number, point in enumerate(constants.trial_points()[: chain.budget.refine - left])
    ]
    due = missing(trials, find)
    if due:
        return TuningState(due, "refine", schedule)

    # Stage 3: candidates are ranked by the seed that all of them share.
    cells += trials
    best = sorted(cells, key=lambda cell: score(find(cell)), reverse=True)[: chain.budget.confirm]
    confirming = [
        [replace(cell, seed=seed, phase="confirm", trial=None) for seed in seeds["confirm"]]
        for cell in best
    ]
    due = missing((cell for cells in confirming for cell in cells), find)
    if due:
        return TuningState(due, "confirm", schedule)
    chosen = max(confirming, key=lambda cells: mean_score([score(find(cell)) for cell in cells]))
    winner = chosen[0].learner
    due = missing((*chain.final(winner), *defaults), find)
    return TuningState(due, "final", schedule, winner=winner)


def _outwards(centre: int, places: Mapping[int, object], budget: constants.Budget) -> list[int]:
    """The places to try next where the best one is the outermost; none where it is not."""
    steps = constants.protocol()["edge_steps"]
    if centre == max(places):
        return [centre + budget.spacing * step for step in range(1, steps + 1)]
    if centre == min(places):
        return [centre - budget.spacing * step for step in range(1, steps + 1)]
    return []
