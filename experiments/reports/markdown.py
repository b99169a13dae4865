"""A report as Markdown that names its figures by file; without them it is fit for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.reports.outline import Block, Bullets, Heading, Image, Paragraph
from experiments.reports.table import Table


def render(blocks: Sequence[Block], *, figures: bool = True) -> str:
    """The whole text.

    Args:
        blocks: as `outline` gives them.
        figures: False leaves them out.
    """
    shown = (block for block in blocks if figures or not isinstance(block, Image))
    return "\n\n".join(map(_block, shown)) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {block.text}"
        case Paragraph():
            return block.text
        case Bullets():
            mark = "**notice**: " if block.notice else ""
            return "\n".join(f"- {mark}{text}" for text in block.texts)
        case Image():
            return f"### {block.caption}\n\n![{block.caption}]({block.file})"
        case Table():
            return table(block)


def table(content: Table) -> str:
    """A table, padded so that it reads as plain text, too."""
    lines = [
        # A bar would end the cell: an optimizer's overrides may hold one.
        tuple(cell.replace("|", "\\|") for cell in row or ("",) * len(content.header))
        for row in (content.header, *content.rows)
    ]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(content.header))]

    def join(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        return "| " + " | ".join(padded) + " |"

    rule = "|:" + "-" * (widths[0] + 1) + "|"
    rule += "".join("-" * (width + 1) + ":|" for width in widths[1:])
    return "\n".join([join(lines[0]), rule, *map(join, lines[1:])])
