"""Entries -> one table for each data set, one of seconds, and what tables of entries share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from experiments.analysis.health import unnoticed
from experiments.analysis.interval import ENOUGH
from experiments.analysis.summaries import Entry
from experiments.protocols.reference import Reference
from experiments.reports.labels import dataset_title, labels, ordered
from experiments.reports.provenance import machine
from experiments.reports.table import (
    DASH,
    DIVERGED,
    PERCENT,
    UNHEALTHY,
    CsvRow,
    Table,
    mark,
    number,
    published,
    with_rule,
)

UNIT = "adam"
"""The optimizer whose steps and seconds the others' are given in units of."""


def default_adam(entries: Sequence[Entry], dataset: str) -> Entry | None:
    """Adam at the protocol's settings on a data set, if it was run."""
    for entry in entries:
        plain = not entry.changed and not entry.conditions
        if plain and entry.dataset == dataset and entry.optimizer == UNIT:
            return entry
    return None


def relative_step(entry: Entry, entries: Sequence[Entry]) -> float | None:
    """Mean update RMS in units of Adam's on the same data."""
    adam = default_adam(entries, entry.dataset)
    if adam is None or not adam.update_rms or entry.update_rms is None:
        return None
    return entry.update_rms / adam.update_rms


def names(entry: Entry) -> CsvRow:
    """The first fields of every CSV file."""
    return {
        "protocol": entry.protocol,
        "protocol_version": entry.version,
        **({} if entry.network == "convnet" else {"network": entry.network}),
        "optimizer": entry.optimizer,
        "learning_rate": entry.learning_rate,
        "changed": " ".join(f"{k}={v:g}" for k, v in sorted(entry.changed.items())),
        **entry.conditions,
    }


def dataset_table(
    entries: Sequence[Entry], dataset: str, reference: Reference | None = None
) -> Table:
    """Everything about one data set: train accuracy, the published, held-out, steps, runs."""
    here = ordered(entry for entry in entries if entry.dataset == dataset)
    beside = reference is not None and dataset in reference.datasets
    called, rows, data = labels(entries), [], []
    for entry in here:
        printed = published(entry, reference)
        step = relative_step(entry, entries)
        gap = None if printed is None else entry.train.mean - printed
        cells = [called[entry.row], number(entry.train, bounds=PERCENT)]
        if beside:
            cells.append(DASH if printed is None else f"{printed:.2f}{mark(entry.train, printed)}")
            cells.append(DASH if gap is None else f"{gap:+.2f}")
        stds = [x.std if x else None for x in (entry.train, entry.test)]
        cells += [
            number(entry.test, bounds=PERCENT),
            " / ".join(DASH if std is None else f"{std:.2f}" for std in stds),
            DASH if step is None else f"{step:.2f}",
            _runs(entry),
        ]
        rows.append((entry, tuple(cells)))
        numbers = _numbers(entry, _beside(entry, printed, reference), step)
        data.append({"dataset": dataset, **names(entry), **numbers})
    source = reference.name if reference else ""
    header = ("optimizer", "train accuracy %", *((source, "difference") if beside else ()))
    header += ("held-out accuracy %", "standard deviations", "step RMS / Adam's", "runs")
    title = f"{_with_size(here)}: mean ± 95 % interval over seeds; deviations between runs"
    return Table("accuracy", title, header, with_rule(rows, reference), tuple(data))


def _with_size(entries: Sequence[Entry]) -> str:
    """A data set's title with its number of images, where that is recorded."""
    title = dataset_title(entries[0].dataset)
    images = entries[0].facts.examples
    return f"{title}, {images:,} images" if images else title


def _runs(entry: Entry) -> str:
    marks = [(entry.diverged, DIVERGED), (len(unnoticed(entry.records)), UNHEALTHY)]
    counts = ", ".join(f"{count}{mark}" for count, mark in marks if count)
    return f"{entry.train.n} ({counts})" if counts else f"{entry.train.n}"


def _beside(entry: Entry, printed: float | None, reference: Reference | None) -> CsvRow:
    if reference is None:
        return {}
    train, source = entry.train, reference.name
    gap = outside = outside_run = None
    if printed is not None:
        gap = train.mean - printed
        if train.n >= ENOUGH:
            outside, outside_run = train.excludes(printed), train.prediction_excludes(printed)
    return {
        source: printed,
        "difference": gap,
        f"{source}_outside_mean_interval": outside,
        f"{source}_outside_run_interval": outside_run,
    }


def _numbers(entry: Entry, beside: CsvRow, step: float | None) -> CsvRow:
    train, test = entry.train, entry.test
    return {
        "runs": train.n,
        "diverged": entry.diverged,
        "train_mean": train.mean,
        "train_half95": train.half,
        "train_std": train.std,
        **beside,
        "held_out_mean": test.mean if test else None,
        "held_out_half95": test.half if test else None,
        "held_out_std": test.std if test else None,
        "update_rms": entry.update_rms,
        "update_rms_over_adam": step,
        "seconds_mean": float(np.mean(entry.seconds)),
        "seconds_std": _spread(entry),
        "compile_seconds": entry.compile_seconds,
    }


def one_per_row(entries: Sequence[Entry], datasets: Sequence[str]) -> list[Entry]:
    """One entry to name each row: every optimizer and setting run on any of the data sets."""
    firsts: dict[object, Entry] = {}
    for entry in ordered(entries):
        if entry.dataset in datasets:
            firsts.setdefault(entry.row, entry)
    return list(firsts.values())


def find(entries: Sequence[Entry], dataset: str, of: Entry) -> Entry | None:
    """The entry of a row on a data set."""
    return next((e for e in entries if e.dataset == dataset and e.row == of.row), None)


def beside_adam(
    entries: Sequence[Entry], datasets: Sequence[str], of: Entry
) -> list[tuple[Entry, Entry]]:
    """A row's and default Adam's entries on the data sets where both were run."""
    pairs = [(find(entries, name, of), default_adam(entries, name)) for name in datasets]
    return [(entry, adam) for entry, adam in pairs if entry and adam and entry is not adam]


Beside = Callable[[Entry], tuple[str, CsvRow]]
"""A row -> one more cell, and its fields in the CSV file."""


def seconds_table(
    entries: Sequence[Entry],
    datasets: Sequence[str],
    title: str,
    *,
    key: str = "seconds",
    reference: Reference | None = None,
    printed: Mapping[str, Mapping[str, float]] | None = None,
    average: tuple[str, Beside] | None = None,
) -> Table:
    """How long runs took on some data sets, compilation apart.

    Where a row and Adam's were not made on one kind of machine, they are not compared.

    Args:
        entries: all there are.
        datasets: a column each.
        title: the table's.
        key: the CSV file's.
        reference: its optimizers stand above a rule.
        printed: optimizer -> data set -> published seconds, in parentheses beside ours.
        average: title of one more column ("" leaves it to the CSV file), and what stands there.
    """
    called, rows, data = labels(entries), [], []
    for first in one_per_row(entries, datasets):
        there = {name: find(entries, name, first) for name in datasets}
        pairs = [
            (entry, adam)
            for entry, adam in beside_adam(entries, datasets, first)
            if {*map(machine, entry.records)} == {*map(machine, adam.records)}
        ]
        over = _overhead(pairs)
        beside = (printed or {}).get(first.optimizer, {})
        compiling = float(np.mean([entry.compile_seconds for entry in there.values() if entry]))
        cells = [called[first.row]]
        for name, entry in there.items():
            text = _seconds(entry) if entry else DASH
            cells.append(f"{text} ({beside[name]:.2f})" if name in beside else text)
        cells.append(DASH if over is None else f"{over:+.1f}")
        cell, fields = average[1](first) if average else ("", {})
        cells += [cell] if average and average[0] else []
        rows.append((first, (*cells, f"{compiling:.1f}")))
        counted = {"data_sets": len(pairs), "overhead_over_adam_percent": over}
        data.append({**names(first), **counted, **fields, "compile_seconds": compiling})
    header = ("optimizer", *(dataset_title(name) for name in datasets), "over Adam %")
    header += (average[0],) if average and average[0] else ()
    return Table(key, title, (*header, "compile s"), with_rule(rows, reference), tuple(data))


def _overhead(pairs: Sequence[tuple[Entry, Entry]]) -> float | None:
    """Mean over data sets of the ratio of mean seconds to the baseline's, less 1, in per cent.

    It has no interval: optimizers run one after the other, so what a shared machine does in
    the meantime is in it, and the scatter between seeds, which follow each other, does not show it.
    """
    ratios = [np.mean(entry.seconds) / np.mean(adam.seconds) for entry, adam in pairs]
    return 100 * float(np.mean(ratios) - 1) if ratios else None


def _spread(entry: Entry) -> float | None:
    return float(np.std(entry.seconds, ddof=1)) if len(entry.seconds) > 1 else None


def _seconds(entry: Entry) -> str:
    spread = _spread(entry)
    return f"{np.mean(entry.seconds):.2f}" + ("" if spread is None else f" ± {spread:.2f}")
