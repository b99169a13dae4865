"""The study's folder: its records, a file a depth, and what is drawn from them beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from experiments import files


def file_of(folder: Path, depth: int) -> Path:
    """Where the records of one depth are: processes that take a depth each share no file."""
    return folder / f"distortion-{depth}-layers.jsonl"


def read(folder: Path) -> list[dict[str, Any]]:
    """The folder's records; a last line that a killed run left unfinished is passed over."""
    found = []
    for path in sorted(folder.glob("distortion-*-layers.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                if number < len(lines):
                    raise ValueError(f"{path}: line {number} is no record") from None
    return found


def redraw(folder: Path) -> str:
    """Writes the findings and figures of the folder's records; returns the findings."""
    from experiments.distortion_study import figures, findings

    found = read(folder)
    text = findings.text(found)
    files.write(folder / "distortion.md", text)
    for name, drawn in figures.draw(found).items():
        for kind, content in drawn.items():
            files.write(folder / f"distortion-{name}.{kind}", content)
    return text
