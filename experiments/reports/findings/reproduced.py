"""Which of the paper's numbers are reproduced, under the paper's own protocol."""

from __future__ import annotations

import shlex
from pathlib import Path

from experiments import records
from experiments.analysis import summaries
from experiments.analysis.summaries import Entry, mean_gain
from experiments.protocols.paper.published import REFERENCE
from experiments.reports.labels import dataset_order, dataset_title, optimizer_title
from experiments.reports.outline import Block, Bullets, Paragraph
from experiments.reports.table import ENOUGH, mark, number, published

OURS, BASE = "thermolion", "adam"


def blocks(folder: Path) -> list[Block]:
    """The paper's numbers that lie within our intervals, and ThermoLion beside Adam."""
    found = [
        one
        for one in records.read(folder, missing_ok=True).records
        if one.protocol == "paper" and one.network == "convnet"
    ]
    entries = [entry for entry in summaries.entries(found) if not entry.changed]
    if not entries:
        return [Paragraph("No runs of the paper's protocol yet.")]
    lines = [*_printed(entries), *_beside_adam(entries)]
    return [
        Bullets(lines or ["No number of the paper was run again yet."]),
        Paragraph(_where(folder)),
    ]


def _where(folder: Path) -> str:
    """The report where it is drawn, and else the command that draws it."""
    # `report` writes into a folder of its own, unless it is told another, as for this project's.
    for drawn in ("records/report", "paper"):
        if (folder.parent / drawn / "report.md").is_file():
            return f"Every number and its command: [the report]({drawn}/report.md)."
    command = f"python -m experiments report {shlex.quote(folder.as_posix())}"
    return f"Every number: `{command}` draws the report."


def _printed(entries: list[Entry]) -> list[str]:
    pairs = [
        (entry, printed)
        for entry in entries
        if (printed := published(entry, REFERENCE)) is not None and entry.train.n >= ENOUGH
    ]
    if not pairs:
        return []
    outside = [(entry, printed) for entry, printed in pairs if mark(entry.train, printed)]
    most = max(abs(entry.train.mean - printed) for entry, printed in pairs)
    words = [
        f"{optimizer_title(entry.optimizer)} on {dataset_title(entry.dataset)} "
        f"({number(entry.train)} here, {printed:.2f} printed)"
        for entry, printed in outside
    ]
    line = (
        f"Of {len(pairs)} train accuracies that the paper prints and that were run again, "
        f"{len(pairs) - len(outside)} lie within our 95 % interval, and all within "
        f"{most:.1f} points of our mean"
    )
    return [line + (f"; outside the interval: {', '.join(words)}." if words else ".")]


def _beside_adam(entries: list[Entry]) -> list[str]:
    by_place = {(entry.dataset, entry.optimizer): entry for entry in entries}
    pairs = {
        name: (by_place[name, OURS], by_place[name, BASE])
        for name in dataset_order(entries)
        if {(name, OURS), (name, BASE)} <= by_place.keys()
    }
    lines = []
    for what, held_out in (("train", False), ("held-out", True)):
        gains = {
            name: mean_gain([pair], held_out=held_out)
            for name, pair in pairs.items()
            if not held_out or all(entry.test_by_seed for entry in pair)
        }
        if not gains:
            continue
        ahead = sum(each.half is not None and each.mean > each.half for each in gains.values())
        each = ", ".join(
            f"{dataset_title(name)} {number(gain, sign=True)}" for name, gain in gains.items()
        )
        lines.append(
            f"At the same untuned rate ThermoLion's {what} accuracy is above Adam's by more than "
            f"the 95 % interval on {ahead} of {len(gains)} sets, points: {each}."
        )
    return lines
