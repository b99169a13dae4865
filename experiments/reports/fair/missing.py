"""Which arms of a fair study have all of their runs, and what the others lack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from experiments.analysis.arms import Arm, whole
from experiments.protocols.fair import constants
from experiments.reports.labels import bare, optimizer_title
from experiments.reports.missing import lacking, study_command
from experiments.reports.workload_titles import workload_title

RUN_NAMES = {
    "final": "final runs",
    "default": "untuned runs",
    "carried": "final runs at the setting best on the other sets",
}
"""What runs are called; those of the other phases by their phase."""


def confirmed(arm: Arm, budget: str) -> Arm:
    """The arm without its winner's runs where the confirmation is not whole.

    A configuration that is not among the records might have won.
    """
    wanted = constants.runs_by_phase(arm.optimizer, budget, arm.workload.regime)
    return replace(arm, tuned=()) if "confirm" in lacking(arm, wanted) else arm


def finished(arm: Arm, budget: str) -> Arm:
    """The arm without the runs of a setting that has too few of them for a verdict."""
    return whole(confirmed(arm, budget), constants.runs_by_phase(arm.optimizer, budget)["default"])


def missing(found: Sequence[Arm], budget: str, folder: str) -> list[str]:
    """Arms that are not complete, and the commands that go on with these alone.

    Args:
        found: all arms of the study.
        budget: of the study.
        folder: of the records, for the commands.
    """
    lines, begun = [], []
    for arm in found:
        regime, numbers = arm.workload.regime, constants.protocol()
        wanted = constants.runs_by_phase(arm.optimizer, budget, regime)
        parts = lacking(arm, wanted)
        transferred = arm.optimizer in numbers["transfer"] and regime not in numbers["tuned_in"]
        if transferred and _elsewhere(arm, found) and not finished(arm, budget).carried:
            parts["carried"] = (len(arm.carried), wanted["final"])
        if parts:
            counts = ", ".join(
                f"{have} of {many} {RUN_NAMES.get(phase, f'{phase} runs')}"
                for phase, (have, many) in parts.items()
            )
            if regime in numbers["tuned_in"] and arm.winner is None:
                counts += f" of a setting that its tuning in {numbers['tuned_in'][regime]} tells"
            lines.append(
                f"{optimizer_title(arm.optimizer)} on {workload_title(arm.workload)}: {counts}"
            )
            begun.append(arm)
    return [*lines, *_commands(begun, found, budget, folder)]


def _commands(
    begun: Sequence[Arm], found: Sequence[Arm], budget: str, folder: str
) -> Iterator[str]:
    """One for all optimizers and regimes with the same data sets.

    Each optimizer comes with all of its data sets in that regime, as its setting carried over to
    one is chosen on the others; where it has all its runs none is made again.
    """
    by_regime: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for arm in begun:
        here = arm.workload
        sets = tuple(bare(one.workload.dataset) for one in found if _alike(arm, one))
        names = by_regime.setdefault((here.network, sets, here.regime), [])
        if arm.optimizer not in names:
            names.append(arm.optimizer)
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (network, sets, regime), names in by_regime.items():
        groups.setdefault((network, sets, tuple(names)), []).append(regime)
    for (network, sets, names), regimes in groups.items():
        tuned_in = constants.protocol()["tuned_in"]
        command = study_command(
            "fair",
            sets,
            folder,
            budget=budget,
            networks=[network],
            optimizers=names,
            regimes=[*(tuned_in[one] for one in regimes if one in tuned_in), *regimes],
        )
        yield f"the command that goes on: `{command}`"


def _alike(arm: Arm, other: Arm) -> bool:
    """Whether these are one optimizer for as long, with the same network."""
    one, two = arm.workload, other.workload
    alike = (one.regime, one.network) == (two.regime, two.network)
    return alike and arm.optimizer == other.optimizer


def _elsewhere(arm: Arm, found: Sequence[Arm]) -> bool:
    """Whether the same optimizer was run on another data set for as long, with the same network."""
    return any(
        _alike(arm, other) and other.workload.dataset != arm.workload.dataset for other in found
    )
