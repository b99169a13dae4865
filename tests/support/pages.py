"""What the pages hold: their shell commands and their Python examples."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n+```output\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Each example and its output, preceded by empty lines so that tracebacks name its line."""
    text = page.read_text(encoding="utf-8")
    return [
        ("\n" * text.count("\n", 0, found.start(1)) + found[1], found[2] or "")
        for found in BLOCK.finditer(text)
    ]


def shell_lines(text: str) -> list[str]:
    """Commands of a text's shell blocks, lines that go on joined, comments left out."""
    found = re.findall(r"^```([^\n]*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    commands = "\n".join(block for kind, block in found if kind in ("", "sh"))
    joined = re.sub(r"\\\n\s*", "", commands)
    return [line for line in joined.splitlines() if line.strip()]


def arguments(lines: list[str], module: str = "experiments") -> list[list[str]]:
    """The arguments of every `python -m MODULE`."""
    split = [shlex.split(line, comments=True) for line in lines if "-m experiments" in line]
    return [words[words.index(module) + 1 :] for words in split if module in words]
