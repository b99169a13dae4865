"""A table as text and numbers, and how its cells are worded: names, marks, intervals."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.analysis.statistics import Entry, Interval
from experiments.protocols import paper

DASH = "–"
OUTSIDE, OUTSIDE_RUN, DISAGREES, DIVERGED = "*", "**", "§", "†"


@dataclass(frozen=True)
class Table:
    """A table as readers see it, and the numbers behind it.

    Attributes:
        key: part of file names; tables of one key share a CSV file.
        title: one line.
        header: column titles; the first column is text, the others are numbers.
        rows: cells as text; None is a rule (what is below it is not in the paper's tables).
        data: the same numbers unrounded, one dict a row of the CSV file.
    """

    key: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...] | None, ...]
    data: tuple[dict[str, Any], ...]

    def markdown(self) -> str:
        """The table in Markdown, padded so that it reads as plain text, too."""
        lines = [
            # A bar would end the cell: an optimizer's overrides may hold one.
            tuple(cell.replace("|", "\\|") for cell in row or ("",) * len(self.header))
            for row in (self.header, *self.rows)
        ]
        widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(self.header))]

        def join(cells: Sequence[str]) -> str:
            first, *others = zip(cells, widths, strict=True)
            padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
            return "| " + " | ".join(padded) + " |"

        rule = "|:" + "-" * (widths[0] + 1) + "|"
        rule += "".join("-" * (width + 1) + ":|" for width in widths[1:])
        return "\n".join([join(lines[0]), rule, *map(join, lines[1:])])


def csv_of(tables: Sequence[Table]) -> str:
    """The numbers behind tables of one kind; empty fields are numbers that do not exist."""
    text = io.StringIO()
    rows = [row for table in tables for row in table.data]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue()


def number(interval: Interval | None, digits: int = 2, sign: bool = False) -> str:
    """Mean ± half of the 95 % interval; the half is left out where there is one run."""
    if interval is None:
        return DASH
    mean = f"{interval.mean:{'+' if sign else ''}.{digits}f}"
    return mean if interval.half is None else f"{mean} ± {interval.half:.{digits}f}"


def in_paper(entry: Entry) -> bool:
    """Whether an entry is one of the paper's optimizers at the paper's settings."""
    return entry.optimizer in paper.OPTIMIZERS and not entry.changed


def ordered(entries: Sequence[Entry]) -> list[Entry]:
    """The paper's optimizers in its order, then the others by name and settings."""

    def place(entry: Entry) -> tuple[Any, ...]:
        if in_paper(entry):
            return (0, paper.OPTIMIZERS.index(entry.optimizer))
        return (1, entry.optimizer, sorted(entry.changed.items()))

    return sorted(entries, key=place)


def title_of(entry: Entry) -> str:
    """An optimizer's name in tables; outside the paper its learning rate is stated."""
    if in_paper(entry):
        return paper.OPTIMIZER_TITLES[entry.optimizer]
    settings = {"learning_rate": entry.hyperparameters.get("learning_rate"), **entry.changed}
    stated = ", ".join(
        f"{'lr' if name == 'learning_rate' else name} {value:.3g}"
        for name, value in settings.items()
        if value is not None
    )
    return f"{entry.optimizer} ({stated})"


def dataset_title(name: str) -> str:
    """A data set's name in tables."""
    return paper.DATASET_TITLES.get(name, name)


def mark(interval: Interval, printed: float | None) -> str:
    """Whether the paper's number lies outside the mean's interval, or even a single run's."""
    if printed is None or not interval.excludes(printed):
        return ""
    return OUTSIDE_RUN if interval.excludes_run(printed) else OUTSIDE


def with_rule(
    rows: list[tuple[Entry, tuple[str, ...]]],
) -> tuple[tuple[str, ...] | None, ...]:
    """Rows with a rule between the paper's optimizers and the others."""
    inside = [row for entry, row in rows if in_paper(entry)]
    outside = [row for entry, row in rows if not in_paper(entry)]
    return (*inside, *([None] if inside and outside else []), *outside)


def told_apart(name: str, fingerprint: str) -> str:
    """The name of one of several data sets that came under one name.

    Example:
        >>> told_apart("digits", "4e60f1cb95ce72bc"), bare(told_apart("digits", "4e60f1cb95ce72bc"))
        ('digits (data 4e60f1cb)', 'digits')
    """
    return f"{name} (data {fingerprint[:8]})"


def bare(name: str) -> str:
    """The name that a data set came under."""
    return name.partition(" (data ")[0]


def _place(name: str) -> tuple[int, str]:
    return (paper.DATASETS.index(name) if name in paper.DATASETS else len(paper.DATASETS), name)


def dataset_order(entries: Sequence[Entry]) -> list[str]:
    """The data sets of some entries: the paper's in its order, then the others by name."""
    return sorted({entry.dataset for entry in entries}, key=_place)
