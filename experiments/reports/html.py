"""A report as one self-contained HTML page: no script, no link to anything outside itself."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

from experiments.reports.outline import TITLE, Block, Bullets, Heading, Image, Paragraph
from experiments.reports.table import Table

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 78rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 0.5rem 0 1.5rem; font-size: 0.92rem; }
th, td { padding: 0.3rem 0.7rem; text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid #333; white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
tbody tr:nth-child(even) { background: #f5f5f5; }
tbody.beside { border-top: 2px solid #333; }
img { max-width: 100%; height: auto; }
.notice { border-left: 4px solid #b34700; padding-left: 0.8rem; }
code { background: #f0f0f0; padding: 0.1rem 0.3rem; overflow-wrap: anywhere; }
"""


def render(blocks: Sequence[Block], files: Mapping[str, bytes]) -> str:
    """The whole page.

    Args:
        blocks: as `outline` gives them.
        files: name of an SVG file -> its content, for every image.
    """
    body = "\n".join(_block(block, files) for block in blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(TITLE)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{body}\n</body>\n</html>\n"
    )


def _block(block: Block, files: Mapping[str, bytes]) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
        case Paragraph():
            return f"<p>{escape(block.text)}</p>"
        case Bullets():
            items = "\n".join(f"<li>{_code(escape(text))}</li>" for text in block.texts)
            return f"<ul{' class=notice' if block.notice else ''}>\n{items}\n</ul>"
        case Image():
            data = base64.b64encode(files[block.file]).decode()
            source = f"data:image/svg+xml;base64,{data}"
            caption = escape(block.caption)
            return f'<h3>{caption}</h3>\n<p><img alt="{caption}" src="{source}"></p>'
        case Table():
            return _table(block)


def _code(text: str) -> str:
    parts = text.split("`")
    return "".join(
        f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)
    )


def _table(content: Table) -> str:
    """A table; rows below its rule become a second body."""
    bodies: list[list[str]] = [[]]
    for row in content.rows:
        if row is None:
            bodies.append([])
        else:
            cells = "".join(f"<td>{escape(cell)}</td>" for cell in row)
            bodies[-1].append(f"<tr>{cells}</tr>")
    head = "".join(f"<th>{escape(title)}</th>" for title in content.header)
    kinds = ["<tbody>", *['<tbody class="beside">'] * (len(bodies) - 1)]
    body = "\n".join(
        "\n".join([kind, *rows, "</tbody>"]) for kind, rows in zip(kinds, bodies, strict=True)
    )
    return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n{body}\n</table></div>'
