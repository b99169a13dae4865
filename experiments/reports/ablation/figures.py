"""Arms -> the ablation study's figures: part by part up and down, and λ of another parameter."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from experiments.analysis import verdicts
from experiments.analysis.arms import Arm
from experiments.analysis.final_differences import accuracy_difference
from experiments.analysis.final_runs import test_runs
from experiments.analysis.paired import Difference
from experiments.analysis.runs import common_seeds, rows_of
from experiments.protocols.ablation import constants
from experiments.reports import canvas, style
from experiments.reports.ablation.stairs import OWN, panel_title, panels, stairs
from experiments.reports.ablation.step_lengths import in_place, no_evidence
from experiments.reports.ablation.tables import arm_title
from experiments.reports.fair import effect_figures
from experiments.reports.fair import figures as fair_figures
from experiments.reports.fair.questions import Answer
from experiments.reports.section import Figure, slug
from experiments.reports.workload_titles import budget_of

Arms = Mapping[str, Arm]
OTHER = "thermolion:gate=permuted"


def pairs(workloads: Sequence[Arms]) -> dict[str, tuple[np.ndarray, np.ndarray, Difference]]:
    """By workload: held-out accuracy at another parameter's λ and at the own, their difference."""
    made = {}
    count = len(constants.protocol()["questions"]["Q3"]["against"])  # the interval of its verdict
    for arms in workloads:
        if OWN in arms and OTHER in arms:
            own, other = test_runs(arms[OWN].tuned), test_runs(arms[OTHER].tuned)
            found = accuracy_difference(arms[OWN].tuned, arms[OTHER].tuned, comparisons=count)
            if own is not None and other is not None and found is not None:
                seeds = common_seeds(own, other)
                made[panel_title(arms)] = (
                    100 * other.accuracy[rows_of(other, seeds)],
                    100 * own.accuracy[rows_of(own, seeds)],
                    found,
                )
    return made


def draw_pairs(
    found: Mapping[str, tuple[np.ndarray, np.ndarray, Difference]],
) -> dict[str, bytes]:
    """A line a seed from λ of another parameter to its own, the means thick, a panel a workload."""
    with style.context():
        figure, axes = canvas.panels(len(found), 3.6)
        for axis, (name, (other, own, difference)) in zip(axes, found.items(), strict=True):
            for pair in zip(other, own, strict=True):
                axis.plot([0, 1], pair, "o-", color="#999999", linewidth=1, markersize=4)
            means = [other.mean(), own.mean()]
            axis.plot([0, 1], means, "o-", color=style.line(OWN)["color"], linewidth=3, zorder=3)
            ends = f" [{difference.low:+.2f}, {difference.high:+.2f}]" if difference.half else ""
            axis.set_title(f"{name}\nown - other: {difference.mean:+.2f}{ends} points")
            axis.set_xlabel(f"interval at {100 * difference.level:.4g} %")
            axis.set_xticks([0, 1], [arm_title(OTHER), "its own λ: tanh"])
            axis.set_xlim(-0.35, 1.35)
            axis.grid(False, axis="x")
            axis.set_ylabel("held-out accuracy, %")
        return canvas.encode(figure)


def available(workloads: Sequence[Arms], answers: Sequence[Answer]) -> list[Figure]:
    """The figures for which there is something to draw."""
    made: list[Figure] = []
    delta = verdicts.HELD_OUT.delta
    for one in stairs():
        found = panels(one, workloads)
        if found:
            caption = f"{one.title}: what it does to held-out accuracy ({one.level} intervals)"
            against = f"{one.against}\n(intervals at {one.level})"
            made.append(Figure(one.key, caption, _drawing(found, delta, against)))
    paired = pairs(workloads)
    if paired:
        words = "The gate at λ of another parameter and at its own, a line a seed"
        made.append(Figure("permuted", words, lambda: draw_pairs(paired)))
    budget = budget_of(arm for arms in workloads for arm in arms.values())
    for asked in dict.fromkeys(answer.question for answer in answers if answer.held_out):
        some = [answer for answer in answers if answer.question == asked]
        level = next(each.held_out.difference.level for each in some if each.held_out)
        words = f"{asked}: {some[0].text} Paired differences with {100 * level:.4g} % intervals; "
        words += "within the shade they do not matter"
        draw = functools.partial(
            fair_figures.forest_of,
            some,
            arm_title,
            budget=budget,
            no_evidence=functools.partial(_tells_nothing, workloads),
        )
        made.append(Figure(slug(asked), words, draw))
    return made


def _tells_nothing(workloads: Sequence[Arms], answer: Answer, datasets: Collection[str]) -> bool:
    """Whether the other arm of an answer was mostly at chance on one of these data sets."""
    every = [arm for arms in workloads for arm in arms.values()]
    there = in_place(every, answer.network, answer.regime)
    return bool(no_evidence(answer.other, [x for x in there if x.workload.dataset in datasets]))


def _drawing(
    panels: Mapping[str, Mapping[str, Difference]], delta: float, against: str
) -> Callable[[], dict[str, bytes]]:
    return lambda: effect_figures.ablation(panels, delta=delta, against=against)
