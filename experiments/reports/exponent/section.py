"""Records of an exponent study -> its section: three claims by rule, a table, figures, gaps."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.arms import Arm
from experiments.analysis.exponent_cells import ExponentCell, exponent_cells
from experiments.analysis.exponent_settings import validated
from experiments.analysis.short_arms import short_arms
from experiments.analysis.statistics import Entry
from experiments.protocols.exponent import constants
from experiments.protocols.fair import constants as fair
from experiments.reports.exponent import figures
from experiments.reports.exponent.claims import claims
from experiments.reports.exponent.tables import arm_title, cell_table, cell_title, settings_table
from experiments.reports.missing import study_command, with_command
from experiments.reports.one_study import of_one_study
from experiments.reports.section import Figure, Question, Section, opening, slug
from experiments.reports.study_notes import budget_note, edge_note, part_notes


def build(entries: Sequence[Entry], question: Question) -> list[Section]:
    """One section a study: records of another content hash are left out, with a notice.

    Args:
        entries: of one protocol and version.
        question: what the caller asks; its folder stands in the commands.
    """
    records, excluded = of_one_study([one for entry in entries for one in entry.records])
    first = records[0]
    budget = first.budget or "full"
    found = short_arms(records)
    cells = exponent_cells(found)
    tables = (cell_table(cells), settings_table(validated(cells, constants.protocol()["alphas"])))
    return [
        Section(
            title=f"Protocol {first.protocol}, version {first.protocol_version}",
            slug=slug(f"{first.protocol} v{first.protocol_version}"),
            description=constants.protocol()["description"],
            verdicts=tuple(opening(budget) + claim.line for claim in claims(cells)),
            tables=tuple(table for table in tables if table is not None),
            figures=tuple(
                Figure(key, opening(budget) + caption, draw)
                for key, caption, draw in figures.available(cells)
            ),
            notes=tuple(_notes(found, budget)),
            missing=(*excluded, *_missing(cells, budget, question.folder)),
        )
    ]


def _notes(found: Sequence[Arm], budget: str) -> list[str]:
    numbers, margins = constants.protocol(), fair.protocol()["margins"]
    share = numbers["budgets"][budget]
    notes = [
        *budget_note(budget),
        f"Every arm was tuned alike: {share['rates']} learning rates half a decade apart by "
        f"{share['eps']} eps (none at α = 0, where it would only scale the step) on one seed, the "
        f"best {share['again']} again on a second; the schedule is {numbers['schedule']}, without "
        "weight decay. The test images were read by the final runs alone, once.",
        "Gradients are divided by their size s, the median of √v̂ after AdamW's first epoch, so "
        "rates and eps are in Adam's units at every α: on plain gradients they are the rate times "
        "s^(2α-1) and the eps times s^(2α), also of a cyclic α at each of its steps.",
        "The cyclic α swings as a cosine four times from ½ to 0 and back: our choice, after "
        "Natural Spectral Fusion, whose text was not at hand.",
        "The gap is read where a run's train loss comes down to the largest final one of all arms "
        "at that seed, between readings by a straight line; a train loss is the mean of an epoch's "
        "batches, a validation loss is read at the epoch's end. Arms pass that level at different "
        "places of their rates' schedule.",
        f"Differences within ±{margins['accuracy_points']:g} point of held-out accuracy and "
        f"±{margins['train_loss_percent']:g} % of a loss count as none; a run that diverged counts "
        "as chance, and has no gap. Over several data sets a change of a loss is the geometric "
        "mean of their ratios.",
    ]
    if any(one.data.sparsity for arm in found for one in arm.ledger[:1]):
        notes.append(
            "Sparse images lose a fixed share of pixels, each image others, in train, validation "
            "and test alike."
        )
    return [*notes, *edge_note(found), *part_notes(found)]


def _missing(cells: Sequence[ExponentCell], budget: str, folder: str) -> list[str]:
    """Arms that have not all their final runs, and the command that goes on with them."""
    wanted = constants.protocol()["budgets"][budget]["final"]
    lacking = [
        f"{arm_title(name)} on {cell_title(cell)}: {len(arm.tuned)} of {wanted} final runs"
        for cell in cells
        for name, arm in cell.arms.items()
        if len(arm.tuned) < wanted
    ]
    command = study_command(
        "exponent",
        [cell.dataset for cell in cells],
        folder,
        budget=budget,
        networks=[cell.network for cell in cells],
        regimes=[cell.regime for cell in cells],
    )
    return with_command(lacking, command)
