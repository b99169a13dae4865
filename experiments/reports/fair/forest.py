"""Paired differences with intervals and verdicts: a forest plot, a panel a length of training.

It takes what `experiments.analysis` gives, in the order in which it is to be read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from matplotlib.axes import Axes

from experiments.analysis.paired import Difference
from experiments.analysis.verdicts import Case, Measure, Verdict
from experiments.reports import canvas, style
from experiments.reports.fair.effect_figures import (
    BETTER,
    NEITHER,
    WORSE,
    label_rows,
    shade_around_zero,
)
from experiments.reports.style import Look

_AXIS = 2.9  # inches
_ROW = 0.27
_REACH = 20.0
"""Points of accuracy beyond which a difference is an arrow at the edge, or it would flatten all."""

Groups = Mapping[str, Mapping[str, Verdict | None]]
"""By heading, then by label; None where the runs are still to come."""


@dataclass(frozen=True)
class Panel:
    """What one panel shows.

    Attributes:
        title: such as the length of training.
        first: the optimizer that the verdicts are on; its panels stand side by side and share
            their rows.
        other: who stands at the axis' other end: the only one there is, or "other".
        groups: the verdicts, one measure throughout.
        no_evidence: headings and labels of verdicts that tell nothing, whatever their numbers.
    """

    title: str
    first: str
    other: str
    groups: Groups
    no_evidence: Set[tuple[str, str]] = frozenset()

    @property
    def verdicts(self) -> list[Verdict]:
        """All that are there."""
        return [each for some in self.groups.values() for each in some.values() if each]


def forest(panels: Sequence[Panel]) -> dict[str, bytes]:
    """Paired differences with their intervals, ±Δ shaded, each with its verdict in words.

    The thin line is the interval over new seeds and new images, the thick one over seeds alone,
    which is the only one where each image's result was not kept. The ends of each axis say who is
    better there. One heading alone is part of the titles.

    Returns:
        The figure as {"png": bytes, "svg": bytes}.
    """
    verdicts = [each for panel in panels for each in panel.verdicts]
    if not verdicts:
        raise ValueError("no verdicts to draw")
    bands = [[p for p in panels if p.first == first] for first in {p.first: None for p in panels}]
    lines = [_lines(band) for band in bands]
    columns = max(map(len, bands))
    with style.context():
        labels = [text for some in lines for pair in some for text in pair]
        words = canvas.text_width(_words(each) for each in verdicts)
        heights = [_ROW * len(some) + 0.9 for some in lines]
        width = 1.1 * canvas.text_width(labels) + columns * (_AXIS + words + 0.3)
        figure = canvas.blank(width, sum(heights) + 0.6)
        # Bold headings are measured too narrow by the layout.
        figure.set_layout_engine("constrained", rect=(0.015, 0, 0.985, 1))
        axes = figure.subplots(
            len(bands), columns, squeeze=False, sharex=True, height_ratios=heights
        )
        for row, band, some in zip(axes, bands, lines, strict=True):
            for place, panel in enumerate(band):
                _panel(row[place], panel, some, named=place == 0)
            for unused in row[len(band) :]:
                unused.remove()
        measure = verdicts[0].measure
        for row, band in zip(axes, bands, strict=True):
            for axis, panel in zip(row, band, strict=False):
                shade_around_zero(axis, measure.delta)
                _ends(axis, panel, measure)
                axis.tick_params(labelbottom=True)
        figure.supxlabel(_explained(verdicts), size=11)
        return canvas.encode(figure)


def _lines(band: Sequence[Panel]) -> list[tuple[str, str]]:
    """What stands in the rows of panels side by side: headings, and labels below each."""
    found: dict[str, dict[str, None]] = {}
    for panel in band:
        for heading, some in panel.groups.items():
            found.setdefault(heading, {}).update(dict.fromkeys(some))
    made = []
    for heading, labels in found.items():
        made += [(heading, "")] if len(found) > 1 else []
        made += [(heading, label) for label in labels]
    return made


def _panel(axis: Axes, panel: Panel, lines: Sequence[tuple[str, str]], *, named: bool) -> None:
    headings = {heading for heading, _ in lines}
    axis.set_title(panel.title if len(headings) > 1 else f"{headings.pop()}, {panel.title}")
    for place, (heading, label) in enumerate(lines):
        if label not in panel.groups.get(heading, {}):
            continue
        each = panel.groups[heading][label]
        doubtful = (heading, label) in panel.no_evidence
        colour = _colour("undecided" if each is None or doubtful else each.case)
        if each is not None and _off_the_scale(each):
            _arrow(axis, place, each, colour)
        elif each is not None:
            _interval(axis, place, each.difference, colour)
        axis.annotate(
            _words(each, "no evidence" if doubtful else ""),
            (1.03, place),
            xycoords=("axes fraction", "data"),
            va="center",
            color=colour,
            style="normal" if each else "italic",
            annotation_clip=False,
        )
    names = [label or heading for heading, label in lines]
    label_rows(axis, range(len(lines)), names if named else [""] * len(lines))
    for tick, (_, label) in zip(axis.get_yticklabels(), lines, strict=True):
        tick.set_fontweight("normal" if label else "bold")


def _words(each: Verdict | None, instead: str = "") -> str:
    """The numbers and the case, or what is said instead of it."""
    if each is None:
        return "runs missing"
    delta = f"{each.measure.delta:.3g}"
    words = {
        "better by less": f"better by less than {delta}",
        "worse by less": f"worse by less than {delta}",
        "no larger difference": f"no difference > {delta}",
        "undecided": f"undecided, ≤ {_short(each)}" if math.isfinite(each.at_most) else "undecided",
    }.get(each.case, each.case)
    mean = each.measure.signed(each.difference.mean)[0]
    if _off_the_scale(each) and each.difference.half is not None:  # the interval is not drawn
        mean += f" [{', '.join(each.measure.signed(each.difference.low, each.difference.high))}]"
    return f"{mean}  {instead or words}"


def _short(each: Verdict) -> str:
    return each.measure.amount(each.at_most).removesuffix(f" {each.measure.unit}")


def _colour(case: Case) -> str:
    return BETTER if case.startswith("better") else WORSE if case.startswith("worse") else NEITHER


def _interval(axis: Axes, place: float, found: Difference, colour: str) -> None:
    filled = colour if found.excludes_zero else "white"
    if found.half is not None and found.half_seeds is not None:
        for half, width in ((found.half, 1.5), (found.half_seeds, 4.5)):
            ends = [found.mean - half, found.mean + half]
            axis.plot(ends, [place] * 2, color=colour, linewidth=width, solid_capstyle="butt")
    axis.plot(
        found.mean, place, "o", color=colour, markerfacecolor=filled, markersize=8, mew=2, zorder=3
    )


def _off_the_scale(each: Verdict) -> bool:
    return not each.measure.logarithmic and abs(each.difference.mean) > _REACH


def _arrow(axis: Axes, place: float, each: Verdict, colour: str) -> None:
    right = each.difference.mean > 0
    look: Look = {"color": colour, "markersize": 11, "clip_on": False}
    axis.plot(
        int(right), place, ">" if right else "<", transform=axis.get_yaxis_transform(), **look
    )


def _ends(axis: Axes, panel: Panel, measure: Measure) -> None:
    """Who is better at which end of the axis; long names on two lines."""
    names = (panel.other, panel.first) if measure.higher_is_better else (panel.first, panel.other)
    left, right = f"← {names[0]} better", f"{names[1]} better →"
    fits = 0.8 * canvas.text_width([f"{left}  {right}"]) < _AXIS  # it is set smaller
    look: Look = {"xycoords": "axes fraction", "textcoords": "offset points"}
    for text, side, drop in ((left, 0, 0), (right, 1, 0 if fits else 14)):
        axis.annotate(
            text,
            (side, 0),
            xytext=(0, -24 - drop),
            ha=("left", "right")[side],
            va="top",
            fontsize=10,
            **look,
        )


def _explained(verdicts: Sequence[Verdict]) -> str:
    measure = verdicts[0].measure
    lower = "" if measure.higher_is_better else ", lower is better"
    images = any(each.difference.images for each in verdicts)
    lines = "thin line: new seeds and new images; thick: new seeds alone"
    levels = sorted({f"{100 * each.difference.level:.4g}" for each in verdicts}, key=float)
    off = f"; arrows: beyond {_REACH:g}" if any(map(_off_the_scale, verdicts)) else ""
    return (
        f"difference in {measure.name} ({measure.scale}), ±{measure.delta:.3g} shaded{lower}{off}\n"
        f"{lines if images else 'line: new seeds'}; at {' or '.join(levels)} %"
    )
