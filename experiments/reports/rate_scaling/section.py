"""Records of a rate scaling study -> its section: where the best rates lie, and how they move."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.analysis.arm_profile import profile_of
from experiments.analysis.arms import Arm, Workload
from experiments.analysis.rate_scaling import power_law
from experiments.analysis.rates import Profile
from experiments.analysis.short_arms import short_arms
from experiments.analysis.summaries import Entry
from experiments.protocols.rate_scaling import NAME, constants
from experiments.reports.fair import tuning_figures
from experiments.reports.labels import (
    dataset_title,
    optimizer_order,
    optimizer_title,
    with_network,
)
from experiments.reports.missing import lines, study_command, with_command
from experiments.reports.one_study import study_of
from experiments.reports.section import Figure, Question, Section, slug
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


Profiles = Mapping[Place, Mapping[str, Profile]]
"""Validation accuracy against learning rate, by place, then by optimizer."""


def build(entries: Sequence[Entry], question: Question) -> list[Section]:
    """One section a study: records of another content hash are left out, with a notice.

    Args:
        entries: of one protocol and version.
        question: what the caller asks; its folder stands in the commands.
    """
    study = study_of(entries, constants.protocol()["budgets"])
    arms = short_arms(study.records)
    found = profiles(arms, study.budget)
    return [
        Section(
            title=study.title,
            slug=study.slug,
            description=constants.protocol()["description"],
            verdicts=tuple(study.opening + line for line in laws(found)),
            tables=(rates_table(found),) if found else (),
            figures=study.marked(pictures(found)),
            notes=tuple(_notes(arms, found, study.budget)),
            missing=(*study.excluded, *missing(arms, study.budget, question.folder)),
        )
    ]


def profiles(arms: Sequence[Arm], budget: str) -> Profiles:
    """Every place's profiles of which all runs are there, in the order of tables."""
    found: dict[Place, dict[str, Profile]] = {}
    for arm in arms:
        profile, first = profile_of(arm), arm.ledger[0]
        if profile is not None and len(arm.ledger) >= runs_wanted(budget):
            steps, size = (int(first.settings[name]) for name in ("steps", "batch_size"))
            # What was trained on: of few images a batch is half of them at most.
            size = min(size, (first.data.examples or 2 * size) // 2)
            place = Place(title(arm.workload), steps, size)
            found.setdefault(place, {})[arm.optimizer] = profile
    return {
        place: {name: found[place][name] for name in optimizer_order(found[place])}
        for place in sorted(found)
    }


def title(workload: Workload) -> str:
    """What was learnt, with what where that is not the convnet."""
    return with_network(dataset_title(workload.dataset), workload.network)


def pictures(found: Profiles) -> list[Figure]:
    """The figures: one for each data set and number of steps."""
    groups: dict[tuple[str, int], dict[Place, Mapping[str, Profile]]] = {}
    for place, some in found.items():
        groups.setdefault((place.where, place.steps), {})[place] = some
    return [
        Figure(
            slug(f"{where} {steps}"),
            f"Validation accuracy against learning rate: {where}, {steps:,} steps, by batch size "
            "(mean over seeds; bands: worst to best)",
            functools.partial(draw, some),
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
            mark = EDGE if profile.at_edge else ""
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
    both = {*RATIO} <= {name for some in found.values() for name in some}
    ratio = " and the last column" if both else ""
    notes = [
        *budget_note(budget),
        f"Every rate was run with seeds {' and '.join(map(str, numbers['seeds']))} under the "
        f"schedule {numbers['schedule']}, all else at its default; no test image was read.",
        "Usable rates are those within 1 point of the best, the accuracy between two rates taken "
        "as linear in the rate's logarithm. They lie around the root of lowest times highest; the "
        f"lines above{ratio} are of that centre, which is finer than the grid.",
        "Two seeds give no interval: a factor below two between two rates may be chance.",
    ]
    if any(profile.at_edge for some in found.values() for profile in some.values()):
        notes.append(AT_EDGE)
    return [*notes, *part_notes(arms)]


def runs_wanted(budget: str) -> int:
    """How many runs an optimizer has at one place."""
    numbers = constants.protocol()
    return numbers["budgets"][budget]["rates"] * len(numbers["seeds"])


def missing(arms: Sequence[Arm], budget: str, folder: str) -> list[str]:
    """Places with too few runs, and the command that goes on with them.

    Args:
        arms: of the study.
        budget: of the study.
        folder: of the records, for the command.
    """
    places: dict[str, dict[str, Arm]] = {}
    for where in dict.fromkeys(title(arm.workload) for arm in arms):
        for regime in constants.regimes(budget):
            places[f"{where}, {regime}"] = {}
    for arm in arms:
        place = f"{title(arm.workload)}, {arm.workload.regime}"
        places.setdefault(place, {})[arm.optimizer] = arm  # a regime of other steps or batches
    names = [*dict.fromkeys(arm.optimizer for arm in arms)]
    lacking = lines(places, names, lambda name: {"tune": runs_wanted(budget)}, optimizer_title)
    command = study_command(
        NAME,
        [arm.workload.dataset for arm in arms],
        folder,
        budget=budget,
        networks=[arm.workload.network for arm in arms],
        optimizers=names,
    )
    return with_command(lacking, command)
