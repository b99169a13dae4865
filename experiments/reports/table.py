"""A table as text and numbers, and how its cells are worded: intervals and marks."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.analysis.interval import ENOUGH, Interval
from experiments.analysis.summaries import Entry
from experiments.protocols.reference import Reference

DASH = "–"
OUTSIDE, OUTSIDE_RUN, DIVERGED, UNHEALTHY, EDGE = "*", "**", "†", "‡", "¶"
PERCENT = (0.0, 100.0)


CsvRow = dict[str, str | float | bool | None]
"""A row of a CSV file: column to value."""


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
    data: tuple[CsvRow, ...]


def csv_of(tables: Sequence[Table]) -> str:
    """The numbers behind tables of one kind; empty fields are numbers that do not exist."""
    text = io.StringIO()
    rows = [row for table in tables for row in table.data]
    fields = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(text, list(fields), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue()


def number(
    interval: Interval | None,
    *,
    sign: bool = False,
    bounds: tuple[float, float] = (float("-inf"), float("inf")),
    digits: int = 2,
) -> str:
    """A mean with its uncertainty: the one form that tables have for it.

    Args:
        interval: the mean's; None is a dash.
        sign: whether a mean above 0 has one.
        bounds: between which values can lie.
        digits: behind the point; single values have one less.

    Example:
        >>> from experiments.analysis.interval import interval
        >>> number(interval([90.0, 91.0, 92.0, 93.0, 94.0]))  # mean ± half of the 95 % interval
        '92.00 ± 1.96'
        >>> number(interval([97.0, 99.0, 99.5, 99.5, 100.0]), bounds=PERCENT)  # cut at a bound
        '99.00 [97.54, 100.00]'
        >>> number(interval([82.7, 83.4]))  # too few for an interval: the values, by seed
        '83.05 (82.7, 83.4)'
    """
    if interval is None:
        return DASH
    signed = "+" if sign else ""
    mean = f"{interval.mean:{signed}.{digits}f}"
    if interval.half is None:
        return mean
    if interval.n < ENOUGH:
        values = (f"{value:{signed}.{digits - 1}f}" for value in interval.values)
        return f"{mean} ({', '.join(values)})"
    low, high = limits(interval, bounds)
    if high - low < 2 * interval.half - 1e-9:
        return f"{mean} [{low:{signed}.{digits}f}, {high:{signed}.{digits}f}]"
    return f"{mean} ± {interval.half:.{digits}f}"


def limits(interval: Interval, bounds: tuple[float, float] = PERCENT) -> tuple[float, float]:
    """The ends of an interval within what is possible."""
    half = interval.half or 0.0
    low, high = (min(max(interval.mean + x, bounds[0]), bounds[1]) for x in (-half, half))
    return low, high


def at_protocol_settings(entry: Entry, reference: Reference | None) -> bool:
    """Whether an entry is one of the reference's optimizers, run as the reference has it."""
    return (
        reference is not None
        and entry.network == reference.network
        and entry.optimizer in reference.optimizers
        and not entry.changed
        and not entry.conditions
    )


def published(entry: Entry, reference: Reference | None) -> float | None:
    """The number published for an entry, in per cent, if there is one."""
    if reference is None or not at_protocol_settings(entry, reference):
        return None
    return reference.accuracy.get(entry.optimizer, {}).get(entry.dataset)


def mark(interval: Interval, printed: float | None) -> str:
    """Whether a published number lies outside the mean's interval, or even a single run's."""
    if printed is None or interval.n < ENOUGH or not interval.excludes(printed):
        return ""
    return OUTSIDE_RUN if interval.prediction_excludes(printed) else OUTSIDE


def with_rule(
    rows: Sequence[tuple[Entry, tuple[str, ...]]], reference: Reference | None
) -> tuple[tuple[str, ...] | None, ...]:
    """Rows with a rule between the reference's optimizers, at whatever rate, and the others."""
    known = () if reference is None else reference.optimizers
    inside = [row for entry, row in rows if entry.optimizer in known]
    outside = [row for entry, row in rows if entry.optimizer not in known]
    return (*inside, *([None] if inside and outside else []), *outside)
