"""A self-contained HTML page: no script, no link to anything outside itself."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape as escape

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


def table(content: Table) -> str:
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


def image(svg: bytes, description: str) -> str:
    """A figure, inside the page."""
    data = base64.b64encode(svg).decode()
    return f'<p><img alt="{escape(description)}" src="data:image/svg+xml;base64,{data}"></p>'


def paragraphs(texts: Sequence[str], kind: str = "") -> str:
    """Text in Markdown's backticks and nothing else of it, as a list."""
    items = "\n".join(f"<li>{_code(escape(text))}</li>" for text in texts)
    return f'<ul class="{kind}">\n{items}\n</ul>' if kind else f"<ul>\n{items}\n</ul>"


def _code(text: str) -> str:
    parts = text.split("`")
    return "".join(
        f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)
    )


def page(title: str, parts: Sequence[str]) -> str:
    """The whole document."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )
