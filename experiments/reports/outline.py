"""A report in reading order, block by block: what every renderer walks over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from experiments.reports.section import Section
from experiments.reports.table import Table

TITLE = "Optimizers on image classification: what was measured"


@dataclass(frozen=True)
class Heading:
    """A title of level 1 (the report's), 2 (a section's) or 3."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of texts with nothing of Markdown but backticks; ``notice`` calls for attention."""

    texts: Sequence[str]
    notice: bool = False


@dataclass(frozen=True)
class Image:
    """A figure, by the name of its SVG file, under its caption as a heading."""

    file: str
    caption: str


Block = Heading | Paragraph | Bullets | Table | Image


def outline(
    sections: Sequence[Section], notices: Sequence[str], provenance: Sequence[str]
) -> list[Block]:
    """The whole report."""
    blocks: list[Block] = [Heading(1, TITLE)]
    if notices:
        blocks.append(Bullets(notices, notice=True))
    for section in sections:
        blocks += _section(section)
    if provenance:
        blocks += [Heading(2, "Where the records come from"), Bullets(provenance)]
    return blocks


def _section(section: Section) -> Iterator[Block]:
    yield Heading(2, section.title)
    yield Paragraph(section.description)
    yield from _list("Verdicts", section.verdicts)
    for table in section.tables:
        yield Heading(3, table.title)
        yield table
    yield from _list("Notes", section.notes)
    for figure in section.figures:
        yield Image(f"{section.slug}-{figure.key}.svg", figure.caption)
    yield from _list("Missing", section.missing)


def _list(title: str, texts: Sequence[str]) -> list[Block]:
    return [Heading(3, title), Bullets(texts)] if texts else []


def where_to_look(sections: Sequence[Section], notices: Sequence[str]) -> list[str]:
    """One line each: what to read before the rest."""
    found = [f"- {len(notices)} notice(s) at the top: what does not compare"] if notices else []
    for section in sections:
        found += [f"- {section.title}: {verdict}" for verdict in section.verdicts]
        if section.tables and not section.verdicts:
            found.append(f"- {section.title}: its first table, “{section.tables[0].title}”")
        if section.figures:
            first = section.figures[0]
            found.append(f"- {section.slug}-{first.key}.png: {first.caption}")
        if section.notes:
            found.append(
                f"- {section.title}, first of {len(section.notes)} notes: {section.notes[0]}"
            )
    return found
