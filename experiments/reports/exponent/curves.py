"""Cells -> figures over α: a quantity with its intervals, and held-out accuracy by sparsity."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator

from experiments.analysis.exponent_cells import ExponentCell, values
from experiments.analysis.interval import Interval, interval
from experiments.protocols.exponent import constants
from experiments.reports import canvas, style
from experiments.reports.exponent.claims import has_all
from experiments.reports.exponent.tables import arm_title, blank, sparse_suffix
from experiments.reports.labels import dataset_title
from experiments.reports.style import Look
from experiments.reports.workload_titles import budget_of, panel

TICKS = {0.0: "0", 0.25: "¼", 0.5: "½", 0.75: "¾"}
LABELS = {
    "train loss": "train loss, last epoch",
    "held-out": "held-out accuracy, %",
    "gap": "validation - train loss,\nat matched train loss",
}
# What has no one α stands right of a line, at no place on the axis.
_APART = {"scaled_smes:cycles=4": (1.02, "D"), "scaled_smes:amsgrad=true": (1.3, "^")}
_LINE, _END = 0.87, 1.46
_STRETCH = 2.0  # times the span of the fixed α that a panel may show
_SPARSE = (("#440154", "-", "o"), ("#21918C", "--", "s"), ("#DDAA33", ":", "^"))


def panel_title(cell: ExponentCell, *, sparse: bool = True) -> str:
    """A cell above its panel."""
    trained = panel(cell.regime, cell.network, budget_of(cell.arms.values()))
    return (
        f"{dataset_title(cell.dataset)}, {trained}{sparse_suffix(cell.sparsity) if sparse else ''}"
    )


def against_alpha(cells: Sequence[ExponentCell], what: str) -> dict[str, bytes]:
    """A quantity of `LABELS` against α with 95 % intervals over seeds, a panel a cell.

    The panel shows the fixed α; what lies further off is cut, and that is marked.
    """
    apart = [name for name in _APART if any(has_all(cell, [name]) for cell in cells)]
    with style.context():
        figure, axes = canvas.panels(len(cells), 3.6, 5.4)
        for axis, cell in zip(axes, cells, strict=True):
            if what == "train loss":
                axis.set_yscale("log")
                axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0)))
                axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
                axis.minorticks_off()
            fixed = fixed_alphas(cell, what)
            _line(axis, fixed)
            beside = {name: interval(some) for name in apart if (some := _of(cell, name, what))}
            for name, estimate in beside.items():
                place, marker = _APART[name]
                at = {"fmt": marker, "color": "#BB5566", "capsize": 3}
                axis.errorbar(place, estimate.mean, estimate.half, **at)
            ends = axis_limits(fixed.values(), beside.values(), log=what == "train loss")
            if ends is not None:
                axis.set_ylim(*ends)
                for name, estimate in beside.items():
                    _mark_cut(axis, _APART[name][0], estimate, ends)
            for name in apart:
                if what == "gap" and name not in beside and _any_finished(cell, name):
                    _say_unmatched(axis, _APART[name][0])
            axis.set_title(panel_title(cell))
            axis.set_ylabel(LABELS[what])
            _alphas(axis, {_APART[name][0]: arm_title(name) for name in apart})
        return canvas.encode(figure)


def _any_finished(cell: ExponentCell, name: str) -> bool:
    return has_all(cell, [name]) and any(one.status == "ok" for one in cell.arms[name].tuned)


def _say_unmatched(axis: Axes, place: float) -> None:
    """Why a column is empty."""
    words, at = "a run ends above\nthat train loss", axis.get_xaxis_transform()
    look: Look = {"ha": "center", "va": "center", "fontsize": 10, "color": "#555555"}
    axis.text(place, 0.5, words, rotation=90, transform=at, **look)


def _of(cell: ExponentCell, name: str, what: str) -> list[float]:
    return [*values(cell, name, what).values()]


def fixed_alphas(cell: ExponentCell, what: str) -> dict[float, Interval]:
    """The quantity at each α that was run."""
    return {
        alpha: interval(some)
        for name, alpha in constants.protocol()["alphas"].items()
        if (some := _of(cell, name, what))
    }


def _line(axis: Axes, fixed: Mapping[float, Interval]) -> None:
    if fixed:
        look = {"color": style.line("smes")["color"], "linewidth": 2, "marker": "o"}
        means = [estimate.mean for estimate in fixed.values()]
        axis.errorbar(
            [*fixed],
            means,
            [estimate.half or 0.0 for estimate in fixed.values()],
            capsize=3,
            **look,
        )


def axis_limits(
    fixed: Collection[Interval], beside: Collection[Interval], *, log: bool = False
) -> tuple[float, float] | None:
    """Ends of a panel's axis: all of the fixed α, and of the others those that stretch it little.

    Args:
        fixed: wholly in sight.
        beside: wholly, its mean alone, or not in sight.
        log: whether the axis is logarithmic.

    Returns:
        None where the fixed α span nothing.
    """
    scale, back = (math.log, math.exp) if log else (float, float)

    def ends(estimate: Interval) -> tuple[float, float] | None:
        low, high = _ends(estimate)
        return (scale(low), scale(high)) if low > 0 or not log else None

    inside = [ends(estimate) or (scale(estimate.mean),) * 2 for estimate in fixed]
    low, high = min((x for x, _ in inside), default=0.0), max((x for _, x in inside), default=0.0)
    if not low < high:
        return None
    most = _STRETCH * (high - low)
    for estimate in beside:
        for found in (ends(estimate), (scale(estimate.mean),) * 2):
            if found and max(high, found[1]) - min(low, found[0]) <= most:
                low, high = min(low, found[0]), max(high, found[1])
                break
    room = 0.08 * (high - low)
    return back(low - room), back(high + room)


def _ends(estimate: Interval) -> tuple[float, float]:
    return estimate.mean - (estimate.half or 0.0), estimate.mean + (estimate.half or 0.0)


def _mark_cut(axis: Axes, place: float, estimate: Interval, shown: tuple[float, float]) -> None:
    """Arrows where an interval leaves the panel, and its numbers there."""
    low, high = _ends(estimate)
    edges = [edge for edge, cut in ((0, low < shown[0]), (1, high > shown[1])) if cut]
    at = axis.get_xaxis_transform()
    for edge in edges:
        axis.plot(place, edge, "v^"[edge], color="#BB5566", ms=9, transform=at, clip_on=False)
    if edges:
        edge = 1 if estimate.mean > shown[1] else edges[0]
        digits = 1 if abs(estimate.mean) >= 10 else 2
        half = f" ± {estimate.half:.{digits}f}" if estimate.half else ""
        axis.text(
            place,
            (0.045, 0.955)[edge],
            f"{estimate.mean:.{digits}f}{half}",
            transform=at,
            ha="center",
            va=("bottom", "top")[edge],
            fontsize=10,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )


def _alphas(axis: Axes, apart: Mapping[float, str]) -> None:
    """The axis of α, and right of it, behind a line, places with names of their own."""
    names = [textwrap.fill(name, 9) for name in apart.values()]
    axis.set_xticks([*TICKS, *apart], [*TICKS.values(), *names])
    axis.set_xlim(-0.06, _END if apart else 0.81)
    look: Look = {"xytext": (0, -20), "textcoords": "offset points", "ha": "center"}
    below = (0.375, 0)
    axis.annotate("α", below, xycoords=("data", "axes fraction"), va="top", fontsize=12, **look)
    if apart:
        axis.axvline(_LINE, color="#555555", linewidth=0.8)


def by_sparsity(groups: Sequence[Sequence[ExponentCell]]) -> dict[str, bytes]:
    """Held-out accuracy against α, a line a sparsity, a panel a data set and regime.

    Accuracy falls with sparsity by itself, so each line is drawn against its own best mean; where
    an α is missing the best may be, so such a line is left out.
    """
    with style.context():
        figure, axes = canvas.panels(len(groups), 3.4, 5.2)
        handles: dict[str, canvas.Handle] = {}
        for axis, cells in zip(axes, groups, strict=True):
            for number, cell in enumerate(cells):
                estimate = fixed_alphas(cell, "held-out")
                called = blank(cell.sparsity)
                if len(estimate) < len(TICKS):
                    handles.setdefault(f"{called}: too few α yet", Line2D([], [], linestyle="none"))
                    continue
                top = max(one.mean for one in estimate.values())
                colour, line, marker = _SPARSE[number % len(_SPARSE)]
                handles[called] = axis.errorbar(
                    np.array([*estimate]) + 0.012 * (number - 1),
                    [one.mean - top for one in estimate.values()],
                    [one.half or 0.0 for one in estimate.values()],
                    color=colour,
                    linestyle=line,
                    marker=marker,
                    capsize=3,
                )
            axis.set_title(panel_title(cells[0], sparse=False))
            _alphas(axis, {})
            axis.set_ylabel("held-out accuracy,\npoints from the best α")
        canvas.add_legend(figure, handles)
        return canvas.encode(figure)


def too_few_alphas(groups: Sequence[Sequence[ExponentCell]]) -> list[str]:
    """The cells of a figure by sparsity that have too few α for a line."""
    return [
        f"{panel_title(cell)} ({len(estimate)} of {len(TICKS)} α)"
        for cells in groups
        for cell in cells
        if len(estimate := fixed_alphas(cell, "held-out")) < len(TICKS)
    ]
