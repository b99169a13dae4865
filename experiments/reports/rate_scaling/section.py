"""Records of a rate scaling study -> its section: where the best rates lie, and how they move."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.analysis.arms import Arm
from experiments.analysis.rate_scaling import power_law
from experiments.analysis.rates import Profile
from experiments.analysis.short_arms import short_arms
from experiments.analysis.statistics import Entry
from experiments.protocols.rate_scaling import NAME, constants
from experiments.records import Record
from experiments.reports.fair import tuning_figures
from experiments.reports.fair.rates import profile_of
from experiments.reports.labels import (
    dataset_title,
    optimizer_order,
    optimizer_title,
)
from experiments.reports.missing import study_command, with_command
from experiments.reports.one_study import of_one_study
from experiments.reports.section import Figure, Question, Section, opening, slug
from experiments.reports.study_notes import AT_EDGE, budget_note, part_notes
from experiments.reports.table import DASH, EDGE, CsvRow, Table

RATIO = ("thermolion", "adamw")
"""Whose rate is given in units of whose."""


@dataclass(frozen=True, order=True)
class Place:
    """Where optimizers were compared.

    Attributes:
        where: the data set's title, and the network where it is not the convnet.
        steps: of each run.
        batch_size: images a step.
    """

    where: str
    steps: int
    batch_size: int

    def __str__(self) -> str:
        return f"{self.where}, {self.steps:,} steps of {self.batch_size:,}"


Learnt = tuple[str, str, str]
"""What a run learnt: the data set, its fingerprint and the network."""

Titles = Mapping[Learnt, str]
"""What the report calls each."""

Profiles = Mapping[Place, Mapping[str, Profile]]
"""Validation accuracy against learning rate, by place, then by optimizer."""


def build(entries: Sequence[Entry], question: Question) -> list[Section]:
    """One section a study: records of another content hash are left out, with a notice.

    Args:
        entries: of one protocol and version.
        question: what the caller asks; its folder stands in the commands.
    """
    records, excluded = of_one_study([one for entry in entries for one in entry.records])
    first = records[0]
    budget = first.budget or "full"
    arms, called = short_arms(records), titles(entries)
    found = profiles(arms, called, budget)
    start = opening(budget)
    return [
        Section(
            title=f"Protocol {first.protocol}, version {first.protocol_version}",
            slug=slug(f"{first.protocol} v{first.protocol_version}"),
            description=constants.protocol()["description"],
            verdicts=tuple(start + line for line in laws(found)),
            tables=(rates_table(found),) if found else (),
            figures=tuple(
                Figure(key, start + caption, functools.partial(draw, some))
                for key, caption, some in pictures(found)
            ),
            notes=tuple(_notes(arms, found, budget)),
            missing=(*excluded, *missing(records, called, budget, question.folder)),
        )
    ]


def profiles(arms: Sequence[Arm], called: Titles, budget: str) -> Profiles:
    """Every place's profiles of which all runs are there, in the order of tables."""
    found: dict[Place, dict[str, Profile]] = {}
    for arm in arms:
        profile, first = profile_of(arm), arm.ledger[0]
        if profile is not None and len(arm.ledger) >= runs_wanted(budget):
            steps, size = (int(first.settings[name]) for name in ("steps", "batch_size"))
            place = Place(called[learnt(first)], steps, size)
            found.setdefault(place, {})[arm.optimizer] = profile
    return {
        place: {name: found[place][name] for name in optimizer_order(found[place])}
        for place in sorted(found)
    }


def learnt(record: Record) -> Learnt:
    """What a run learnt: the data set, its fingerprint and the network."""
    return record.dataset, record.fingerprint, record.network


def titles(entries: Sequence[Entry]) -> Titles:
    """What the report calls what was learnt; different data of one name are told apart before."""
    return {
        learnt(one): dataset_title(entry.dataset)
        + (f", {one.network}" if one.network != "convnet" else "")
        for entry in entries
        for one in entry.records
    }


def pictures(found: Profiles) -> list[tuple[str, str, Profiles]]:
    """Key, caption and content of the figures: one for each data set and number of steps."""
    groups: dict[tuple[str, int], dict[Place, Mapping[str, Profile]]] = {}
    for place, some in found.items():
        groups.setdefault((place.where, place.steps), {})[place] = some
    return [
        (
            slug(f"{where} {steps}"),
            f"Validation accuracy against learning rate: {where}, {steps:,} steps, by batch size "
            "(mean over seeds; bands: worst to best)",
            some,
        )
        for (where, steps), some in groups.items()
    ]


def draw(found: Profiles) -> dict[str, bytes]:
    """A column for each place."""
    return tuning_figures.learning_rates({str(place): some for place, some in found.items()})


def rates_table(found: Profiles) -> Table:
    """A row for each place: every optimizer's best rate and those within 1 point of it."""
    names = optimizer_order(name for some in found.values() for name in some)
    both = set(RATIO) <= set(names)
    rows: list[tuple[str, ...]] = []
    data: list[CsvRow] = []
    for place, some in found.items():
        cells = [str(place)]
        for name in names:
            profile = some.get(name)
            if profile is None:
                cells += [DASH, DASH]
                continue
            width = profile.width()
            mark = EDGE if profile.edge else ""
            cells += [f"{profile.best:.2g}{mark}", f"{width.low:.2g} to {width.high:.2g}"]
            data.append(
                {
                    "where": place.where,
                    "steps": place.steps,
                    "batch_size": place.batch_size,
                    "optimizer": name,
                    "best": profile.best,
                    "low": width.low,
                    "high": width.high,
                    "centre": width.centre,
                    "reaches_an_end": width.at_least,
                    "validation_accuracy": float(profile.mean.max()) / 100,
                }
            )
        if both:
            one, other = (some[name].width().centre if name in some else None for name in RATIO)
            cells.append(f"{one / other:.2g}" if one and other else DASH)
        rows.append(tuple(cells))
    header = ["data set, steps, batch size"]
    for name in names:
        header += [f"{optimizer_title(name)}: best rate", "within 1 point of it"]
    if both:
        header.append(" / ".join(map(optimizer_title, RATIO)))
    words = "Learning rates: the best on validation images, and those within 1 point of it"
    return Table("rates", words, tuple(header), tuple(rows), tuple(data))


def laws(found: Profiles) -> list[str]:
    """One line an optimizer and data set: the power law of its usable rates, and how near it is."""
    centres: dict[tuple[str, str], dict[tuple[int, int], float]] = {}
    for place, some in found.items():
        for name, profile in some.items():
            of_one = centres.setdefault((place.where, name), {})
            of_one[place.steps, place.batch_size] = profile.width().centre
    lines = []
    for (where, name), rates in centres.items():
        start, law = f"{where}, {optimizer_title(name)}: ", power_law(rates)
        lines.append(
            f"{start}No answer yet: too few steps and batch sizes."
            if law is None
            else f"{start}usable rates lie around {law}; the {len(rates)} measured within a factor "
            f"of {law.worst:.2g}."
        )
    return lines


def _notes(arms: Sequence[Arm], found: Profiles, budget: str) -> list[str]:
    numbers = constants.protocol()
    notes = [
        *budget_note(budget),
        f"Every rate was run with seeds {' and '.join(map(str, numbers['seeds']))} under the "
        f"schedule {numbers['schedule']}, all else at its default; no test image was read.",
        "Usable rates are those within 1 point of the best, the accuracy between two rates taken "
        "as linear in the rate's logarithm. They lie around the root of lowest times highest; the "
        "last column and the lines above are of that centre, which is finer than the grid.",
        "Two seeds give no interval: a factor below two between two rates may be chance.",
    ]
    if any(profile.edge for some in found.values() for profile in some.values()):
        notes.append(AT_EDGE)
    return [*notes, *part_notes(arms)]


def runs_wanted(budget: str) -> int:
    """How many runs an optimizer has at one place."""
    numbers = constants.protocol()
    return numbers["budgets"][budget]["rates"] * len(numbers["seeds"])


def missing(records: Sequence[Record], called: Titles, budget: str, folder: str) -> list[str]:
    """Places with too few runs, and the command that goes on with them.

    Args:
        records: of the study.
        called: see `titles`.
        budget: of the study.
        folder: of the records, for the command.
    """
    wanted = runs_wanted(budget)
    groups: dict[tuple[str, str], dict[str, int]] = {}
    for one in records:
        empty = dict.fromkeys(constants.regimes(budget), 0)
        groups.setdefault((called[learnt(one)], one.optimizer), empty)[str(one.regime)] += 1
    lacking = [
        f"{optimizer_title(name)} on {where}, {regime}: {count} of {wanted} runs"
        for (where, name), counts in groups.items()
        for regime, count in counts.items()
        if count < wanted
    ]
    command = study_command(
        NAME,
        [one.dataset for one in records],
        folder,
        budget=budget,
        networks=[one.network for one in records],
        optimizers=[name for _, name in groups],
    )
    return with_command(lacking, command)
