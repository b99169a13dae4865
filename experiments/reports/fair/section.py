"""Records of a fair study -> its section: verdicts, tables, figures, and what is missing."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence

from experiments.analysis.arms import Arm, arms, lost_by_tuning, workloads
from experiments.analysis.statistics import Entry
from experiments.protocols.fair import constants
from experiments.records import Record
from experiments.reports.fair import comparison_tables, figures, questions, tables
from experiments.reports.fair.missing import finished, missing
from experiments.reports.labels import optimizer_title
from experiments.reports.section import Figure, Question, Section, opening, slug
from experiments.reports.table import EDGE, Table


def build(entries: Sequence[Entry], question: Question) -> list[Section]:
    """One section a study: records of another content hash are left out, with a notice.

    Args:
        entries: of one protocol and version.
        question: what the caller asks; its folder stands in the commands.
    """
    records = [one for entry in entries for one in entry.records]
    records, excluded = of_one_study(records)
    first = records[0]
    budget = first.budget or "full"
    found = arms(records)
    judged = [finished(arm, budget) for arm in found]
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
            title=f"Protocol {first.protocol}, version {first.protocol_version}",
            slug=slug(f"{first.protocol} v{first.protocol_version}"),
            description=constants.protocol()["description"],
            verdicts=tuple(opening(budget) + answer.line for answer in answers),
            tables=tuple(table for table in made if table is not None),
            figures=tuple(
                Figure(key, caption, functools.partial(draw, found, answers))
                for key, caption, draw in figures.available(found, answers)
            ),
            notes=tuple(_notes(judged, budget, ours=ours)),
            missing=(*excluded, *missing(found, budget, question.folder)),
        )
    ]


def _judged(arms: Mapping[str, Arm]) -> list[str]:
    return [name for name, arm in arms.items() if arm.tuned]


def of_one_study(records: Sequence[Record]) -> tuple[list[Record], list[str]]:
    """For each optimizer and data set the records of its most frequent grid, and what is left out.

    A grid that was changed has another hash: its runs are not comparable with those before.
    """
    counts: dict[tuple[str, str], Counter[str]] = {}
    for one in records:
        key = (one.optimizer, one.dataset)
        counts.setdefault(key, Counter())[str(one.protocol_hash)] += 1
    kept = {key: count.most_common(1)[0][0] for key, count in counts.items()}
    found = [one for one in records if str(one.protocol_hash) == kept[one.optimizer, one.dataset]]
    excluded = [
        f"left out: {sum(count.values()) - count[kept[key]]} record(s) of {key[0]} on {key[1]} "
        "that were made with other grids or another search space"
        for key, count in counts.items()
        if len(count) > 1
    ]
    return found, excluded


def _notes(found: Sequence[Arm], budget: str, *, ours: bool) -> list[str]:
    best_other = (
        "The best other is chosen by the very test result that is shown, so it is rather too high."
    )
    notes = [
        *budget_note(budget),
        "Every optimizer was tuned with the same number of runs on validation images; the test "
        "images were read by the final and the untuned runs alone, at their end.",
        "Untuned is an optimizer at its own default settings with a constant learning rate.",
        *([best_other] if ours else []),  # it speaks of the table that only then is there
        "A rank is by the mean in its table, over all seeds of each optimizer; its interval is "
        "from paired differences over the seeds that two share.",
    ]
    if any("gtsrb" in arm.workload.dataset for arm in found):
        notes.append(
            "Intervals take the test images for independent. GTSRB has several frames of one sign, "
            "near-duplicates, so its intervals over new images are rather too narrow."
        )
    return [*notes, *closing_notes(found)]


def budget_note(budget: str) -> list[str]:
    """The first note of every study below its full budget."""
    return [] if budget == "full" else [f"The budget is {budget}: nothing here is an answer."]


def closing_notes(found: Sequence[Arm]) -> list[str]:
    """What the tables of every study with tuned arms need beside them."""
    margins = constants.protocol()["margins"]
    notes = [
        f"Differences within ±{margins['accuracy_points']:g} point of held-out accuracy and "
        f"±{margins['train_loss_percent']:g} % of train loss count as none; a run that diverged "
        "counts as chance.",
        "Over several data sets a change of train loss is the geometric mean of their ratios.",
        *edge_note(found),
    ]
    notes += [
        f"{optimizer_title(arm.optimizer)} on {tables.workload_title(arm.workload)}: its untuned "
        f"default is better on validation, too, than what tuning chose ({100 * default:.1f} "
        f"against {100 * tuned:.1f} %, means over the final seeds): the choice was made on two "
        "seeds."
        for arm, tuned, default in lost_by_tuning(found)
    ]
    for arm in found:
        readings = max((one.test_readings or 1 for one in [*arm.tuned, *arm.default]), default=1)
        if readings > 1:
            notes.append(
                f"{optimizer_title(arm.optimizer)} on {tables.workload_title(arm.workload)}: the "
                f"test images have judged {readings} versions of its file or its network's, and "
                "who chose this one by them has flattered it."
            )
    return [*notes, *part_notes(found)]


def edge_note(found: Sequence[Arm]) -> list[str]:
    """What the mark of an outermost rate means, where a table has it."""
    if not any(arm.at_edge for arm in found):
        return []
    return [f"{EDGE}: the best rate is the outermost that was tried; a better one may lie beyond."]


def part_notes(found: Sequence[Arm]) -> list[str]:
    """How the parts to train, tune and judge on were cut."""
    rules = {one.data.rule for arm in found for one in arm.ledger[:1] if one.data.rule}
    return [f"Parts: {rule}" for rule in sorted(rules)]
