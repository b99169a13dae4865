"""The code that the pages show beside the equations is where they look for it."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
EXCERPT = re.compile(r"^```\{literalinclude\} (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OPTION = re.compile(r'^:(start-at|end-at|end-before): "?(.*?)"?$', re.MULTILINE)


def excerpts() -> list[tuple[str, str, dict[str, str]]]:
    """Page, file and the lines that begin and end the excerpt."""
    return [
        (page.name, found[1], dict(OPTION.findall(found[2])))
        for page in sorted(DOCS.glob("*.md"))
        for found in EXCERPT.finditer(page.read_text("utf-8"))
    ]


@pytest.mark.parametrize(("page", "file", "bounds"), excerpts())
def test_an_excerpt_begins_and_ends_at_lines_that_are_there(page, file, bounds):
    lines = (DOCS / file).read_text("utf-8").splitlines()
    for option in ("start-at", "end-at", "end-before"):  # the end is looked for behind the start
        if option in bounds:
            at = next((i for i, line in enumerate(lines) if bounds[option] in line), None)
            assert at is not None, f"{page}: no line of {file} has {bounds[option]!r} ({option})"
            lines = lines[at:]


def test_the_page_of_the_equations_has_excerpts():
    assert len([page for page, *_ in excerpts() if page == "maths.md"]) >= 5
