"""Which arms of a fair study have all of their runs, and what the others lack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from experiments.analysis.arms import Arm
from experiments.protocols.fair import constants
from experiments.reports.fair.tables import workload_title
from experiments.reports.labels import bare, optimizer_title
from experiments.reports.missing import study_command

RUN_NAMES = {
    "final": "final runs",
    "default": "untuned runs",
    "carried": "final runs at the setting best on the other sets",
}
"""What runs are called; those of the other phases by their phase."""


def lacking(arm: Arm, budget: str) -> dict[str, tuple[int, int]]:
    """By phase how many runs there are and how many there should be, of the phases with too few."""
    wanted = constants.runs_by_phase(arm.optimizer, budget)
    have = Counter(one.phase for one in arm.ledger)
    have |= {"final": len(arm.tuned), "default": len(arm.default)}
    return {phase: (have[phase], many) for phase, many in wanted.items() if have[phase] < many}


def finished(arm: Arm, budget: str) -> Arm:
    """The arm without the runs of a setting that has too few of them for a verdict.

    Runs of the winner take the whole confirmation: a configuration that is not among its records
    might have won.
    """
    lack = lacking(arm, budget)
    final = constants.runs_by_phase(arm.optimizer, budget)["default"]
    return replace(
        arm,
        tuned=() if {"confirm", "final"} & lack.keys() else arm.tuned,
        default=() if "default" in lack else arm.default,
        carried=() if len(arm.carried) < final else arm.carried,
    )


def missing(found: Sequence[Arm], budget: str, folder: str) -> list[str]:
    """Arms that are not complete, and the commands that go on with these alone.

    Args:
        found: all arms of the study.
        budget: of the study.
        folder: of the records, for the commands.
    """
    lines, begun = [], []
    for arm in found:
        parts = lacking(arm, budget)
        transferred = arm.optimizer in constants.protocol()["transfer"]
        if transferred and _elsewhere(arm, found) and not finished(arm, budget).carried:
            wanted = constants.runs_by_phase(arm.optimizer, budget)["final"]
            parts["carried"] = (len(arm.carried), wanted)
        if parts:
            counts = ", ".join(
                f"{have} of {many} {RUN_NAMES.get(phase, f'{phase} runs')}"
                for phase, (have, many) in parts.items()
            )
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
        command = study_command(
            "fair",
            sets,
            folder,
            budget=budget,
            networks=[network],
            optimizers=names,
            regimes=regimes,
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
