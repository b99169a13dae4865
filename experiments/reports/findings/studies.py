"""A folder of studies -> the arms whose final runs are whole, and how many runs others lack."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from experiments import records
from experiments.analysis import summaries
from experiments.analysis.arms import Arm, Workload, arms, whole, workloads
from experiments.analysis.short_arms import short_arms
from experiments.protocols.ablation import constants as ablation
from experiments.protocols.fair import constants as fair
from experiments.protocols.label_noise import constants as label_noise
from experiments.records import Record
from experiments.reports import report
from experiments.reports.fair.missing import confirmed
from experiments.reports.labels import optimizer_title
from experiments.reports.one_study import of_one_study
from experiments.reports.section import Question

SCOPE: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "fair": (("fashion_mnist", "gtsrb32.npz", "digits"), ("A", "B")),
    "ablation": (("fashion_mnist", "gtsrb32.npz"), ("A", "B")),
    "label_noise": (("fashion_mnist",), ()),
}
"""Study -> the data sets and regimes that an answer takes; more are welcome."""

NETWORK = "convnet"


@dataclass(frozen=True)
class StudyResults:
    """What the full-budget records of one protocol hold.

    Attributes:
        name: of the protocol, and of the folder.
        arms: those with the ConvNet, runs of settings that are not judged whole left out.
        elsewhere: likewise, those with another network, and in regimes that are not tuned in.
        have: final runs that there are, by data set, regime, optimizer and setting.
        report: folder of its report, beside the page.
        figures: file beside the page by the figure's key, of those that the report draws.
        runs: how many runs there are in all.
    """

    name: str
    arms: tuple[Arm, ...]
    elsewhere: tuple[Arm, ...]
    have: Mapping[tuple[str, str, str, str], int]
    report: str
    figures: Mapping[str, str]
    runs: int

    @property
    def by_workload(self) -> dict[Workload, dict[str, Arm]]:
        """The arms of each workload by optimizer, in the order of the data sets above."""
        order = SCOPE[self.name][0]
        made = workloads(self.arms).items()
        return dict(sorted(made, key=lambda one: _place(one[0], order)))

    def lacking(self, dataset: str, regime: str, optimizer: str, setting: str = "tuned") -> int:
        """How many final runs are still to come."""
        key = (dataset, regime, optimizer, setting)
        return max(0, wanted(self.name, optimizer) - self.have.get(key, 0))


def contestants() -> list[str]:
    """The optimizers that the fair protocol tunes, everywhere.

    Example:
        >>> "muon" in contestants(), "muadam" in contestants()
        (True, False)
    """
    numbers = fair.protocol()
    return [name for name in numbers["optimizers"] if name not in numbers["default_only"]]


def wanted(study: str, optimizer: str) -> int:
    """Final runs of an optimizer in one place."""
    if study != "fair":
        numbers = {"ablation": ablation, "label_noise": label_noise}[study].protocol()
        return numbers["budgets"]["full"]["final"]
    return fair.runs_by_phase(optimizer, "full")["default"]


def read_study(folder: str | os.PathLike[str], name: str) -> StudyResults:
    """One study; without records it has no arms.

    Args:
        folder: holds the study's folder, which has the protocol's name.
        name: of the protocol.

    Raises:
        records.RecordError: a line that is not a record.
    """
    place = Path(folder) / name
    reading = records.read(place, missing_ok=True).records
    found = [one for one in reading if one.protocol == name and one.budget in (None, "full")]
    latest = max((one.protocol_version for one in found), default=0)
    kept, _ = of_one_study([one for one in found if one.protocol_version == latest])
    every = _arms(name, kept)
    have = {
        (arm.workload.dataset, arm.workload.regime, arm.optimizer, setting): len(
            getattr(arm, setting)
        )
        for arm in every
        if _in_scope(name, arm.workload)
        for setting in ("tuned", "carried", "default")
    }
    # `report` writes into a folder of its own, unless it is told another, as for this project's.
    drawn = f"{name}/report" if (place / "report").is_dir() else name
    figures = _figures(reading, f"Protocol {name}, version {latest}", drawn) if kept else {}
    judged = [whole(arm, wanted(name, arm.optimizer)) for arm in every]
    inside = tuple(arm for arm in judged if _in_scope(name, arm.workload))
    outside = tuple(arm for arm in judged if not _in_scope(name, arm.workload))
    return StudyResults(name, inside, outside, have, drawn, figures, len(kept))


def _in_scope(study: str, workload: Workload) -> bool:
    """Whether a question is answered there, on whatever data set, in any regime tuned in."""
    untuned = study == "fair" and workload.regime in fair.protocol()["tuned_in"]
    return workload.network == NETWORK and not untuned


def _arms(name: str, found: Sequence[Record]) -> list[Arm]:
    if name == "fair":
        made = [confirmed(arm, "full") for arm in arms(found, fair.protocol()["tuned_in"])]
        return [_carried_over_all(arm, made) for arm in made]
    derived = ablation.protocol()["derived"] if name == "ablation" else {}
    return short_arms(found, {one["optimizer"]: key for key, one in derived.items()})


def _carried_over_all(arm: Arm, every: Sequence[Arm]) -> Arm:
    """What is best on the other sets is not known before all of them have been searched."""
    searched = {
        one.workload.dataset
        for one in every
        if (one.optimizer, one.workload.regime, one.workload.network)
        == (arm.optimizer, arm.workload.regime, arm.workload.network)
        and one.winner
    }
    return arm if searched >= set(SCOPE["fair"][0]) else replace(arm, carried=())


def _figures(found: Sequence[Record], title: str, drawn: str) -> dict[str, str]:
    """The files that `report` writes, by key; which there are follows from the records, too."""
    return {
        figure.key: f"{drawn}/{section.slug}-{figure.key}.svg"
        for section in report.sections(summaries.entries(found), Question(drawn, None))
        for figure in section.figures
        if section.title == title
    }


def _place(workload: Workload, order: Sequence[str]) -> tuple[int, str, str]:
    place = order.index(workload.dataset) if workload.dataset in order else len(order)
    return place, workload.dataset, workload.regime


Called = Callable[[str], str]


def missing_runs(
    study: StudyResults,
    places: Sequence[tuple[str, str]],
    names: Sequence[tuple[str, str]],
    called: Called = optimizer_title,
    where: Callable[[str, str], str] = "{}, {}".format,
) -> str | None:
    """What final runs are still to come, counted, in a line; None where there are all.

    Args:
        study: whose.
        places: data sets and regimes.
        names: optimizers, and the setting of their runs.
        called: what an optimizer is called.
        where: what a place is called.
    """
    parts, total = [], 0
    for dataset, regime in places:
        lack = {name: study.lacking(dataset, regime, *name) for name in names}
        lack = {name: count for name, count in lack.items() if count}
        total += sum(lack.values())
        if len(lack) == len(names) and all(
            count == wanted(study.name, name) for (name, _), count in lack.items()
        ):
            parts.append(f"{where(dataset, regime)}: all {sum(lack.values())}")
        elif lack:
            each = ", ".join(f"{called(name)} {count}" for (name, _), count in lack.items())
            parts.append(f"{where(dataset, regime)}: {each}")
    if not parts:
        return None
    whole = len(places) * sum(wanted(study.name, name) for name, _ in names)
    if total == whole:
        return f"Missing: all of the {whole} final runs."
    return f"Missing, {total} of {whole} final runs: {'; '.join(parts)}."
