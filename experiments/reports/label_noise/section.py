"""Records of a label noise study -> its section: does the gate see the noise, and does it help?"""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis import verdicts
from experiments.analysis.arms import Arm, whole
from experiments.analysis.noise_cells import OURS, NoiseCell, growth, noise_cells, sees
from experiments.analysis.paired import Difference
from experiments.analysis.short_arms import short_arms
from experiments.analysis.summaries import Entry
from experiments.protocols.label_noise import constants
from experiments.protocols.short_tuning import runs_by_phase
from experiments.reports.ablation.tables import arm_title
from experiments.reports.label_noise import figures
from experiments.reports.label_noise.tables import (
    cell_table,
    cell_title,
    final_runs,
    names_at_edge,
    others,
)
from experiments.reports.missing import lines, named, study_command, with_command
from experiments.reports.one_study import StudyRecords, study_of
from experiments.reports.section import Question, Section
from experiments.reports.study_notes import budget_note, closing_notes


def build(entries: Sequence[Entry], question: Question) -> list[Section]:
    """One section a study: records of another content hash are left out, with a notice.

    Args:
        entries: of one protocol and version.
        question: what the caller asks; its folder stands in the commands.
    """
    numbers = constants.protocol()
    study = study_of(entries, numbers["budgets"])
    found = short_arms(study.records)
    final = numbers["budgets"][study.budget]["final"]
    cells = noise_cells(whole(arm, final) for arm in found)
    table = cell_table(cells)
    return [
        Section(
            title=study.title,
            slug=study.slug,
            description=numbers["description"],
            verdicts=tuple(study.opening + line for line in (*seen(cells), *helped(cells))),
            tables=(table,) if table else (),
            figures=study.marked(figures.available(cells)),
            notes=tuple(_notes(found, study.budget)),
            missing=(*study.excluded, *_missing(study, noise_cells(found), question.folder)),
        )
    ]


def _by_set(cells: Sequence[NoiseCell]) -> dict[str, list[NoiseCell]]:
    return {title: [*grid.values()] for title, grid in figures.grids(cells).items()}


def seen(cells: Sequence[NoiseCell]) -> list[str]:
    """One line a data set: whether mean λ goes with the gradient's signal-to-noise ratio.

    The answer is read within a batch size; over all cells a larger batch makes most of the
    difference, so that stands behind it as a remark.

    Args:
        cells: an answer takes all of the protocol's.
    """
    numbers = constants.protocol()
    wanted = len(numbers["batch_sizes"]) * len(numbers["label_noise"])
    lines = []
    for name, some in _by_set(cells).items():
        found, within = (
            sees(some, within=one) if len(some) == wanted else None for one in (False, True)
        )
        if found is None or within is None:
            lines.append(
                f"Q8, {name}: Does the gate see the noise? No answer yet: final runs are missing."
            )
            continue
        lines.append(
            f"Q8, {name}: Does the gate see the noise? Within a batch size, where "
            f"{_differs(some)}: {_sees(within)}, {_numbers(within)}. Rank correlation of mean λ "
            f"with the gradient's signal-to-noise ratio, {len(within.by_seed)} seeds; the "
            f"intervals are over seeds alone. No answer, but beside it: over all {len(some)} "
            f"cells, where larger batches make fewer steps, it is {_numbers(found)}."
        )
    return lines


def _differs(cells: Sequence[NoiseCell]) -> str:
    """What differs between the cells of one batch size: labels, and mostly the chosen rate."""
    rates: dict[int, set[float | None]] = {}
    for cell in cells:
        winner = cell.arms[OURS].winner
        rates.setdefault(cell.batch_size, set()).add(winner.learning_rate if winner else None)
    moved = any(len(some) > 1 for some in rates.values())
    return "ThermoLion's chosen rate moves with the labels" if moved else "labels alone differ"


def _sees(found: Difference) -> str:
    """What a correlation says of the gate: seeing the noise takes one above 0."""
    if not found.excludes_zero:
        return "not shown"
    return "it does" if found.mean > 0 else "no, rather the opposite"


def _numbers(found: Difference) -> str:
    """A correlation and its interval."""
    if found.half is None:
        return f"{found.mean:+.2f} of one seed"
    low, high = max(found.low, -1.0), min(found.high, 1.0)
    extreme = sum(abs(each) > 1 - 1e-9 for each in found.by_seed.values())
    seeds = f" ({extreme} of {len(found.by_seed)} seeds at ±1)" if extreme else ""
    return f"{found.mean:+.2f} [{low:+.2f}, {high:+.2f}] at 95 %{seeds}"


def helped(cells: Sequence[NoiseCell]) -> list[str]:
    """One line a batch size and optimizer: what the most noise does to ThermoLion's lead.

    Args:
        cells: an answer takes those without noise and with the protocol's most.
    """
    numbers, lines = constants.protocol(), []
    ends = min(numbers["label_noise"]), max(numbers["label_noise"])
    for name, some in _by_set(cells).items():
        count = len(numbers["batch_sizes"]) * len(numbers["question"]["against"])
        for batch in sorted({cell.batch_size for cell in some}):
            ours = {cell.noise: cell for cell in some if cell.batch_size == batch}
            for other in others(some):
                clean, noisy = (
                    final_runs(ours[end], other) if end in ours else None for end in ends
                )
                found = growth(clean, noisy, comparisons=count)
                shown = next(iter(ours.values())).batch
                start = f"Q8, {name}, batch {shown:,}: {numbers['question']['text']} "
                if found is None:
                    lines.append(f"{start}No answer yet: final runs are missing.")
                    continue
                said = verdicts.verdict("ThermoLion's lead", other, found)
                change = _CHANGE[said.case].format(delta=verdicts.HELD_OUT.delta, most=said.at_most)
                lines.append(
                    f"{start}From {100 * ends[0]:g} to {100 * ends[1]:g} % label noise "
                    f"ThermoLion's lead over {arm_title(other)} in held-out accuracy {change}: "
                    f"{said.evidence}.{_outermost([ours[end] for end in ends], other)}"
                )
    return lines


def _outermost(cells: Sequence[NoiseCell], other: str) -> str:
    """Where the comparison is of best rates that may not be the best there are."""
    found = [
        f"{arm_title(name)}'s at {100 * cell.noise:g} %"
        for cell in cells
        for name in names_at_edge(cell, other)
    ]
    return f" Outermost of the rates tried: {', '.join(found)}." if found else ""


_CHANGE: dict[verdicts.Case, str] = {
    "better": "grows",
    "worse": "shrinks",
    "better by less": "grows by less than {delta:g} point",
    "worse by less": "shrinks by less than {delta:g} point",
    "no larger difference": "changes by no more than {delta:g} point",
    "undecided": "is undecided, changes by at most {most:.2f} points",
}


def _notes(found: Sequence[Arm], budget: str) -> list[str]:
    numbers = constants.protocol()
    share, noise = numbers["budgets"][budget], numbers["label_noise"]
    least, most = min(noise), max(noise)
    return [
        *budget_note(budget),
        f"In every cell every optimizer was tuned alike: {share['rates']} learning rates half a "
        f"decade apart on one seed, the best {share['again']} again on a second, by validation "
        f"images with noisy labels; the schedule is {numbers['schedule']}. The test images have "
        "their right labels and were read by the final runs alone, once.",
        "A label that is redrawn becomes one of the other classes, each as likely; which ones is "
        "fixed for a set, and those of less noise are among those of more.",
        "Batch sizes have different numbers of steps: effects are read within one of them.",
        "Mean λ is that of ThermoLion at the rate that was chosen in the cell; it depends on the "
        "rate, too, which the noise moves.",
        f"A lead is ThermoLion's held-out accuracy minus the other's, negative where it is behind. "
        f"Verdicts on its growth compare the ends, {100 * least:g} and {100 * most:g} % label "
        f"noise, alone; what lies between stands in the table and the figures.",
        "Where labels are wrong no verdict is given on train loss: a smaller one means that more "
        "of the wrong labels were memorised.",
        "The gradient's signal-to-noise ratio is measured on up to 8 disjoint batches at each "
        "reading, apart from the gate: norm of the mean over the root of the summed variance, the "
        "square of that norm freed of the mean's own variance and cut off at 0. The same batches "
        "serve every reading of a run.",
        *closing_notes(found),
    ]


def _missing(study: StudyRecords, begun: Sequence[NoiseCell], folder: str) -> list[str]:
    """What the protocol's cells and optimizers lack, and the command that goes on with them."""
    numbers = constants.protocol()
    counts, own = numbers["budgets"][study.budget], numbers["optimizers"]
    wheres = dict.fromkeys((one.clean_dataset, one.network) for one in study.records)
    there = {cell.place: cell for cell in begun}
    cells = [
        there.get(place) or NoiseCell(*place, {})
        for where in wheres
        for batch in numbers["batch_sizes"]
        for noise in numbers["label_noise"]
        for place in [(*where, batch, noise)]
    ]
    names = named(own, (one.optimizer for one in study.records))
    places = {cell_title(cell): cell.arms for cell in cells}
    lacking = lines(
        places, names or own, lambda name: runs_by_phase(counts["rates"], counts), arm_title
    )
    command = study_command(
        "label_noise",
        [dataset for dataset, _ in wheres],
        folder,
        budget=study.budget,
        networks=[network for _, network in wheres],
        optimizers=names,
    )
    return with_command(lacking, command)
