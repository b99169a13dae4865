"""Records of a fair study -> its section: verdicts, tables, figures, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments import optimizers
from experiments.analysis.arms import Arm, arms, workloads
from experiments.analysis.summaries import Entry
from experiments.protocols.fair import constants
from experiments.reports.fair import comparison_tables, figures, questions, tables
from experiments.reports.fair.missing import finished, missing
from experiments.reports.labels import optimizer_order, optimizer_title
from experiments.reports.one_study import study_of
from experiments.reports.section import Question, Section
from experiments.reports.study_notes import budget_note, closing_notes
from experiments.reports.table import DIVERGED, Table
from experiments.reports.workload_titles import regimes, workload_title


def build(entries: Sequence[Entry], question: Question) -> list[Section]:
    """One section a study: records of another content hash are left out, with a notice.

    Args:
        entries: of one protocol and version.
        question: what the caller asks; its folder stands in the commands.
    """
    study = study_of(entries, constants.budgets())
    found = arms(study.records, constants.protocol()["tuned_in"])
    judged = [finished(arm, study.budget) for arm in found]
    whole = workloads(judged)
    answers = questions.answers(judged)
    ours = any(arm.optimizer == tables.OURS for arm in judged)
    made: list[Table | None] = [tables.answer_table(whole) if ours else None]
    made += [
        tables.workload_table(workload, these, _judged(whole[workload]))
        for workload, these in workloads(found).items()
    ]
    made += [comparison_tables.ranks_table(whole), comparison_tables.differences_table(answers)]
    made.append(tables.settings_table(found))
    return [
        Section(
            title=study.title,
            slug=study.slug,
            description=_description(found, study.budget),
            verdicts=tuple(
                study.opening + line
                for line in (*questions.unasked(found), *(answer.line for answer in answers))
            ),
            tables=tuple(table for table in made if table is not None),
            figures=study.marked(figures.available(found, answers)),
            notes=(
                *_notes(judged, study.budget, ours=ours),
                *([DIVERGED_RUNS] if any(map(_diverged, found)) else []),
            ),
            missing=(*study.excluded, *missing(found, study.budget, question.folder)),
        )
    ]


def _description(found: Sequence[Arm], budget: str) -> str:
    """What the protocol does, and what its regimes are."""
    known = constants.protocol()["regimes"]
    there = sorted({arm.workload.regime for arm in found} & known.keys())
    described = constants.protocol()["description"]
    return f"{described}. Regime {regimes(there, budget)}" if there else described


def _judged(arms: Mapping[str, Arm]) -> list[str]:
    return [name for name, arm in arms.items() if arm.tuned]


_DEFAULTS = {
    "nadamw": "NadamW at AdamW's rate (its author's is twice that)",
    "schedule_free_adamw": "schedule-free AdamW without the warm-up that its authors advise",
    "signum": "Signum at a tenth of Adam's rate (its authors tune it)",
    "lion": "Lion at a third of Adam's rate without weight decay (its authors: a third to a tenth, "
    "and as many times the decay)",
    "smes": "SMES at the rate and eps that the validation images of another study preferred, in "
    "units of the measured size of each data set's gradients where that was measured",
}
"""Untuned defaults that are not their authors' settings."""


OF_SMES = (
    "SMES had more than the others beforehand: it has no published settings, and the rate and eps "
    "that its search begins at were chosen on validation images, in the study of its exponent on "
    "Fashion-MNIST, the digits and GTSRB-32."
)


def _notes(found: Sequence[Arm], budget: str, *, ours: bool) -> list[str]:
    best_other = (
        "The best other is chosen by the very test result that is shown, so it is rather too high."
    )
    there = {arm.optimizer for arm in found if arm.default}
    others = "; ".join(words for name, words in _DEFAULTS.items() if name in there)
    notes = [
        *budget_note(budget),
        "Every optimizer was tuned with the same number of runs on validation images; the test "
        "images were read by the final and the untuned runs alone, at their end.",
        *([OF_SMES] if any(arm.optimizer == "smes" for arm in found) else []),
        "Untuned is an optimizer at the benchmark's defaults with a constant learning rate"
        + (f": {others}." if others else "."),
        *([best_other] if ours else []),  # it speaks of the table that only then is there
        *_of_untuned_regimes(found),
        *_of_some_places(found),
        *_of_shared_seeds(found),
        "The bounds between which each optimizer was tuned stand in "
        "experiments/optimizers/bounds.py." + _what_was_fixed(found),
        "Rates within 1 point of the best: their ends are interpolated between the rates tried, "
        "half a decade apart, so that in a range below half a decade mostly one was tried.",
        "A rank is by the mean in its table, over all seeds of each optimizer; its interval is "
        "from paired differences over the seeds that two share.",
    ]
    return [*notes, *closing_notes(found)]


def _of_untuned_regimes(found: Sequence[Arm]) -> list[str]:
    """That a regime has no tuning of its own."""
    there = {arm.workload.regime for arm in found}
    return [
        f"Regime {regime} is not tuned in: its final runs are at the settings that won in regime "
        f"{other}."
        for regime, other in constants.protocol()["tuned_in"].items()
        if regime in there
    ]


DIVERGED_RUNS = (
    f"{DIVERGED}: so many of these final or untuned runs diverged; each counts as chance."
)


def _diverged(arm: Arm) -> bool:
    return any(one.status != "ok" for one in (*arm.tuned, *arm.default))


def _what_was_fixed(found: Sequence[Arm]) -> str:
    """What of the benchmark's own optimizers no search moves, with its value."""
    names = optimizer_order({arm.optimizer for arm in found if arm.tuned})
    spaces = {name: optimizers.resolve(name).space for name in names if name in optimizers.NAMES}
    each = [
        f"{optimizer_title(name)}'s {', '.join(f'{k} {v}' for k, v in space.fixed.items())}"
        for name, space in spaces.items()
        if space.fixed
    ]
    return f" Fixed were {'; '.join(each)}." if each else ""


def _of_some_places(found: Sequence[Arm]) -> list[str]:
    """Which optimizers have their final or untuned runs in some places of the study alone."""
    have: dict[str, list[str]] = {}
    for arm in found:
        if arm.tuned or arm.default:
            have.setdefault(arm.optimizer, []).append(workload_title(arm.workload))
    places = {place: None for there in have.values() for place in there}
    names: dict[str, list[str]] = {}
    for name in optimizer_order(have):
        there = [place for place in places if place in have[name]]
        if len(there) < len(places):
            names.setdefault(" and ".join(there), []).append(optimizer_title(name))
    if not names:
        return []
    each = ". ".join(f"{', '.join(some)}: on {there} alone" for there, some in names.items())
    return [
        f"Not every optimizer was run on all {len(places)} data sets and regimes, and the best "
        f"other and the ranks are of those that were. {each}."
    ]


def _of_shared_seeds(found: Sequence[Arm]) -> list[str]:
    """Why the first table's gain need not be the difference of the means beside it."""
    for these in workloads(found).values():
        if {tables.OURS, tables.REFERENCE, tables.UNTUNED} <= these.keys():
            ours, tuned = these[tables.OURS].tuned, these[tables.REFERENCE].tuned
            seeds = [
                {one.seed for one in some} for some in (ours, tuned, these[tables.UNTUNED].default)
            ]
            many, few = len(ours), len(set.intersection(*seeds))
            if 0 < few < many:
                return [
                    "The gain and what is left of it are over the seeds that ThermoLion, untuned "
                    f"Adam and AdamW share, {few}; the accuracies beside them are over all of an "
                    f"optimizer's, {many} for ThermoLion, so their differences may be others."
                ]
    return []
