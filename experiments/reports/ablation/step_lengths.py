"""An arm that runs at another's step length: how long its steps came out, and what to mind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from experiments.analysis.arms import Arm, Workload
from experiments.analysis.final_runs import mean_step
from experiments.analysis.health import at_chance, mostly_at_chance
from experiments.protocols.ablation import constants
from experiments.reports.ablation.tables import arm_title
from experiments.reports.labels import dataset_title
from experiments.reports.workload_titles import workload_title


def step_lengths(
    by_workload: Mapping[Workload, Mapping[str, Arm]], names: Collection[str] | None = None
) -> list[str]:
    """A sentence an arm: the ratio of the steps by workload, what is doubtful beside it.

    Args:
        by_workload: the arms; those that are absent or have no final run are left out.
        names: of the arms at another's step; None is all that there are.
    """
    notes = []
    for name, one in constants.protocol()["derived"].items():
        if names is not None and name not in names:
            continue
        ratios = []
        for workload, arms in by_workload.items():
            own, other = (
                mean_step(arms[n].tuned) if n in arms else None for n in (name, one["step_of"])
            )
            if own and other:
                doubts = _doubts(arms[name], arms.get(one["optimizer"]))
                ratios.append(f"{workload_title(workload)} {own / other:.2f}{doubts}")
        if ratios:
            notes.append(
                f"{one['title']}: the root mean square of its final runs' steps over that of "
                f"{arm_title(one['step_of'])}'s: {'; '.join(ratios)}."
            )
    return notes


def rival_title(name: str) -> str:
    """An arm as a rival in a verdict: one at another's step has a rate that nobody tuned.

    Example:
        >>> rival_title("adamw"), rival_title("adamw at the step of thermolion")
        ('AdamW', "AdamW at ThermoLion's step (rate set, not tuned)")
    """
    derived = name in constants.protocol()["derived"]
    return arm_title(name) + (" (rate set, not tuned)" if derived else "")


def in_place(arms: Iterable[Arm], network: str, regime: str) -> list[Arm]:
    """The arms of one network and regime."""
    place = network, regime
    return [arm for arm in arms if (arm.workload.network, arm.workload.regime) == place]


def no_evidence(name: str, arms: Iterable[Arm]) -> str:
    """Where most runs of an arm at another's step are at chance: a verdict on it tells nothing.

    Args:
        name: of the arm; of one that was tuned, chance is what tuning came to.
        arms: of one regime, those of other names aside.
    """
    if name not in constants.protocol()["derived"]:
        return ""
    lost = [
        f"{at_chance(arm.tuned)} of {len(arm.tuned)} runs at chance "
        f"on {dataset_title(arm.workload.dataset)}"
        for arm in arms
        if arm.optimizer == name and mostly_at_chance(arm.tuned)
    ]
    return f"no evidence: {', '.join(lost)}" if lost else ""


def remark(name: str, arms: Iterable[Arm]) -> str:
    """What is to be said behind a verdict on an arm at another's step; nothing on others.

    Args:
        name: of the arm.
        arms: as `no_evidence` takes them.
    """
    if name not in constants.protocol()["derived"]:
        return ""
    doubt = no_evidence(name, arms)
    return f" {arm_title(name)} has a rate that was set, not tuned{f'; {doubt}' if doubt else ''}."


def _doubts(arm: Arm, tuned: Arm | None) -> str:
    """What speaks against reading an arm as "the same steps": its rate, and what became of it."""
    said = []
    rates = [one.hyperparameters["learning_rate"] for one in tuned.ledger] if tuned else []
    rate = arm.winner.learning_rate if arm.winner else None
    if rates and rate is not None and not min(rates) <= rate <= max(rates):
        said.append(
            f"at a rate of {rate:.3g}, beyond the {min(rates):.2g} to {max(rates):.2g} tried"
        )
    lost = at_chance(arm.tuned)
    if lost:
        said.append(f"{lost} of {len(arm.tuned)} runs at chance")
    return f" ({', '.join(said)})" if said else ""
