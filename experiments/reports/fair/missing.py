"""Which arms of a fair study have all of their runs, and what the others lack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from experiments.analysis.arms import Arm
from experiments.protocols.fair import constants
from experiments.reports.fair.tables import workload_title
from experiments.reports.labels import optimizer_title
from experiments.reports.missing import study_command, with_command

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
    """Arms that are not complete, and the command that goes on with them.

    Args:
        found: all arms of the study.
        budget: of the study.
        folder: of the records, for the command.
    """
    lines = []
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
    command = study_command(
        "fair",
        [arm.workload.dataset for arm in found],
        folder,
        budget=budget,
        networks=[arm.workload.network for arm in found],
        optimizers=[arm.optimizer for arm in found],
        regimes=[arm.workload.regime for arm in found],
    )
    return with_command(lines, command)


def _elsewhere(arm: Arm, found: Sequence[Arm]) -> bool:
    """Whether the same optimizer was run on another data set for as long, with the same network."""
    here = arm.workload
    return any(
        other.optimizer == arm.optimizer
        and other.workload.dataset != here.dataset
        and (other.workload.regime, other.workload.network) == (here.regime, here.network)
        for other in found
    )
