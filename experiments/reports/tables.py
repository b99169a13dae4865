"""Entries -> the paper's tables, and one for each data set, with the paper's numbers beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.analysis.statistics import Entry, mean_gain
from experiments.protocols import paper
from experiments.reports.table import (
    DASH,
    DISAGREES,
    DIVERGED,
    Table,
    dataset_order,
    dataset_title,
    in_paper,
    mark,
    number,
    ordered,
    title_of,
    with_rule,
)


def baseline(entries: Sequence[Entry], dataset: str) -> Entry | None:
    """Adam at the protocol's settings on a data set, if it was run."""
    for entry in entries:
        if entry.dataset == dataset and entry.optimizer == paper.BASELINE and not entry.changed:
            return entry
    return None


def relative_step(entry: Entry, entries: Sequence[Entry]) -> float | None:
    """Mean update RMS in units of Adam's on the same data."""
    adam = baseline(entries, entry.dataset)
    if adam is None or not adam.update_rms or entry.update_rms is None:
        return None
    return entry.update_rms / adam.update_rms


def _names(entry: Entry) -> dict[str, Any]:
    """The first fields of every CSV file."""
    return {
        "protocol": entry.protocol,
        "protocol_version": entry.version,
        "optimizer": entry.optimizer,
        "learning_rate": entry.hyperparameters.get("learning_rate"),
        "changed": " ".join(f"{k}={v:g}" for k, v in sorted(entry.changed.items())),
    }


def dataset_table(entries: Sequence[Entry], dataset: str) -> Table:
    """Everything about one data set: train accuracy, the paper's, held-out, steps, runs."""
    beside = dataset in paper.DATASETS
    rows, data = [], []
    for entry in ordered([entry for entry in entries if entry.dataset == dataset]):
        printed = paper.accuracy(entry.optimizer, dataset) if in_paper(entry) else None
        step = relative_step(entry, entries)
        gap = None if printed is None else entry.train.mean - printed
        both = (entry.train, entry.test)
        cells = [title_of(entry), number(entry.train)]
        if beside:
            cells.append(DASH if printed is None else f"{printed:.2f}{mark(entry.train, printed)}")
            cells.append(DASH if gap is None else f"{gap:+.2f}")
        cells += [
            number(entry.test),
            " / ".join(DASH if x is None or x.std is None else f"{x.std:.2f}" for x in both),
            DASH if step is None else f"{step:.2f}",
            f"{entry.train.n}" + (f" ({entry.diverged}{DIVERGED})" if entry.diverged else ""),
        ]
        rows.append((entry, tuple(cells)))
        test, train = entry.test, entry.train
        data.append(
            {
                "dataset": dataset,
                **_names(entry),
                "runs": train.n,
                "diverged": entry.diverged,
                "train_mean": train.mean,
                "train_half95": train.half,
                "train_std": train.std,
                "paper": printed,
                "difference": gap,
                "paper_outside_mean_interval": None if printed is None else train.excludes(printed),
                "paper_outside_run_interval": (
                    None if printed is None else train.excludes_run(printed)
                ),
                "held_out_mean": test.mean if test else None,
                "held_out_half95": test.half if test else None,
                "held_out_std": test.std if test else None,
                "update_rms": entry.update_rms,
                "update_rms_over_adam": step,
                "seconds_mean": float(np.mean(entry.seconds)),
                "seconds_std": _spread(entry),
                "compile_seconds": entry.compile_seconds,
            }
        )
    header = ("optimizer", "train accuracy %", *(("paper", "difference") if beside else ()))
    header += ("held-out accuracy %", "standard deviations", "step RMS / Adam's", "runs")
    title = f"{dataset_title(dataset)}: mean ± 95 % interval over seeds; deviations between runs"
    return Table("accuracy", title, header, with_rule(rows), tuple(data))


def accuracy_table(entries: Sequence[Entry], which: int) -> Table | None:
    """The paper's Table 1 or 2 with what was measured; None where nothing of it was run."""
    names = [n for n in paper.TABLES[which] if any(e.dataset == n for e in entries)]
    if not names:
        return None
    rows, data = [], []
    for first in _one_per_row(entries, names):
        cells = [title_of(first)]
        for name in names:
            entry = _find(entries, name, first)
            printed = paper.accuracy(first.optimizer, name) if in_paper(first) else None
            beside = DASH if printed is None else f"{printed:.2f}"
            beside += mark(entry.train, printed) if entry else ""
            cells.append(f"{number(entry.train if entry else None)} ({beside})")
        pairs = _beside_adam(entries, names, first)
        gain = mean_gain(pairs) if pairs else None
        printed_gain = columns = None
        if which == 1 and in_paper(first):
            printed_gain = paper.PRINTED_GAIN.get(first.optimizer)
            columns = paper.gain_of_columns(first.optimizer)
        disagrees = paper.gain_disagrees(first.optimizer)
        cells.append(number(gain, sign=True) + (f" [{len(pairs)}]" if gain else ""))
        cells.append(_printed(printed_gain, columns, disagrees, 1))
        rows.append((first, tuple(cells)))
        data.append(
            {
                "table": which,
                **_names(first),
                "data_sets": len(pairs),
                "gain_over_adam": gain.mean if gain else None,
                "gain_half95": gain.half if gain else None,
                "paper_prints": printed_gain,
                "paper_columns_give": columns,
            }
        )
    header = ("optimizer", *(f"{dataset_title(name)} (paper)" for name in names))
    header += ("mean gain over Adam, points [data sets]", "paper prints")
    title = f"Table {which}: train accuracy %, mean ± 95 % interval over seeds (the paper's number)"
    return Table(f"table{which}", title, header, with_rule(rows), tuple(data))


def _printed(printed: float | None, columns: float | None, disagrees: bool, digits: int) -> str:
    """An average as the paper prints it, marked where its own columns give another."""
    if printed is None:
        return DASH
    text = f"{printed:+.{digits}f}"
    return f"{text}{DISAGREES} (its columns: {columns:+.2f})" if disagrees else text


def _one_per_row(entries: Sequence[Entry], names: Sequence[str]) -> list[Entry]:
    """One entry to name each row: every optimizer and setting run on any of the data sets."""
    firsts: dict[object, Entry] = {}
    for entry in entries:
        if entry.dataset in names:
            firsts.setdefault(entry.row, entry)
    return ordered(list(firsts.values()))


def _find(entries: Sequence[Entry], dataset: str, of: Entry) -> Entry | None:
    return next((e for e in entries if e.dataset == dataset and e.row == of.row), None)


def _beside_adam(
    entries: Sequence[Entry], names: Sequence[str], of: Entry
) -> list[tuple[Entry, Entry]]:
    """An optimizer's and Adam's entries on the data sets where both were run."""
    if of.label == paper.BASELINE:
        return []
    return [
        (entry, adam)
        for name in names
        if (entry := _find(entries, name, of)) and (adam := baseline(entries, name))
    ]


def seconds_tables(entries: Sequence[Entry]) -> list[Table]:
    """The paper's Table 3, and the same for the other data sets, of what was run."""
    names = dataset_order(entries)
    printed = [name for name in paper.TABLES[3] if name in names]
    others = [name for name in names if name not in printed]
    title = "Table 3: seconds of a training run ± standard deviation, compilation apart"
    tables = [_seconds_table(entries, printed, "table3", f"{title} (the paper's, on a T4)")]
    what = "the other data sets" if printed else "these data sets (the paper's Table 3 has others)"
    tables.append(
        _seconds_table(entries, others, "seconds", f"Seconds of a training run on {what}")
    )
    return [table for table in tables if table is not None]


def _seconds_table(
    entries: Sequence[Entry], names: Sequence[str], key: str, title: str
) -> Table | None:
    if not names:
        return None
    beside = key == "table3"
    rows, data = [], []
    for first in _one_per_row(entries, names):
        there = {name: _find(entries, name, first) for name in names}
        known = beside and in_paper(first)
        printed = paper.SECONDS.get(first.optimizer, {}) if known else {}
        pairs = _beside_adam(entries, names, first)
        over = _overhead(pairs)
        columns = paper.overhead_of_columns(first.optimizer) if known else None
        printed_over = paper.PRINTED_OVERHEAD.get(first.optimizer) if known else None
        compiling = float(np.mean([entry.compile_seconds for entry in there.values() if entry]))
        cells = [title_of(first)]
        for name, entry in there.items():
            text = _seconds(entry) if entry else DASH
            cells.append(f"{text} ({printed[name]:.2f})" if name in printed else text)
        cells.append(DASH if over is None else f"{over:+.1f}")
        if beside:
            disagrees = paper.overhead_disagrees(first.optimizer)
            cells.append(_printed(printed_over, columns, disagrees, 2))
        rows.append((first, (*cells, f"{compiling:.1f}")))
        data.append(
            {
                **_names(first),
                "data_sets": len(pairs),
                "overhead_over_adam_percent": over,
                "paper_prints": printed_over,
                "paper_columns_give": columns,
                "compile_seconds": compiling,
            }
        )
    header = (
        "optimizer",
        *(dataset_title(name) + (" (paper)" if beside else "") for name in names),
    )
    header += ("over Adam %", *(("paper prints %",) if beside else ()), "compile s")
    return Table(key, title, header, with_rule(rows), tuple(data))


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
