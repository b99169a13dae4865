"""Records of an exponent study -> its section: three claims by rule, a table, figures, gaps."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from experiments import optimizers
from experiments.analysis.arms import Arm, whole
from experiments.analysis.exponent_cells import exponent_cells
from experiments.analysis.exponent_settings import eps_at_edge, validated
from experiments.analysis.short_arms import short_arms
from experiments.analysis.summaries import Entry
from experiments.protocols import exponent
from experiments.protocols.exponent import constants
from experiments.protocols.fair import constants as fair
from experiments.reports.exponent import figures
from experiments.reports.exponent.claims import claims
from experiments.reports.exponent.tables import arm_title, cell_table, place_title, settings_table
from experiments.reports.missing import line, named, study_command, with_command
from experiments.reports.one_study import StudyRecords, study_of
from experiments.reports.section import Question, Section
from experiments.reports.study_notes import budget_note, edge_note, part_notes
from experiments.reports.table import EDGE


def build(entries: Sequence[Entry], question: Question) -> list[Section]:
    """One section a study: records of another content hash are left out, with a notice.

    Args:
        entries: of one protocol and version.
        question: what the caller asks; its folder stands in the commands.
    """
    numbers = constants.protocol()
    study, alphas = study_of(entries, numbers["budgets"]), numbers["alphas"]
    found, final = short_arms(study.records), numbers["budgets"][study.budget]["final"]
    cells = exponent_cells((whole(arm, final) for arm in found), alphas)
    tables = (cell_table(cells), settings_table(validated(cells, alphas)))
    return [
        Section(
            title=study.title,
            slug=study.slug,
            description=numbers["description"],
            verdicts=tuple(study.opening + claim.line for claim in claims(cells)),
            tables=tuple(table for table in tables if table is not None),
            figures=study.marked(figures.available(cells)),
            notes=tuple(_notes(found, study.budget)),
            missing=(*study.excluded, *_missing(study, question.folder)),
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
        "Who fits faster is read from the train loss at the end of the same number of steps, at "
        "the setting that is best on validation, not at the one that fits best.",
        "The matched gap is read where a run's train loss first comes down to the largest final "
        "one at that seed: in a verdict of the two arms that it compares, in the table and the "
        "figure of the fixed α (an arm beside them with a run that ends above it has none). Train "
        "losses, means of an epoch's batches, stand for its middle; the validation loss is read "
        f"{numbers['readings']} times a run, at an epoch's end; both are taken as linear "
        "between. Arms pass that level at different places of their rates' schedule.",
        f"Differences within ±{margins['accuracy_points']:g} point of held-out accuracy and "
        f"±{margins['train_loss_percent']:g} % of a loss count as none; a run that diverged counts "
        "as chance, and has no gap. Over several data sets a change of a loss is the geometric "
        "mean of their ratios.",
    ]
    if any(one.data.sparsity for arm in found for one in arm.ledger[:1]):
        notes.append(
            "Sparse images have a fixed share of pixels set to mid-grey (byte 128, which is 0 "
            "after normalisation; black is -1), each image others, in train, validation and test "
            "alike. Only the fixed α run there."
        )
    return [*notes, *_eps_note(found), *edge_note(found), *_time_note(found), *part_notes(found)]


def _eps_note(found: Sequence[Arm]) -> list[str]:
    if not any(eps_at_edge(arm) for arm in found if arm.tuned):
        return []
    least, *_, most = constants.protocol()["eps"]
    return [
        f"{EDGE} at an eps: the smallest or the largest that was tried. Below {least:g} little can "
        f"change, as a typical √v̂ is 1 in these units; above {most:g} a better one may lie."
    ]


def _time_note(found: Sequence[Arm]) -> list[str]:
    """The median of a run's seconds, and how many runs took far longer, as in a machine's sleep."""
    seconds = [one.seconds for arm in found for one in (*arm.ledger, *arm.tuned)]
    if not seconds:
        return []
    median = statistics.median(seconds)
    long = [one for one in seconds if one > 10 * median]
    tail = (
        f"; {len(long)} took over ten times that, together {sum(long) / 60:.1f} minutes of the "
        "time below, as where the machine was suspended"
        if long
        else ""
    )
    return [f"A run took {median:.1f} s, the median{tail}."]


def _missing(found: StudyRecords, folder: str) -> list[str]:
    """What lacks runs of the data sets and regimes begun, and the command that makes them all."""
    names = [*dict.fromkeys([*exponent.OPTIMIZERS, *(one.optimizer for one in found.records)])]
    places: dict[str, list[str]] = {
        "dataset": sorted({one.clean_dataset for one in found.records}),
        "network": sorted({one.network for one in found.records}),
        "regime": sorted({str(one.regime) for one in found.records}),
    }
    try:
        resolved = {name: optimizers.resolve(name) for name in names}
        study = exponent.study(
            places["dataset"],
            resolved,
            places["network"],
            budget=found.budget,
            regimes=places["regime"],
        )
    except ValueError as error:  # records of what this version does not know
        return [f"what is missing cannot be told: {error}"]
    lacking: dict[str, dict[str, int]] = {}
    for chain, left in study.runs_left(found.records):
        if left:
            task = chain.task
            title = place_title(task.dataset, task.network, str(chain.regime.name), task.sparsity)
            lacking.setdefault(title, {})[arm_title(chain.name)] = left
    command = study_command(
        "exponent",
        places["dataset"],
        folder,
        budget=found.budget,
        networks=places["network"],
        optimizers=named(exponent.OPTIMIZERS, names),
        regimes=places["regime"],
    )
    return with_command([each for one in lacking.items() for each in line(*one)], command)
