"""`python -m experiments.smes_page FOLDER`: draws both studies and writes FOLDER.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments import files
from experiments.__main__ import guarded


def parser() -> argparse.ArgumentParser:
    """Its one argument."""
    made = argparse.ArgumentParser(prog="python -m experiments.smes_page")
    made.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="holds the records: exponent/ of `run --protocol exponent`, distortion/ of "
        "`distortion_study run`; either may be missing",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the page and every figure that it shows."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    folder = parser().parse_args(given).folder
    return guarded(lambda: _draw(folder), "experiments.smes_page", given)


def _draw(folder: Path) -> int:
    # Here, so that a package that is missing is told in a line.
    from experiments.distortion_study import folder as distortion
    from experiments.reports import report
    from experiments.smes_page import page

    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}; it holds the studies' records")
    text = page.text(folder)
    if page.exponent_records(folder):
        report.write(report.build(folder / page.EXPONENT), folder / page.EXPONENT)
    if distortion.read(folder / page.DISTORTION):
        distortion.redraw(folder / page.DISTORTION)
    files.write(page.path_of(folder), text)
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
