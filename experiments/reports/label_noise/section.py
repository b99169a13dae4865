"""Records of a label noise study -> its section: does the gate see the noise, and does it help?"""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis import verdicts
from experiments.analysis.arms import Arm
from experiments.analysis.noise_cells import NoiseCell, growth, noise_cells, sees
from experiments.analysis.paired import Difference
from experiments.analysis.short_arms import short_arms
from experiments.analysis.statistics import Entry
from experiments.protocols.label_noise import constants
from experiments.reports.label_noise import figures
from experiments.reports.label_noise.tables import cell_table, cell_title, final_runs, others
from experiments.reports.labels import optimizer_title
from experiments.reports.missing import study_command, with_command
from experiments.reports.one_study import of_one_study
from experiments.reports.section import Figure, Question, Section, opening, slug
from experiments.reports.study_notes import budget_note, closing_notes


def build(entries: Sequence[Entry], question: Question) -> list[Section]:
    """One section a study: records of another content hash are left out, and that is start.

    Args:
        entries: of one protocol and version.
        question: what the caller asks; its folder stands in the commands.
    """
    records, excluded = of_one_study([one for entry in entries for one in entry.records])
    first, numbers = records[0], constants.protocol()
    budget = first.budget or "full"
    found = short_arms(records)
    cells = noise_cells(found)
    start = opening(budget)
    table = cell_table(cells)
    return [
        Section(
            title=f"Protocol {first.protocol}, version {first.protocol_version}",
            slug=slug(f"{first.protocol} v{first.protocol_version}"),
            description=numbers["description"],
            verdicts=tuple(start + line for line in (*seen(cells), *helped(cells))),
            tables=(table,) if table else (),
            figures=tuple(
                Figure(key, start + caption, draw)
                for key, caption, draw in figures.available(cells)
            ),
            notes=tuple(_notes(found, budget)),
            missing=(*excluded, *_missing(cells, budget, question.folder)),
        )
    ]


def _by_set(cells: Sequence[NoiseCell]) -> dict[str, list[NoiseCell]]:
    return {title: [*grid.values()] for title, grid in figures.grids(cells).items()}


def seen(cells: Sequence[NoiseCell]) -> list[str]:
    """One line a data set: whether mean λ goes with the gradient's signal-to-noise ratio.

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
            f"Q8, {name}: Does the gate see the noise? over all {len(some)} cells "
            f"{_in_words(found)}; within a batch size, where labels alone differ, "
            f"{_in_words(within)}. Rank correlation of mean λ with the gradient's signal-to-noise "
            f"ratio, {len(found.by_seed)} seeds."
        )
    return lines


def _in_words(found: Difference) -> str:
    """Whether a correlation differs from 0."""
    if found.half is None:
        return f"undecided, one seed, {found.mean:+.2f}"
    words = "undecided"
    if found.excludes_zero:
        words = "it does" if found.mean > 0 else "it does upside down"
    low, high = max(found.low, -1.0), min(found.high, 1.0)
    return f"{words}, {found.mean:+.2f} [{low:+.2f}, {high:+.2f}] at 95 %"


def helped(cells: Sequence[NoiseCell]) -> list[str]:
    """One line a batch size and optimizer: what the most noise does to ThermoLion's advantage.

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
                start = f"Q8, {name}, batch {batch:,}: {numbers['question']['text']} "
                if found is None:
                    lines.append(f"{start}No answer yet: final runs are missing.")
                    continue
                text = verdicts.verdict(
                    f"thermolion minus {other} at {100 * ends[1]:g} % label noise",
                    f"the same at {100 * ends[0]:g} % label noise",
                    found,
                ).text
                lines.append(f"{start}{text}.")
    return lines


def _notes(found: Sequence[Arm], budget: str) -> list[str]:
    numbers = constants.protocol()
    share = numbers["budgets"][budget]
    return [
        *budget_note(budget),
        f"In every cell every optimizer was tuned alike: {share['rates']} learning rates half a "
        f"decade apart on one seed, the best {share['again']} again on a second, by validation "
        f"images with noisy labels; the schedule is {numbers['schedule']}. The test images have "
        "their right labels and were read by the final runs alone, once.",
        "A label that is redrawn becomes one of the other classes, each as likely; which ones is "
        "fixed for a set, and those of less noise are among those of more.",
        "Batch sizes have different numbers of steps: effects are read within one of them.",
        "The gradient's signal-to-noise ratio is measured on up to 8 disjoint batches at each "
        "reading, apart from the gate: norm of the mean over the root of the summed variance.",
        *closing_notes(found),
    ]


def _missing(cells: Sequence[NoiseCell], budget: str, folder: str) -> list[str]:
    """Cells that have not all their final runs, and the command that goes on with them."""
    wanted = constants.protocol()["budgets"][budget]["final"]
    lacking = [
        f"{optimizer_title(name)}, {cell_title(cell)}: {len(arm.tuned)} of {wanted} final runs"
        for cell in cells
        for name, arm in cell.arms.items()
        if len(arm.tuned) < wanted
    ]
    command = study_command(
        "label_noise",
        [cell.dataset for cell in cells],
        folder,
        budget=budget,
        networks=[cell.network for cell in cells],
    )
    return with_command(lacking, command)
