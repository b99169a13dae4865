"""From Signum to ThermoLion part by part, and without one part: what each step brings."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from experiments.analysis import verdicts
from experiments.analysis.arms import Arm, Workload
from experiments.analysis.difference import Difference, level_of
from experiments.analysis.final_differences import accuracy_difference
from experiments.protocols.ablation import constants
from experiments.reports.ablation.tables import HEADER, arm_cells, arm_data, arm_title
from experiments.reports.table import DASH, Table
from experiments.reports.workload_titles import budget_of, workload_heading, workload_title

OWN = "thermolion"
ALL = "all, from Signum"
"""The last step up, which is over all the others."""


@dataclass(frozen=True)
class Stairs:
    """Differences that are read as one list.

    Attributes:
        key: of the figure and the table.
        title: of both.
        against: what each step is compared with.
        base: the arm that the first of them starts from.
        steps: by label, the two arms whose difference it is.
    """

    key: str
    title: str
    against: str
    base: str
    steps: Mapping[str, tuple[str, str]]

    @property
    def level(self) -> str:
        """The intervals' level: one of as many comparisons as there are steps."""
        return f"{100 * level_of(len(self.steps)):.4g} %"

    def differences(self, arms: Mapping[str, Arm]) -> dict[str, Difference]:
        """Held-out points by step, of those whose two arms have final runs."""
        found = {
            label: accuracy_difference(
                arms[one].tuned, arms[other].tuned, comparisons=len(self.steps)
            )
            for label, (one, other) in self.steps.items()
            if one in arms and other in arms
        }
        return {label: each for label, each in found.items() if each is not None}


def stairs() -> tuple[Stairs, Stairs]:
    """Up and down."""
    numbers = constants.protocol()
    labels: Mapping[str, str] = numbers["up"]
    first, last = next(iter(labels)), list(labels)[-1]
    up = {labels[new]: (new, old) for old, new in itertools.pairwise(labels)}
    up[ALL] = (last, first)
    down = {label: (name, OWN) for name, label in numbers["down"].items()}
    return (
        Stairs("up", "From Signum to ThermoLion, part by part", "the stage before", first, up),
        Stairs("down", "ThermoLion without one part", "ThermoLion", OWN, down),
    )


def stairs_table(one: Stairs, by_workload: Mapping[Workload, Mapping[str, Arm]]) -> Table | None:
    """Every arm of the stairs; None where there is none of the differences."""
    rows, data = [], []
    for workload, arms in by_workload.items():
        found = one.differences(arms)
        shown = {} if not found else {arm_title(one.base): (one.base, None), **one.steps}
        for label, (name, _) in shown.items():
            if name not in arms or not arms[name].tuned:
                continue
            said = verdicts.verdict(label, one.against, found[label]) if label in found else None
            called = f"{workload_title(workload)}: {label}"
            rows.append(
                (
                    *arm_cells(called, arms[name]),
                    said.numbers if said else DASH,
                    said.case if said else DASH,
                )
            )
            data.append(arm_data(one.key, workload, arms[name], (said, None)) | {"step": label})
    if not rows:
        return None
    against = one.against + (f" ({ALL}: minus that)" if ALL in one.steps else "")
    words = f"minus {against}, held-out points at {one.level}"
    return Table(one.key, one.title, (*HEADER[:4], words, HEADER[5]), tuple(rows), tuple(data))


def panel_title(arms: Mapping[str, Arm]) -> str:
    """Of the panel of a workload's arms."""
    workload = next(iter(arms.values())).workload
    return workload_heading(workload, budget_of(arms.values()))


def panels(one: Stairs, workloads: Iterable[Mapping[str, Arm]]) -> dict[str, dict[str, Difference]]:
    """The differences by a workload's title, where there are any."""
    found = {panel_title(arms): one.differences(arms) for arms in workloads}
    return {title: some for title, some in found.items() if some}
