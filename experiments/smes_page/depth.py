"""The distortion study on the page: who trains deep plain networks, and what the rescaling does."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from experiments.distortion_study import findings, plan
from experiments.distortion_study.record import DistortionRecord
from experiments.smes_page.part import Part, bullets, image, not_run, part

CAPTIONS = {
    "outcomes": "Train accuracy of every seed, as it is and with the rescaling",
    "depth": "The gradient over depth before the first step",
    "time": "How unequal the kernels' gradients are along training, medians over the seeds",
}
"""Key to caption of the study's figures."""


def parts(runs: Sequence[DistortionRecord], shown: str) -> list[Part]:
    """Three questions.

    Args:
        runs: of the full budget.
        shown: the folder of the study's findings, as the page links to it.
    """
    found = findings.finals(runs)
    unequal = "How unequal are the gradients of deep plain networks, layer by layer?"
    trains = "Is α = ½ nearly immune to such gradients, and α = 0 helpless?"
    helps = "Do more such networks train when each layer's gradient is rescaled to one size?"
    if not found:
        return [not_run(title) for title in (unequal, trains, helps)]
    expected = findings.expectations(found)
    kernels = [kernel for kernel, _ in findings.first_ratios(found).values()]
    return [
        part(
            unequal,
            f"largest over smallest kernel before the first step: {min(kernels):.0e} to "
            f"{max(kernels):.0e}",
            [findings.setup(runs)],
            bullets(findings.first_gradients(found)),
            _image("depth", shown),
            _image("time", shown),
        ),
        part(
            trains,
            "; ".join(map(_short, expected)),
            bullets(expected),
            _image("outcomes", shown),
            [f"Every arm: [the study's findings]({shown}/distortion.md)."],
        ),
        part(helps, _rescaled(found), bullets(findings.rescaling(found))),
    ]


def _image(key: str, shown: str) -> list[str]:
    return image(f"{shown}/distortion-{key}.svg", CAPTIONS[key])


def _short(line: str) -> str:
    """An expectation and its answer, without the networks."""
    question, _, answer = line.partition("? ")
    short, _, networks = answer.partition(" (")[0].partition(": ")
    return f"{question.removeprefix('Is SMES ')}: {short.lower()}, {networks}"


def _rescaled(found: findings.RunsByArm) -> str:
    """More, fewer or as many networks, by optimizer."""
    groups: dict[str, list[str]] = {"more": [], "fewer": [], "as many": []}
    for optimizer, pairs in findings.both_ways(found).items():
        if pairs:
            before, after = findings.trained(pairs)
            kind = "as many" if before == after else "more" if after > before else "fewer"
            groups[kind].append(f"{optimizer} ({before} → {after} of {len(pairs)})")
    return "; ".join(f"{kind}: {', '.join(some)}" for kind, some in groups.items() if some)


def missing_runs(runs: Sequence[DistortionRecord], folder: Path) -> list[str]:
    """How many runs are missing, and the command that makes them."""
    total = len(plan.all_arms()) * (len(plan.FULL.sizes) + len(plan.SEEDS))
    made = len({plan.run_of(one) for one in runs})
    if made >= total:
        return []
    out = shlex.quote(str(folder))
    return [
        f"{total - made} of {total} runs of the distortion study (10 layers take about half an "
        f"hour on one core): `python -m experiments.distortion_study run --out {out}`"
    ]
