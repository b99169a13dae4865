"""Figures of tuning: accuracy against learning rate, and against runs spent.

They take what `experiments.analysis.rates` gives, in the order in which it is to be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from experiments.analysis.rates import Profile
from experiments.reports import canvas, style
from experiments.reports.labels import optimizer_order, optimizer_title

_SPAN = 15.0  # points below the best that a curve's panel shows
_TOP = 0.8  # points above it
_AROUND = (0.008, 125.0)  # multiples of the best rate that an aligned panel shows


def learning_rates(
    panels: Mapping[str, Mapping[str, Profile]], *, aligned: bool = False
) -> dict[str, bytes]:
    """Accuracy against learning rate, and below it each optimizer's usable rates.

    A panel for each data set, three in a row: curves with bands above (its best 15 points); below a
    bar from the lowest to the highest rate within 1 point of the optimizer's best, its length in
    decades beside it, "≥" where the range reaches an end of what was tried. "one rate" stands
    there where no other rate that was tried is within 1 point: the length is then interpolation.

    Args:
        panels: by title, then by optimizer.
        aligned: draw rates as multiples of each optimizer's best one, two decades either way.

    Returns:
        The figure as {"png": bytes, "svg": bytes}.
    """
    if not panels:
        raise ValueError("no data sets to draw")
    names = optimizer_order(name for profiles in panels.values() for name in profiles)
    called = [*map(optimizer_title, names)]
    with style.context():
        heights = [3.0, 0.5 + 0.27 * len(names)]
        columns = min(canvas.COLUMNS, len(panels))
        rows = -(-len(panels) // columns)
        figure = canvas.blank(
            canvas.text_width(called) + 3.9 * columns, rows * (sum(heights) + 0.8) + 0.1
        )
        figure.set_layout_engine("constrained", rect=(0.01, 0, 0.99, 1))
        grid = figure.add_gridspec(2 * rows, columns, height_ratios=heights * rows)
        for place, (title, profiles) in enumerate(panels.items()):
            row, column = divmod(place, columns)
            curves = figure.add_subplot(grid[2 * row, column])
            bars = figure.add_subplot(grid[2 * row + 1, column], sharex=curves)
            curves.tick_params(labelbottom=False)
            for name, profile in profiles.items():
                shift = profile.best if aligned else 1.0
                _curve(curves, name, profile, shift)
                _usable(bars, names.index(name), name, profile, shift)
            top = max(float(profile.mean.max()) for profile in profiles.values())
            curves.set_ylim(top - _SPAN, top + _TOP)
            curves.set_title(title)
            bars.set_xscale("log")
            bars.minorticks_off()
            if aligned:
                bars.set_xlim(*_around(profiles.values()))
            bars.set_xlabel("learning rate / its best" if aligned else "learning rate")
            bars.set_ylim(len(names) - 0.4, -0.6)
            bars.grid(False, axis="y")
            _names(bars, names if column == 0 else [""] * len(names))
            if column == 0:
                curves.set_ylabel("validation accuracy (%)")
                bars.set_title("within 1 point of the best, decades", loc="left", fontsize=11)
        return canvas.encode(figure)


def _around(profiles: Iterable[Profile]) -> tuple[float, float]:
    """Limits of an aligned panel: two decades either way, more where usable rates go on."""
    ends = [(each.width(), each.best) for each in profiles]
    lowest = min(width.low / best for width, best in ends)
    highest = max(width.high / best for width, best in ends)
    return min(_AROUND[0], lowest / 2), max(_AROUND[1], 8 * highest)


def _curve(axis: Axes, name: str, profile: Profile, shift: float) -> None:
    look = style.line(name)
    rates = profile.rates / shift
    axis.fill_between(rates, profile.low, profile.high, color=look["color"], alpha=0.15, lw=0)
    axis.plot(rates, profile.mean, **look, zorder=2.5 if look["linewidth"] > 2 else 2.0)


def _usable(axis: Axes, row: int, name: str, profile: Profile, shift: float) -> None:
    look, width = style.line(name), profile.width()
    low, high = width.low / shift, width.high / shift
    axis.plot([low, high], [row, row], color=look["color"], linewidth=4, solid_capstyle="butt")
    point: style.Look = look | {"markersize": 11}
    axis.plot(profile.best / shift, row, **point)
    mark = "≥ " if width.at_least else ""
    inside = np.count_nonzero((profile.rates >= width.low) & (profile.rates <= width.high))
    axis.annotate(
        mark + ("one rate" if inside <= 1 else f"{width.decades:.1f}"),
        (max(high, profile.best / shift), row),
        xytext=(9, 0),
        textcoords="offset points",
        va="center",
        fontsize=10,
    )


def _names(axis: Axes, names: Sequence[str]) -> None:
    """Optimizers as row labels in their colours."""
    axis.set_yticks(range(len(names)), [optimizer_title(name) for name in names])
    axis.tick_params(axis="y", length=0)
    for label, name in zip(axis.get_yticklabels(), names, strict=True):
        if name:
            label.set_color(style.line(name)["color"])


def budgets(panels: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, bytes]:
    """Best validation accuracy so far against runs spent on tuning, a panel for each data set.

    Args:
        panels: by title, then by optimizer, `rates.best_so_far` of its ledger in per cent.

    Returns:
        The figure as {"png": bytes, "svg": bytes}.
    """
    with style.context():
        names = [optimizer_title(name) for curves in panels.values() for name in curves]
        figure, axes = canvas.panels(len(panels), 3.6, 3.4 + canvas.text_width(names))
        for axis, (title, curves) in zip(axes, panels.items(), strict=True):
            top = max(float(curve[-1]) for curve in curves.values())
            # The steps that matter are the last: all ends in sight, and some of what led there.
            low = min(top - 6.0, min(float(curve[-1]) for curve in curves.values()) - 1.0)
            span = top + _TOP - low
            axis.set_ylim(low, top + _TOP)
            last = max(len(curve) for curve in curves.values())
            for name, curve in curves.items():
                look: style.Look = style.line(name) | {"marker": ""}
                axis.plot(np.arange(1, len(curve) + 1), curve, drawstyle="steps-post", **look)
            ends = {name: float(curve[-1]) for name, curve in curves.items()}
            for name, place in _apart(ends, 0.062 * span, low, top + _TOP).items():
                axis.annotate(
                    optimizer_title(name),
                    (len(curves[name]), ends[name]),
                    xytext=(last * 1.14, place),
                    textcoords="data",
                    va="center",
                    fontsize=10,
                    color=style.line(name)["color"],
                    arrowprops={
                        "arrowstyle": "-",
                        "color": style.line(name)["color"],
                        "lw": 0.7,
                        "relpos": (0, 0.5),
                        "shrinkA": 1,
                        "shrinkB": 0,
                    },
                    annotation_clip=False,
                )
            axis.set_title(title)
            axis.set_xlabel("runs spent")
            axis.set_ylabel("best validation accuracy (%)")
            axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        return canvas.encode(figure)


def _apart(ends: Mapping[str, float], gap: float, low: float, high: float) -> dict[str, float]:
    """Places for labels, in order of their values, at least ``gap`` apart within low and high."""
    places: dict[str, float] = {}
    above = high + gap
    order = sorted(ends, key=lambda name: -ends[name])
    for left, name in zip(range(len(order), 0, -1), order, strict=True):
        # Leaves room for the labels still to come, unless there is none.
        above = min(above - gap, max(ends[name], low + gap * (left - 1)))
        places[name] = above
    return places
