"""`python -m experiments.smes_page FOLDER`: draws both studies and writes FOLDER.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments import files, records
from experiments.distortion_study import folder as distortion
from experiments.reports import report
from experiments.smes_page import page


def parser() -> argparse.ArgumentParser:
    """Its one argument."""
    made = argparse.ArgumentParser(prog="python -m experiments.smes_page")
    made.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help=f"holds the records: {page.EXPONENT}/ of `run --protocol exponent`, "
        f"{page.DISTORTION}/ of `distortion_study run`; either may be missing",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the page and every figure that it shows."""
    folder = parser().parse_args(arguments).folder
    if not folder.is_dir():
        print(f"error: there is no folder {folder}; it holds the studies' records", file=sys.stderr)
        return 2
    try:
        text = page.text(folder)
        if page.exponent_records(folder):
            report.write(report.build(folder / page.EXPONENT), folder / page.EXPONENT)
        if distortion.read(folder / page.DISTORTION):
            distortion.redraw(folder / page.DISTORTION)
    except (records.RecordError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    files.write(page.path_of(folder), text)
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
