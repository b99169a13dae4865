"""The study's folder: its records, a file a depth, and what is drawn from them beside them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from experiments import files
from experiments.distortion_study.record import DistortionRecord
from experiments.records import lines, storage


def file_of(folder: Path, depth: int) -> Path:
    """Where the records of one depth are: processes that take a depth each share no file."""
    return folder / storage.OF_DISTORTION.replace("*", str(depth))


def read(folder: Path) -> list[DistortionRecord]:
    """The folder's records; a last line that a killed run left unfinished is passed over.

    Raises:
        RecordError: a file that cannot be read, or a line that is no record.
    """
    parse = partial(lines.build, DistortionRecord)
    paths = sorted(folder.glob(storage.OF_DISTORTION))
    return [one for path in paths for one in storage.read_file(path, parse, notices=[])]


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
