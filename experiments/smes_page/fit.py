"""The exponent study on the page: fit, gap, sparsity, and the settings that validation prefers."""

from __future__ import annotations

import shlex
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from experiments.analysis import summaries
from experiments.analysis.arms import whole
from experiments.analysis.exponent_cells import exponent_cells
from experiments.analysis.short_arms import short_arms
from experiments.protocols.exponent import constants
from experiments.protocols.exponent.study import NAME
from experiments.records import Record
from experiments.reports import markdown
from experiments.reports.exponent import section as exponent_section
from experiments.reports.exponent.claims import Claim, claims, has_all
from experiments.reports.exponent.whole import NETWORK, REGIMES, SETS, missing_of
from experiments.reports.section import Question, Section
from experiments.reports.table import EDGE
from experiments.smes_page.answers import answers
from experiments.smes_page.part import Part, bullets, image, not_run, part

SECONDS_A_RUN = 22.0
"""A run on one core of two, where there are no records to tell: the median of results/smes."""

CORES = 2
"""Of the machine that the time to come is told for; each makes a run of its own."""

FIGURES = {"faster": ("train-loss",), "gap": ("gap", "held-out"), "sparsity": ("sparsity",)}
"""By question the figures of the study's report."""

MEASURED_BY = {
    "faster": "Read from the train loss at the end of the same number of steps, at the setting "
    "that is best on validation: better means that it ends at a smaller train loss.",
    "gap": "Read from the validation loss where both have come down to the same train loss, the "
    "larger of their final ones: better means a smaller validation loss there. The one that fits "
    "worse comes down to it near the end of its schedule, the other earlier in its own, at a "
    "larger rate.",
    "sparsity": "Read from held-out accuracy: better means that the first α is further ahead "
    "where pixels are set to mid-grey than where none are.",
}
"""By question what the verdicts compare."""

BY = {"faster": ", by the train loss after equal steps at the setting best on validation"}
"""The same in a few words, where the question could be taken otherwise."""

TWO_CHOICES = (
    "In each data set and regime every setting ran on one seed and the two best on a second; these "
    "two stand before the others, by the mean of both seeds, and the table has the best mean rank "
    "over all; one chosen over more of them need not be at its best on those that all have. The "
    "runs whose losses and accuracies stand above were chosen in each data set and "
    f"regime apart, so an α may have other settings there. {EDGE}: the outermost that was tried."
)
"""How the table of settings is made, and why it and that of the arms need not agree."""

ANSWERS = {
    "better": "yes",
    "better by less": "yes, by less than counts",
    "worse": "the contrary",
    "worse by less": "the contrary, by less than counts",
    "no larger difference": "no difference that counts",
    "undecided": "undecided",
    "mixed": "yes and the contrary, by set",
}
"""Cases of the rule as answers: of each pair the first exponent is to be the better."""

DEPENDS = ANSWERS | {
    "worse": "the larger α's lead shrinks with it",
    "worse by less": "the larger α's lead shrinks with it by less than counts",
    "better": "the larger α's lead grows with it",
    "better by less": "the larger α's lead grows with it by less than counts",
}
"""The same of a lead, which may grow without that the best α becomes another."""


def parts(kept: Sequence[Record], shown: str) -> list[Part]:
    """The three questions, and the settings that validation prefers.

    Args:
        kept: of one study of the full budget.
        shown: the folder of the study's report, as the page links to it.
    """
    questions = constants.protocol()["questions"]
    settings = "Which setting does validation prefer at each α?"
    if not kept:
        return [
            not_run(title) for title in (*(one["text"] for one in questions.values()), settings)
        ]
    (made,) = exponent_section.build(summaries.entries(kept), Question(shown))
    numbers = constants.protocol()
    arms = [whole(arm, numbers["budgets"]["full"]["final"]) for arm in short_arms(kept)]
    cells = exponent_cells(arms, numbers["alphas"])
    found = claims(cells)
    complete = {
        (cell.dataset, cell.regime)
        for cell in cells
        if not cell.sparsity
        and (cell.dataset in SETS and cell.regime in REGIMES and cell.network == NETWORK)
        and has_all(cell, numbers["alphas"])
    }
    wanted = len(SETS) * len(REGIMES)
    so_far = (
        f" (complete on {len(complete)} of {wanted} pairs of data set and length)"
        if len(complete) < wanted
        else ""
    )
    asked = []
    for key in questions:
        own = [one for one in found if one.asked == key]
        # Sparsity varies within one data set.
        lacking = _unanswered(own) if key == "sparsity" else so_far
        asked.append(_question(key, own, made, shown, lacking))
    return [*asked, _settings(settings, made, shown)]


def _question(key: str, found: list[Claim], made: Section, shown: str, so_far: str) -> Part:
    words = DEPENDS if key == "sparsity" else ANSWERS
    cases: dict[str, list[Claim]] = {}
    for one in found:
        if one.verdict is not None:
            cases.setdefault(words[one.verdict.case], []).append(one)
    listed = ", ".join(
        f"{case} in {len(some)}{_some_sets(some)}"
        for case, some in sorted(cases.items(), key=lambda item: -len(item[1]))
    )
    listed += "".join(f"; {one.summary.rstrip('.')}" for one in found if one.best)
    return part(
        constants.protocol()["questions"][key]["text"],
        f"of {sum(map(len, cases.values()))} comparisons{BY.get(key, '')}: {listed}{so_far}"
        if cases
        else "no answer yet",
        [MEASURED_BY[key]],
        *answers(found),
        *_others(key, made),
        *_images(FIGURES[key], made, shown),
    )


def _unanswered(found: Sequence[Claim]) -> str:
    """How many comparisons have no verdict yet."""
    count = sum(one.verdict is None and not one.best for one in found)
    return f" ({count} more lack runs)" if count else ""


def _some_sets(found: Sequence[Claim]) -> str:
    """Of verdicts over data sets which do not hold on each by itself, and where they do."""
    partly = Counter(
        " and ".join(one.shown_on) or "none"
        for one in found
        if one.verdict is not None
        and one.verdict.case not in ("mixed", "undecided")
        and len(one.shown_on) < len(one.sets)
    )
    told = ", ".join(f"{count} shown on {names} alone" for names, count in partly.items())
    return f" ({told})" if told else ""


def _others(key: str, made: Section) -> list[list[str]]:
    """What became of the arms beside the fixed α, which no question asks about."""
    if key != "faster":
        return []
    lines = [
        f"{row[0]}: train loss {row[3]}, held-out {row[4]} %"
        for table in made.tables
        if table.key == "exponents"
        for row, data in zip(table.rows, table.data, strict=True)
        if row and data["arm"] not in constants.protocol()["alphas"]
    ]
    return [["Beside the fixed α, which the questions are about:"], bullets(lines)] if lines else []


def _settings(title: str, made: Section, shown: str) -> Part:
    tables = [table for table in made.tables if table.key == "settings"]
    return part(
        title,
        "in the table" if tables else "no answer yet",
        *([f"{table.title}:", "", markdown.table(table), "", TWO_CHOICES] for table in tables),
        *_images(("heat",), made, shown),
        [f"Every arm, table and figure: [the study's report]({shown}/report.md)."],
    )


def _images(keys: Sequence[str], made: Section, shown: str) -> list[list[str]]:
    captions = {figure.key: figure.caption for figure in made.figures}
    return [
        image(f"{shown}/{made.slug}-{key}.svg", captions[key]) for key in keys if key in captions
    ]


def _core_seconds(one: Record) -> float:
    """A run's seconds times the cores that it had to itself; all devices share the cores."""
    devices, mine = (one.layout.get(key, 1) for key in ("devices", "devices_per_run"))
    cores = one.device.get("cores")
    return one.seconds * (cores if isinstance(cores, int) else CORES) * mine / devices


def missing_runs(runs: Sequence[Record], folder: Path) -> list[str]:
    """How many runs are missing, and the command that makes them."""
    missing, total = missing_of(runs)
    if not missing:
        return []
    sets = " ".join(f"PATH/{one}" if one.endswith(".npz") else one for one in SETS)
    median = statistics.median([_core_seconds(one) for one in runs]) if runs else SECONDS_A_RUN
    hours = missing * median / CORES / 3600
    return [
        f"{missing:,} of {total:,} runs of the exponent study, {hours:.1f} hours or more on "
        f"{CORES} cores ({median:.1f} s a run and core, the median so far, compilation aside): "
        f"`python -m experiments run --protocol {NAME} --datasets {sets} --regimes "
        f"{' '.join(REGIMES)} --devices-per-run 1 --devices 2 --out {shlex.quote(str(folder))}`"
    ]
