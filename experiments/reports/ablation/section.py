"""Records of an ablation study -> its section: verdicts, a table a question, figures, gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from experiments.analysis.arms import Arm, workloads
from experiments.analysis.short_arms import short_arms
from experiments.analysis.statistics import Entry
from experiments.protocols.ablation import constants
from experiments.reports.ablation import figures
from experiments.reports.ablation.tables import arm_title, question_table
from experiments.reports.fair import questions, tables
from experiments.reports.missing import study_command, with_command
from experiments.reports.one_study import of_one_study
from experiments.reports.section import Figure, Question, Section, opening, slug
from experiments.reports.study_notes import budget_note, closing_notes


def build(entries: Sequence[Entry], question: Question) -> list[Section]:
    """One section a study: records of another content hash are left out, with a notice.

    Args:
        entries: of one protocol and version.
        question: what the caller asks; its folder stands in the commands.
    """
    records, excluded = of_one_study([one for entry in entries for one in entry.records])
    first, numbers = records[0], constants.protocol()
    budget = first.budget or "full"
    derived = {one["optimizer"]: name for name, one in numbers["derived"].items()}
    found = short_arms(records, derived)
    by_workload = workloads(found)
    asked = {key: {"setting": "tuned", **one} for key, one in numbers["questions"].items()}
    final = numbers["budgets"][budget]["final"]
    judged = [arm if len(arm.tuned) >= final else replace(arm, tuned=()) for arm in found]
    answers = questions.answers(judged, asked)
    start = opening(budget)
    made = [question_table(key, one, by_workload, answers) for key, one in asked.items()]
    return [
        Section(
            title=f"Protocol {first.protocol}, version {first.protocol_version}",
            slug=slug(f"{first.protocol} v{first.protocol_version}"),
            description=numbers["description"],
            verdicts=tuple(start + answer.line for answer in answers),
            tables=tuple(
                table for table in [*made, tables.settings_table(found, arm_title)] if table
            ),
            figures=tuple(
                Figure(key, start + caption, draw)
                for key, caption, draw in figures.available(list(by_workload.values()), answers)
            ),
            notes=tuple(_notes(found, budget)),
            missing=(*excluded, *_missing(found, budget, question.folder)),
        )
    ]


def _notes(found: Sequence[Arm], budget: str) -> list[str]:
    numbers = constants.protocol()
    share = numbers["budgets"][budget]
    return [
        *budget_note(budget),
        f"Every arm was tuned alike: {share['rates']} learning rates half a decade apart around "
        f"its default on one seed, the best {share['again']} again on a second; the schedule is "
        f"{numbers['schedule']}, all else is the arm's own default. The test images were read by "
        "the final runs alone, once.",
        "AdamW at ThermoLion's step runs at the rate at which its tuning runs' steps had the root "
        "mean square of ThermoLion's, interpolated in logarithms.",
        *closing_notes(found),
    ]


def _missing(found: Sequence[Arm], budget: str, folder: str) -> list[str]:
    """Arms that have not all their final runs, and the command that goes on with them."""
    wanted = constants.protocol()["budgets"][budget]["final"]
    lacking = []
    for arm in found:
        if len(arm.tuned) < wanted:
            counts = Counter(one.phase for one in (*arm.ledger, *arm.tuned))
            have = ", ".join(f"{number} {phase}" for phase, number in counts.items())
            lacking.append(
                f"{arm_title(arm.optimizer)} on {tables.workload_title(arm.workload)}: "
                f"there are {have} runs"
            )
    command = study_command(
        "ablation",
        [arm.workload.dataset for arm in found],
        folder,
        budget=budget,
        networks=[arm.workload.network for arm in found],
        regimes=[arm.workload.regime for arm in found],
    )
    return with_command(lacking, command)
