"""The distortion study on the page: who trains deep plain networks, and what the rescaling does."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from experiments.distortion_study import findings, plan, rescaling
from experiments.distortion_study.outcomes import RunsByArm, finals
from experiments.distortion_study.readings import times, typical
from experiments.distortion_study.record import DistortionRecord
from experiments.smes_page.part import Part, bullets, image, not_run, part

CAPTIONS = {
    "outcomes": "Train accuracy of every seed, as it is and with the rescaling",
    "depth": "The distortion over depth before the first step: each leaf's gradient, root mean "
    "square, over the geometric mean of all",
    "time": "The distortion along training: the geometric standard deviation of all leaves' "
    "gradients, 1 where all are alike; medians over the seeds",
}
"""Key to caption of the study's figures."""


def parts(runs: Sequence[DistortionRecord], shown: str) -> list[Part]:
    """Three questions.

    Args:
        runs: of the full budget.
        shown: the folder of the study's findings, as the page links to it.
    """
    found = finals(runs)
    unequal = "How unequal are the gradients of deep plain networks, layer by layer?"
    trains = "Is α = ½ nearly immune to such gradients, and α = 0 helpless?"
    helps = "Do more such networks train when each layer's gradient is rescaled to one size?"
    if not found:
        return [not_run(title) for title in (unequal, trains, helps)]
    expected = findings.expectations(found)
    ratios = [typical(kinds["kernels"]) for kinds in findings.first_ratios(found).values()]
    kernels = [one for one in ratios if one is not None]
    left = "; ".join(findings.left(found))
    return [
        part(
            unequal,
            "before the first step the largest gradient of a kernel is from "
            f"{times(min(kernels))} times to {times(max(kernels))} times the smallest"
            if kernels
            else "no gradients to compare",
            [findings.setup(runs)],
            bullets(findings.first_gradients(found)),
            _image("depth", shown),
            _image("time", shown),
            [
                "Left out is a seed from where on a layer's gradient is 0, and the end of one that "
                f"diverged. Seeds left at the end: {left}; of all others all."
            ]
            if left
            else [],
        ),
        part(
            trains,
            "; ".join(map(_short, expected)),
            bullets([one.text for one in expected]),
            _image("outcomes", shown),
            [f"Every arm: [the study's findings]({shown}/distortion.md)."],
        ),
        part(helps, _rescaled(found), bullets(rescaling.lines(found))),
    ]


def _image(key: str, shown: str) -> list[str]:
    return image(f"{shown}/distortion-{key}.svg", CAPTIONS[key])


def _short(one: findings.Expectation) -> str:
    """An expectation and its answer, without the networks."""
    exponent = one.optimizer.removeprefix("SMES ")
    return f"{exponent} {one.expected}: {one.answer.lower()}, {one.seen}"


def _rescaled(found: RunsByArm) -> str:
    """More, fewer or as many networks, by optimizer."""
    groups: dict[str, list[str]] = {"more": [], "fewer": [], "as many": []}
    for optimizer, pairs in rescaling.both_ways(found).items():
        if pairs:
            before, after = rescaling.trained(pairs)
            kind = "as many" if before == after else "more" if after > before else "fewer"
            means = rescaling.in_the_mean(pairs)
            groups[kind].append(
                f"{optimizer} ({before} → {after} of {len(pairs)}; {means} %, "
                f"{rescaling.gained(pairs)})"
            )
    said = "; ".join(f"{kind}: {', '.join(some)}" for kind, some in groups.items() if some)
    return (
        f"{said} (beside the count: mean train accuracy, and its change in points with its 95 % "
        f"interval over {len(plan.SEEDS)} seeds)"
    )


def missing_runs(runs: Sequence[DistortionRecord], folder: Path) -> list[str]:
    """How many runs are missing, and the command that makes them."""
    arms = set(plan.all_arms())
    total = len(arms) * (len(plan.FULL.sizes) + len(plan.SEEDS))
    made = sum(run.arm in arms for run in {plan.run_of(one) for one in runs})
    if made >= total:
        return []
    out = shlex.quote(str(folder))
    return [
        f"{total - made} of {total} runs of the distortion study (10 layers take about half an "
        f"hour on one core): `python -m experiments.distortion_study run --out {out}`"
    ]
