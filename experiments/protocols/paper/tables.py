"""The paper's three tables, of what was measured, with its numbers beside."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.summaries import Entry, mean_gain
from experiments.protocols.paper import published
from experiments.reports import tables
from experiments.reports.labels import dataset_order, dataset_title, labels
from experiments.reports.table import (
    DASH,
    PERCENT,
    CsvRow,
    Table,
    at_protocol_settings,
    mark,
    number,
    with_rule,
)

DISAGREES = "§"
REFERENCE = published.REFERENCE


def accuracy_table(entries: Sequence[Entry], which: int) -> Table | None:
    """The paper's Table 1 or 2; None where nothing of it was run."""
    there = [n for n in published.TABLES[which] if any(e.dataset == n for e in entries)]
    if not there:
        return None
    called, rows, data = labels(entries), [], []
    for first in tables.one_per_row(entries, there):
        cells = [called[first.row]]
        for name in there:
            entry = tables.find(entries, name, first)
            cells.append(_accuracy(entry, first, name))
        pairs = tables.beside_adam(entries, there, first)
        gain = mean_gain(pairs) if pairs else None
        cells.append(number(gain, sign=True) + (f" [{len(pairs)}]" if gain else ""))
        known = which == 1 and at_protocol_settings(first, REFERENCE)
        text, fields = _average(published.gain(first.optimizer) if known else None)
        measured = {
            "data_sets": len(pairs),
            "gain_over_adam": gain.mean if gain else None,
            "gain_half95": gain.half if gain else None,
        }
        rows.append((first, (*cells, text)))
        data.append({"table": which, **tables.names(first), **measured, **fields})
    header = ("optimizer", *(f"{dataset_title(name)} / paper" for name in there))
    header += ("mean gain over Adam, points [data sets]", "paper prints")
    title = f"Table {which}: train accuracy %, mean ± 95 % interval over seeds / the paper's number"
    return Table(f"table{which}", title, header, with_rule(rows, REFERENCE), tuple(data))


def _accuracy(entry: Entry | None, row: Entry, dataset: str) -> str:
    """What was measured, a slash, and what is printed even where nothing was."""
    known = at_protocol_settings(row, REFERENCE)
    printed = published.ACCURACY[row.optimizer].get(dataset) if known else None
    if entry is None:
        return f"{DASH} / {DASH if printed is None else f'{printed:.2f}'}"
    beside = DASH if printed is None else f"{printed:.2f}{mark(entry.train, printed)}"
    return f"{number(entry.train, bounds=PERCENT)} / {beside}"


def _average(average: published.Average | None) -> tuple[str, CsvRow]:
    """An average as the paper prints it, marked where its own columns give another."""
    printed, columns = (average.printed, average.columns) if average else (None, None)
    fields: CsvRow = {"paper_prints": printed, "paper_columns_give": columns}
    if average is None or printed is None:
        return DASH, fields
    text = f"{printed:+.{average.decimals}f}"
    if average.disagrees:
        text += f"{DISAGREES} (its columns: {columns:+.2f})"
    return text, fields


def seconds_tables(entries: Sequence[Entry]) -> list[Table]:
    """The paper's Table 3, and the same for the other data sets, of what was run."""
    there = dataset_order(entries)
    printed = [name for name in published.TABLES[3] if name in there]
    others = [name for name in there if name not in printed]
    found = []
    if printed:
        title = "Table 3: seconds of a training run ± standard deviation (the paper's, on a T4)"
        found.append(
            tables.seconds_table(
                entries,
                printed,
                f"{title}, compilation apart",
                key="table3",
                reference=REFERENCE,
                printed=published.SECONDS,
                average=("paper prints %", _overhead),
            )
        )
    if others:
        what = (
            "the other data sets" if printed else "these data sets (the paper's Table 3 has others)"
        )
        title = f"Seconds of a training run on {what}"
        unprinted = ("", lambda _: _average(None))
        found.append(
            tables.seconds_table(entries, others, title, reference=REFERENCE, average=unprinted)
        )
    return found


def _overhead(entry: Entry) -> tuple[str, CsvRow]:
    known = at_protocol_settings(entry, REFERENCE)
    return _average(published.overhead(entry.optimizer) if known else None)
