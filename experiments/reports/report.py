"""Records -> tables (Markdown, CSV), figures (PNG, SVG) and one HTML page.

Reads records and nothing else, so a table can always be drawn again without training;
the same records give the same bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from experiments import protocols, records
from experiments.analysis import statistics
from experiments.analysis.statistics import Entry
from experiments.reports import figures, notes, page, tables
from experiments.reports.table import Table, csv_of, told_apart


@dataclass(frozen=True)
class Section:
    """One protocol version's results.

    Attributes:
        title: the protocol and its version.
        slug: the same, fit for file names.
        description: what the protocol does, in one line.
        tables: in reading order.
        notes: what readers must know beside the tables.
        missing: what was not run, with the command that would.
        entries: what the figures are drawn from.
    """

    title: str
    slug: str
    description: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    missing: tuple[str, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Report:
    """Everything a folder of records gives."""

    sections: tuple[Section, ...]
    notices: tuple[str, ...]
    provenance: tuple[str, ...]


TITLE = "Optimizers on image classification: what was measured, beside what the paper printed"

FIGURES = {
    "loss": (
        "Figure 1: training loss per epoch (mean over seeds; bands: smallest to largest)",
        figures.loss,
    ),
    "accuracy": (
        "Accuracy with 95 % intervals for the mean over seeds, and the paper's number",
        figures.accuracy,
    ),
}
"""Name -> caption, and the function that draws a section's entries."""


def build(folder: str | os.PathLike[str]) -> Report:
    """Sums up a folder of records; draws and writes nothing.

    Raises:
        records.RecordError: no folder, no records, or a line that is not a record.
    """
    reading = records.read(folder)
    found = statistics.entries(reading.records)
    groups: dict[tuple[str, int], list[Entry]] = {}
    for entry in found:
        groups.setdefault((entry.protocol, entry.version), []).append(entry)
    return Report(
        sections=tuple(_section(apart(groups[key]), str(folder)) for key in sorted(groups)),
        notices=(*reading.notices, *notes.mixed(reading.records)),
        provenance=tuple(notes.provenance(reading.records)),
    )


def apart(entries: Sequence[Entry]) -> list[Entry]:
    """Different data under one name become data sets of their own, named by fingerprint."""
    prints: dict[str, set[str]] = {}
    for entry in entries:
        prints.setdefault(entry.dataset, set()).add(entry.fingerprint)
    return [
        replace(entry, dataset=told_apart(entry.dataset, entry.fingerprint))
        if len(prints[entry.dataset]) > 1
        else entry
        for entry in entries
    ]


def _section(entries: list[Entry], folder: str) -> Section:
    protocol, version = entries[0].protocol, entries[0].version
    parts = [tables.accuracy_table(entries, which) for which in (1, 2)]
    parts += [tables.dataset_table(entries, name) for name in tables.dataset_order(entries)]
    parts += tables.seconds_tables(entries)
    return Section(
        title=f"Protocol {protocol}, version {version}",
        slug=re.sub(r"[^a-z0-9]+", "-", protocol.lower()).strip("-") + f"-v{version}",
        description=_description(protocol),
        tables=tuple(part for part in parts if part is not None),
        notes=tuple(notes.notes(entries)),
        missing=tuple(notes.missing(entries, folder)),
        entries=tuple(entries),
    )


def _description(protocol: str) -> str:
    try:
        return protocols.parse(protocol).summary
    except ValueError:
        return "a protocol that this version does not know"


def markdown(report: Report) -> str:
    """The report as Markdown that names its figures by file."""
    parts = [f"# {TITLE}"]
    if report.notices:
        parts.append("\n".join(f"- **notice**: {notice}" for notice in report.notices))
    for section in report.sections:
        parts += [f"## {section.title}", section.description]
        for table in section.tables:
            parts += [f"### {table.title}", table.markdown()]
        parts.append("### Notes")
        parts.append(_bullets(section.notes))
        for name, (caption, _) in FIGURES.items():
            parts += [f"### {caption}", f"![{caption}]({section.slug}-{name}.svg)"]
        if section.missing:
            parts += ["### Missing", _bullets(section.missing)]
    parts += ["## Where the records come from", _bullets(report.provenance)]
    return "\n\n".join(part for part in parts if part) + "\n"


def html(report: Report, svg: Mapping[str, bytes]) -> str:
    """The report as one HTML page with its figures, given by file name, inside."""
    parts = [page.paragraphs(report.notices, "notice")] if report.notices else []
    for section in report.sections:
        parts += [f"<h2>{page.escape(section.title)}</h2>"]
        parts += [f"<p>{page.escape(section.description)}</p>"]
        for table in section.tables:
            parts += [f"<h3>{page.escape(table.title)}</h3>", page.table(table)]
        parts += ["<h3>Notes</h3>", page.paragraphs(section.notes)]
        for name, (caption, _) in FIGURES.items():
            picture = page.image(svg[f"{section.slug}-{name}.svg"], caption)
            parts += [f"<h3>{page.escape(caption)}</h3>", picture]
        if section.missing:
            parts += ["<h3>Missing</h3>", page.paragraphs(section.missing)]
    parts += ["<h2>Where the records come from</h2>", page.paragraphs(report.provenance)]
    return page.page(TITLE, parts)


def text(report: Report) -> str:
    """The tables for a terminal."""
    parts = [f"notice: {notice}" for notice in report.notices]
    for section in report.sections:
        parts.append(f"{section.title}: {section.description}")
        for table in section.tables:
            parts += [table.title, table.markdown()]
        parts.append(_bullets(section.notes))
        parts += [_bullets(section.missing)] if section.missing else []
    return "\n\n".join(parts)


def _bullets(texts: Sequence[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)


def write(report: Report, out: str | os.PathLike[str]) -> list[Path]:
    """Writes every file of a report into ``out`` and returns their paths.

    Raises:
        records.RecordError: ``out`` cannot be made or written.
    """
    out = Path(out)
    files: dict[str, bytes] = {}
    for section in report.sections:
        for key in dict.fromkeys(table.key for table in section.tables):
            same = [table for table in section.tables if table.key == key]
            files[f"{section.slug}-{key}.csv"] = csv_of(same).encode()
        for name, (_, draw) in FIGURES.items():
            drawn = draw(section.entries)
            files |= {f"{section.slug}-{name}.{kind}": data for kind, data in drawn.items()}
    files["report.md"] = markdown(report).encode()
    files["report.html"] = html(report, files).encode()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            whole = out / f".{name}.part"  # a file is there whole or not at all
            whole.write_bytes(content)
            whole.replace(out / name)
    except OSError as error:
        raise records.RecordError(
            f"cannot write the report into {out}: {error.strerror}"
        ) from error
    return [out / name for name in files]
