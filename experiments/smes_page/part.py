"""One question of the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A question and what the records say to it.

    Attributes:
        title: the question.
        answer: in a few words, for the page's first table.
        body: verdicts, figures and tables, as lines of Markdown.
    """

    title: str
    answer: str
    body: tuple[str, ...]


def part(title: str, answer: str, *blocks: Iterable[str]) -> Part:
    """A question whose body is some blocks of lines, an empty line between them."""
    body: list[str] = []
    for block in map(list, blocks):
        body += ([""] if body and block else []) + block
    return Part(title, answer, tuple(body))


def not_run(title: str) -> Part:
    """A question of which there are no records."""
    return part(title, "not run yet", ["**Not run yet**: the command is at the page's end."])


def bullets(lines: Iterable[str]) -> list[str]:
    """A Markdown list."""
    return [f"- {line}" for line in lines]


def image(file: str, caption: str) -> list[str]:
    """A figure and its caption."""
    return [f"![{caption}]({file})", "", f"*{caption}*"]
