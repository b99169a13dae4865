"""One part of a report: what a protocol's records say, ready to be rendered."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.analysis.summaries import Entry
from experiments.reports.table import Table


@dataclass(frozen=True)
class Figure:
    """A figure that is drawn when it is written.

    Attributes:
        key: part of its file's name.
        caption: one line, also its description for those who cannot see it.
        draw: makes {"png": bytes, "svg": bytes}.
    """

    key: str
    caption: str
    draw: Callable[[], dict[str, bytes]]


@dataclass(frozen=True)
class Section:
    """What one protocol's records say, a study's of all networks, the paper's of one.

    Attributes:
        title: the protocol, its version, and the network of a section of one that is not the
            convnet.
        slug: the same, fit for file names.
        description: what the protocol does, in one line.
        verdicts: answers by rule, one line a question.
        tables: in reading order.
        figures: likewise.
        notes: what readers must know beside the tables, the weightiest first.
        missing: what was not run, with the command that would.
    """

    title: str
    slug: str
    description: str
    verdicts: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What the caller of a report asks beside its records.

    Attributes:
        folder: of the records, for the commands that would add to them.
        baseline: the optimizer that the others are compared with; None is Adam where it was run,
            else AdamW.
    """

    folder: str
    baseline: str | None = None


def opening(budget: str) -> str:
    """What comes before everything that a budget below the full one says.

    Example:
        >>> opening("smoke"), opening("full")
        ('not an answer (smoke): ', '')
    """
    return "" if budget == "full" else f"not an answer ({budget}): "


def slug(text: str) -> str:
    """A text fit for file names.

    Example:
        >>> slug("fair[budget=smoke] v1")
        'fair-budget-smoke-v1'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


Builder = Callable[[Sequence[Entry], Question], list[Section]]
"""Entries of one protocol and version -> its sections."""
