"""Records of both studies -> the page: every question, its answer by rule, figures, missing runs.

Only runs of the full budget answer here; `report` shows the others, too.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from experiments.distortion_study import folder as distortion
from experiments.distortion_study import plan
from experiments.records import Record
from experiments.reports.exponent.whole import latest_records
from experiments.reports.one_study import of_one_study
from experiments.reports.workload_titles import regimes
from experiments.smes_page import depth, fit

EXPONENT, DISTORTION = "exponent", "distortion"
"""The studies' folders."""


def path_of(folder: Path) -> Path:
    """The page's file, beside the folder."""
    whole = folder.resolve()  # "." has no name of its own
    return whole.with_name(f"{whole.name}.md")


def exponent_records(folder: Path) -> list[Record]:
    """The exponent study's records of the latest version."""
    return latest_records(folder / EXPONENT)


def distortion_records(folder: Path) -> list[depth.DistortionRecord]:
    """The distortion study's records of the full budget."""
    found = distortion.read(folder / DISTORTION)
    return [one for one in found if one.steps == plan.FULL.steps]


def text(folder: Path) -> str:
    """The page as Markdown."""
    name = folder.resolve().name
    command = f"python -m experiments.smes_page {shlex.quote(str(folder))}"
    runs, deep = exponent_records(folder), distortion_records(folder)
    kept, left_out = of_one_study(runs)
    parts = [
        *fit.parts(kept, f"{name}/{EXPONENT}"),
        *depth.parts(deep, f"{name}/{DISTORTION}"),
    ]
    lines = [
        "# SMES: what was measured",
        "",
        "SMES's step is m̂ / (v̂^α + eps): α = 0 is SGD with bias-corrected momentum, α = ½ is Adam. "
        "In the deep networks below SMES has eps 0 and no decay, AdamW eps 1e-8 and decay 0.01, "
        f"SGD no momentum. This page is drawn from the records in [{name}]({name}) by `{command}`; "
        "no line of it is written by hand.",
        "",
        f"Regime {regimes('AB')}. ±: a 95 % interval over seeds. Smallest detectable: the true "
        "difference that is found four times in five. Running maximum: `amsgrad=True`. F-MNIST is "
        "Fashion-MNIST, GTSRB-32 a sample of traffic signs.",
        "",
        "| question | answer |",
        "|:--|:--|",
        *(f"| {part.title} | {part.answer} |" for part in parts),
    ]
    for part in parts:
        lines += ["", f"## {part.title}", "", *part.body]
    missing = [
        *left_out,
        *fit.missing_runs(kept, folder / EXPONENT),
        *depth.missing_runs(deep, folder / DISTORTION),
    ]
    lines += ["", "## What is missing", "", *(f"- {line}" for line in missing or ["Nothing."])]
    return "\n".join(lines) + "\n"
