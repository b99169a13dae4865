"""The paper's section of a report: its tables and caveats, around what every section has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from experiments.analysis import sweeps
from experiments.analysis.summaries import Entry
from experiments.protocols.paper import notes, published, tables
from experiments.reports import generic, missing
from experiments.reports.labels import bare
from experiments.reports.section import Question, Section


def build(entries: Sequence[Entry], question: Question) -> list[Section]:
    """A section for each network; the published numbers stand beside the paper's own alone."""
    return [_section(group, question) for group in generic.by_network(entries)]


def _section(entries: Sequence[Entry], question: Question) -> Section:
    reference = generic.reference(entries)
    section = generic.section(entries, question, reference)
    if reference is None:
        return section
    unchanged = [entry for entry in entries if not entry.changed]
    theirs = [t for which in (1, 2) if (t := tables.accuracy_table(unchanged, which))]
    rest = [table for table in section.tables if table.key != "seconds"]
    in_order = [*rest, *theirs] if sweeps.swept(entries) else [*theirs, *rest]
    return replace(
        section,
        tables=(*in_order, *tables.seconds_tables(entries)),
        notes=(*section.notes, *notes.notes(entries)),
        missing=(*section.missing, *_never_begun(entries, question.folder)),
    )


def _never_begun(entries: Sequence[Entry], folder: str) -> list[str]:
    """What of the paper's study there is nothing of, and the command for all of it."""
    seeds = max(seed for e in entries for seed in e.by_seed) + 1
    have = {bare(e.dataset) for e in entries}
    absent_sets = [name for name in published.DATASETS if name not in have]
    run = {e.optimizer for e in entries if not e.changed}
    absent = [name for name in published.OPTIMIZERS if name not in run]
    what = [f"the data sets {', '.join(absent_sets)}"] if absent_sets else []
    what += [f"the optimizers {', '.join(absent)}"] if absent else []
    if not what:
        return []
    first = entries[0]
    command = missing.run_command(first, published.DATASETS, (), seeds, {}, folder)
    return [f"of the paper's study there is nothing of {' and '.join(what)}: `{command}`"]
