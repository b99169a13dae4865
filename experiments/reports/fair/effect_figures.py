"""Figures of a fair comparison's answers: paired differences, and what each change does.

They take what `experiments.analysis` gives, in the order in which it is to be read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.ticker import FuncFormatter

from experiments.analysis.paired import Difference
from experiments.analysis.verdicts import Case, Measure, Verdict
from experiments.reports import canvas, style

# Better, worse, neither; no optimizer's own. Without colour the side of 0, filling and words tell.
_BETTER, _WORSE, _NEITHER = "#004488", "#BB5566", "#777777"
_SHADE: dict[str, Any] = {"color": "#DDDDDD", "zorder": 0, "linewidth": 0}


def forest(groups: Mapping[str, Mapping[str, Verdict]]) -> dict[str, bytes]:
    """Paired differences with their intervals, ±Δ shaded, each with its verdict in words.

    The thin line is the interval over new seeds and new images, the thick one over seeds alone,
    which is the only one where nobody kept each image's result.

    Args:
        groups: by heading (a data set, or a question), then by label; one measure throughout.

    Returns:
        The figure as {"png": bytes, "svg": bytes}.
    """
    if not any(groups.values()):
        raise ValueError("no verdicts to draw")
    rows = [(group, label, v) for group, some in groups.items() for label, v in some.items()]
    measure = rows[0][2].measure
    with style.context():
        words = [
            f"{each.measure.shown(each.difference.mean):+.2f}  {_short(each)}"
            for _, _, each in rows
        ]
        names = [*groups, *(label for _, label, _ in rows)]
        width = 1.1 * canvas.text_width(names) + canvas.text_width(words)  # headings are bold
        figure = canvas.blank(5.0 + width, 1.3 + 0.34 * (len(rows) + len(groups)))
        # Bold headings are measured too narrow by the layout.
        figure.set_layout_engine("constrained", rect=(0.015, 0, 0.985, 1))
        axis = figure.subplots()
        place, ticks, labels, heading = 0.0, [], [], None
        for (group, label, each), said in zip(rows, words, strict=True):
            if group != heading:
                heading = group
                ticks.append(place)
                labels.append(group)
                place += 1
            _interval(axis, place, each.difference, _colour(each.case))
            axis.annotate(
                said,
                (1.02, place),
                xycoords=("axes fraction", "data"),
                va="center",
                color=_colour(each.case),
                annotation_clip=False,
            )
            ticks.append(place)
            labels.append(label)
            place += 1
        _rows(axis, ticks, labels)
        for tick in axis.get_yticklabels():
            if tick.get_text() in groups:
                tick.set_fontweight("bold")
        _zero(axis, measure.delta)
        axis.set_xlabel(_explained(measure, any(each.difference.images for _, _, each in rows)))
        return canvas.encode(figure)


def _explained(measure: Measure, images: bool) -> str:
    lower = "" if measure.higher_is_better else ", lower is better"
    lines = "thin line: new seeds and new images; thick: new seeds alone"
    return (
        f"difference in {measure.name} ({measure.scale}), ±{measure.delta:g} shaded{lower}\n"
        f"{lines if images else 'line: new seeds'}"
    )


def _short(each: Verdict) -> str:
    delta = f"{each.measure.delta:g}"
    return {
        "better by less": f"better by less than {delta}",
        "worse by less": f"worse by less than {delta}",
        "no larger difference": f"no difference > {delta}",
        "undecided": f"undecided, at most {each.at_most:.1f}"
        if math.isfinite(each.at_most)
        else "undecided",
    }.get(each.case, each.case)


def _colour(case: Case) -> str:
    return (
        _BETTER if case.startswith("better") else _WORSE if case.startswith("worse") else _NEITHER
    )


def _interval(axis: Any, place: float, found: Difference, colour: str) -> None:
    filled = colour if found.excludes_zero else "white"
    if found.half is not None and found.half_seeds is not None:
        for half, width in ((found.half, 1.5), (found.half_seeds, 4.5)):
            ends = [found.mean - half, found.mean + half]
            axis.plot(ends, [place] * 2, color=colour, linewidth=width, solid_capstyle="butt")
    axis.plot(
        found.mean, place, "o", color=colour, markerfacecolor=filled, markersize=8, mew=2, zorder=3
    )


def _rows(axis: Any, ticks: Sequence[float], labels: Sequence[str]) -> None:
    axis.set_yticks(ticks, labels)
    axis.set_ylim(max(ticks) + 0.6, min(ticks) - 0.6)
    axis.tick_params(axis="y", length=0)
    axis.grid(False, axis="y")


def _zero(axis: Any, delta: float) -> None:
    """±Δ shaded around a line at 0, with both in sight."""
    axis.axvspan(-delta, delta, **_SHADE)
    axis.axvline(0, color="black", linewidth=1, zorder=1)
    low, high = axis.get_xlim()
    axis.set_xlim(min(low, -1.5 * delta), max(high, 1.5 * delta))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+g}" if value else "0"))


def ablation(
    panels: Mapping[str, Mapping[str, Difference]],
    *,
    delta: float = 1.0,
    against: str = "unchanged",
) -> dict[str, bytes]:
    """What each change costs or brings: a bar a toggle with its interval, a panel a data set.

    Args:
        panels: by title, then by what was changed; changed minus unchanged, in points.
        delta: Δ, shaded.
        against: what was changed.

    Returns:
        The figure as {"png": bytes, "svg": bytes}.
    """
    toggles = list(dict.fromkeys(name for some in panels.values() for name in some))
    with style.context():
        figure, axes = canvas.panels(len(panels), 0.9 + 0.36 * len(toggles), sharex=True)
        for number, (axis, (title, found)) in enumerate(zip(axes, panels.items(), strict=True)):
            for name, each in found.items():
                sign = _BETTER if each.mean > 0 else _WORSE
                colour = sign if each.excludes_zero else _NEITHER
                axis.barh(
                    toggles.index(name),
                    each.mean,
                    height=0.62,
                    color=colour,
                    zorder=2,
                    xerr=each.half,
                    error_kw={"capsize": 3, "elinewidth": 1.5},
                )
            names = toggles if number % canvas.COLUMNS == 0 else [""] * len(toggles)
            _rows(axis, range(len(toggles)), names)
            axis.set_title(title)
            axis.tick_params(labelbottom=True)  # below it there may be no other
            axis.set_xlabel(f"points against {against}, ±{delta:g} shaded")
        for axis in axes:  # once all bars are there: the panels share their scale
            _zero(axis, delta)
        return canvas.encode(figure)
