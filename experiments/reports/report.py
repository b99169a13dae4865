"""Records -> tables (Markdown, CSV), figures (PNG, SVG) and one HTML page.

Reads records and nothing else, so a table can always be drawn again without training;
the same records give the same bytes.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from experiments import optimizers, protocols, records
from experiments.analysis import summaries
from experiments.analysis.summaries import Entry
from experiments.files import write as write_file
from experiments.protocols.paper import section as paper
from experiments.reports import generic, html, markdown, provenance
from experiments.reports.ablation import section as ablation
from experiments.reports.exponent import section as exponent
from experiments.reports.fair import section as fair
from experiments.reports.label_noise import section as label_noise
from experiments.reports.labels import disambiguated
from experiments.reports.outline import outline, where_to_look
from experiments.reports.rate_scaling import section as rate_scaling
from experiments.reports.section import Builder, Question, Section
from experiments.reports.table import csv_of

BUILDERS: dict[str, Builder] = {
    "paper": paper.build,
    "fair": fair.build,
    "ablation": ablation.build,
    "label_noise": label_noise.build,
    "exponent": exponent.build,
    "rate_scaling": rate_scaling.build,
}
"""Protocol, deviations left out -> what makes its sections; any other has the generic ones."""


@dataclass(frozen=True)
class Report:
    """Everything a folder of records gives."""

    sections: tuple[Section, ...]
    notices: tuple[str, ...]
    provenance: tuple[str, ...]
    records: tuple[records.Record, ...] = field(repr=False)


def build(folder: str | os.PathLike[str], *, baseline: str | None = None) -> Report:
    """Sums up a folder of records; draws and writes nothing.

    Args:
        folder: of the records.
        baseline: the optimizer that the others are compared with; None is Adam where it was run,
            else AdamW.

    Raises:
        records.RecordError: no folder, no records, or a line that is not a record.
        ValueError: a baseline that was not run, or that no protocol here takes.
    """
    with _collector_off():
        return _build(folder, baseline)


@contextlib.contextmanager
def _collector_off() -> Iterator[None]:
    """Without the cyclic collector, which walks all the records again and again for nothing.

    Of 20,000 records that is a sixth of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _build(folder: str | os.PathLike[str], baseline: str | None) -> Report:
    reading = records.read(folder)
    bases = {protocols.base_name(one.protocol) for one in reading.records}
    if baseline is not None and bases <= {*protocols.STUDIES}:
        raise ValueError(
            f"baseline is {baseline!r}, but there are records of {', '.join(sorted(bases))} alone, "
            "whose questions say who is compared with whom: leave --baseline out"
        )
    run = sorted({one.optimizer for one in reading.records})
    recorded = baseline if baseline is None or baseline in run else _recorded(baseline)
    if recorded is not None and recorded not in run:
        raise ValueError(
            f"baseline is {baseline!r}, expected an optimizer that was run: {', '.join(run)}"
        )
    question = Question(str(folder), recorded)
    return Report(
        sections=tuple(sections(summaries.entries(reading.records), question)),
        notices=(*reading.notices, *provenance.mixed(reading.records)),
        provenance=tuple(provenance.provenance(reading.records)),
        records=tuple(sorted(reading.records, key=lambda one: one.identity)),
    )


def _recorded(name: str) -> str:
    """An optimizer's name as records spell it; as given where it states a rate, or is not here."""
    try:
        found = optimizers.resolve(name)
    except ValueError:
        return name
    at_its_own = found.hyperparameters == optimizers.resolve(found.name).hyperparameters
    return found.name if at_its_own else name


def sections(entries: Iterable[Entry], question: Question) -> list[Section]:
    """What the builder of each protocol and version makes of its entries."""
    found = []
    for group in by_protocol(entries):
        builder = BUILDERS.get(protocols.base_name(group[0].protocol), generic.build)
        found += builder(apart(group), question)
    return found


def by_protocol(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Entries apart by protocol and version."""
    groups: dict[tuple[str, int], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.protocol, entry.version), []).append(entry)
    return [groups[key] for key in sorted(groups)]


def apart(entries: Sequence[Entry]) -> list[Entry]:
    """Different data under one name become data sets of their own, named by fingerprint."""
    prints: dict[str, set[str]] = {}
    for entry in entries:
        prints.setdefault(entry.dataset, set()).add(entry.fingerprint)
    return [
        replace(entry, dataset=disambiguated(entry.dataset, entry.fingerprint))
        if len(prints[entry.dataset]) > 1
        else entry
        for entry in entries
    ]


def text(report: Report) -> str:
    """The report for a terminal: no figures, and at its end where to look first."""
    parts = outline(report.sections, report.notices, ())
    ending = "\n".join(where_to_look(report.sections, report.notices))
    return f"{markdown.render(parts, figures=False)}\nWhere to look first\n{ending}"


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
        for figure in section.figures:
            drawn = figure.draw()
            files |= {f"{section.slug}-{figure.key}.{kind}": data for kind, data in drawn.items()}
    files["records.csv"] = records.to_csv(report.records).encode()
    parts = outline(report.sections, report.notices, report.provenance)
    files["report.md"] = markdown.render(parts).encode()
    files["report.html"] = html.render(parts, files).encode()
    try:
        for name, content in files.items():
            write_file(out / name, content)
    except OSError as error:
        raise records.RecordError(
            f"cannot write the report into {out}: {error.strerror}"
        ) from error
    return [out / name for name in files]
