"""Entries -> figures: loss by epoch, accuracies, accuracy against learning rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from experiments.analysis import sweeps
from experiments.analysis.interval import ENOUGH
from experiments.analysis.summaries import Entry, Row
from experiments.protocols.reference import Reference
from experiments.reports import canvas, style
from experiments.reports.labels import dataset_order, dataset_title, labels
from experiments.reports.style import Look
from experiments.reports.table import limits, published

DEPTH = 30.0  # points of accuracy below the best that a figure of rates shows
_BAR: Look = {"marker": "|", "markersize": 12, "markeredgewidth": 2.5}
_PLAIN = FuncFormatter(lambda value, _: f"{value:g}")
_RING: Look = {"marker": "o", "markersize": 12, "markerfacecolor": "none"}


def _called(entries: Sequence[Entry]) -> dict[Row, str]:
    """Labels of rows; of families, where each stands on every data set with one rate of its own."""
    one_each = len({(e.dataset, sweeps.family(e)) for e in entries}) == len(entries)
    families = labels(entries, rates=False)
    several = len({e.row for e in entries}) > len(families)
    return families if one_each and several else labels(entries)


def _row(entry: Entry, called: dict[Row, str]) -> Row:
    return entry.row if entry.row in called else sweeps.family(entry)


def loss(entries: Sequence[Entry]) -> dict[str, bytes]:
    """Training loss per epoch on a log axis, a panel for each data set.

    Lines are means over seeds, bands reach from the smallest to the largest seed. Epochs
    whose loss is not finite or not positive are left out of both.

    Returns:
        The figure as {"png": bytes, "svg": bytes}.
    """
    names, called = dataset_order(entries), _called(entries)
    looks = canvas.looks_of(called)
    with style.context():
        figure, axes = canvas.panels(len(names), 3.4)
        for axis, name in zip(axes, names, strict=True):
            here = {_row(entry, called): entry for entry in entries if entry.dataset == name}
            for place, row in enumerate(row for row in called if row in here):
                _draw_loss(axis, here[row], looks[row], place)
            axis.set_yscale("log")
            axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.yaxis.set_major_formatter(_PLAIN)
            axis.minorticks_off()
            axis.set_title(dataset_title(name))
            axis.set_xlabel("epoch")
            axis.set_ylabel("training loss (nats)")
            axis.locator_params(axis="x", integer=True)
        canvas.add_legend(figure, canvas.handles_of(called, looks))
        return canvas.encode(figure)


def _draw_loss(axis: Axes, entry: Entry, look: Look, place: int) -> None:
    curves = np.where(np.isfinite(entry.loss) & (entry.loss > 0), entry.loss, np.nan)
    shown = ~np.all(np.isnan(curves), axis=0)
    epochs = np.arange(1, curves.shape[1] + 1)[shown]
    curves = curves[:, shown]
    if not epochs.size:
        return
    # Two optimizers may give the same curve: dashes go over solid lines, and markers are
    # staggered, so that both can be seen.
    look = look | {
        "zorder": 2.0 if look["linestyle"] == "-" else 2.5,
        "markevery": (place % min(3, len(epochs)), 3),
    }
    axis.plot(epochs, np.nanmean(curves, axis=0), **look)
    if len(curves) > 1:
        low, high = np.nanmin(curves, axis=0), np.nanmax(curves, axis=0)
        axis.fill_between(epochs, low, high, color=look["color"], alpha=0.15, linewidth=0)


def accuracy(entries: Sequence[Entry], reference: Reference | None = None) -> dict[str, bytes]:
    """Train accuracy (filled), held-out accuracy (open) and a published number (a bar).

    Error bars are 95 % intervals for the mean over seeds, within 0 and 100; of too few seeds
    for one the runs are shown as dots. A panel for each data set. Few means so far below all
    others that the axis would have to double stand at its left end as numbers.

    Returns:
        The figure as {"png": bytes, "svg": bytes}.
    """
    names, called = dataset_order(entries), _called(entries)
    looks, rows = canvas.looks_of(called), list(called)
    with style.context():
        figure, axes = canvas.panels(len(names), 0.8 + 0.28 * len(rows))
        cut = False
        for axis, name in zip(axes, names, strict=True):
            here = [entry for entry in entries if entry.dataset == name]
            floor = lowest_shown([i.mean for e in here for i in (e.train, e.test) if i])
            for entry in here:
                row, printed = _row(entry, called), published(entry, reference)
                place, colour = rows.index(row), looks[row]["color"]
                _draw_accuracy(axis, place, entry, printed, colour, floor)
                if any(i and i.mean < floor for i in (entry.train, entry.test)):
                    _write_accuracy(axis, place, entry, colour)
                    cut = True
            shown = called.values() if canvas.is_first(axis) else [""] * len(rows)
            axis.set_yticks(range(len(rows)), shown)
            axis.set_ylim(len(rows) - 0.5, -0.5)
            axis.set_title(dataset_title(name))
            axis.set_xlabel("accuracy (%)")
        grey: Look = {"color": "#555555", "linestyle": "none"}
        handles = {"on the images trained on": Line2D([], [], marker="o", **grey)}
        if any(entry.test for entry in entries):
            handles["held out"] = Line2D([], [], marker="s", markerfacecolor="white", **grey)
        if reference and any(published(entry, reference) is not None for entry in entries):
            handles[f"{reference.name} (trained on)"] = Line2D([], [], **_BAR, **grey)
        if cut:
            words = "left of the axis: trained on / held out"
            handles[words] = Line2D([], [], marker="<", **grey)
        if any(entry.train.n < ENOUGH for entry in entries):
            handles["one run"] = Line2D([], [], marker=".", markersize=4, **grey)
        canvas.add_legend(figure, handles)
        return canvas.encode(figure)


def lowest_shown(means: Sequence[float]) -> float:
    """The lowest of some means that an axis shows.

    At most a quarter of them lie below it, each further down than all that is shown spans.

    Example:
        >>> lowest_shown([6, 80, 82, 84, 90]), lowest_shown([75, 80, 82, 84, 90])
        (80, 75)
    """
    order = sorted(means)
    start = 0
    for place in range(1, len(order) // 4 + 1):
        if order[place] - order[place - 1] > order[-1] - order[place]:
            start = place
    return order[start]


def _write_accuracy(axis: Axes, place: int, entry: Entry, colour: str) -> None:
    """The numbers of what is not shown, at the axis' left end."""
    both = [i for i in (entry.train, entry.test) if i is not None]
    numbers = [
        f"{i.mean:.1f}" + (f" ± {i.half:.1f}" if i.half and i.n >= ENOUGH else "") for i in both
    ]
    at = axis.get_yaxis_transform()
    axis.plot(0.012, place, "<", color=colour, markersize=7, transform=at, clip_on=False)
    axis.text(0.04, place, " / ".join(numbers), transform=at, va="center", fontsize=9.5)


def _draw_accuracy(
    axis: Axes, place: int, entry: Entry, printed: float | None, colour: str, floor: float
) -> None:
    if printed is not None:
        axis.plot(printed, place - 0.14, color="#555555", **_BAR)
    for interval, marker, fill, shift in (
        (entry.test, "s", "white", 0.18),
        (entry.train, "o", colour, -0.14),
    ):
        if interval is None or interval.mean < floor:
            continue
        at: Look = {"color": colour, "markersize": 5, "markerfacecolor": fill}
        if 1 < interval.n < ENOUGH:
            runs = [place + shift] * interval.n
            axis.plot(interval.values, runs, ".", color="#555555", markersize=4, zorder=3)
            axis.plot(interval.mean, place + shift, marker, **at)
        else:
            low, high = limits(interval)
            ends = [[interval.mean - low], [high - interval.mean]]
            axis.errorbar(interval.mean, place + shift, xerr=ends, fmt=marker, capsize=2.5, **at)


def rates(entries: Sequence[Entry]) -> dict[str, bytes]:
    """Train accuracy against learning rate, a line for each optimizer, a panel for each data set.

    Lines are means over seeds, bands reach from the smallest to the largest seed; a ring marks
    each optimizer's best rate. What lies more than ``DEPTH`` points below the best is cut off,
    so that a rate that fails does not flatten all others.

    Returns:
        The figure as {"png": bytes, "svg": bytes}.
    """
    names, called = dataset_order(entries), labels(entries, rates=False)
    looks = canvas.looks_of(called)
    with style.context():
        figure, axes = canvas.panels(len(names), 3.4)
        for axis, name in zip(axes, names, strict=True):
            here = [e for e in entries if e.dataset == name and e.learning_rate]
            for row, look in looks.items():
                _draw_rates(axis, [e for e in here if sweeps.family(e) == row], look)
            top = max((e.train.mean for e in here), default=0.0)
            axis.set_ylim(bottom=max(axis.get_ylim()[0], top - DEPTH))
            axis.set_xscale("log")
            low, high = axis.get_xlim()
            axis.xaxis.set_major_locator(
                LogLocator(subs=(1.0, 3.0) if high < 100 * low else (1.0,))
            )
            axis.xaxis.set_major_formatter(_PLAIN)
            axis.xaxis.set_minor_formatter(NullFormatter())
            axis.set_title(dataset_title(name))
            axis.set_xlabel("learning rate")
            axis.set_ylabel("train accuracy (%)")
        ring = Line2D([], [], color="#555555", linestyle="none", **_RING)
        canvas.add_legend(figure, {**canvas.handles_of(called, looks), "best rate": ring})
        return canvas.encode(figure)


def _draw_rates(axis: Axes, entries: Sequence[Entry], look: Look) -> None:
    if not entries:
        return
    there = sorted(entries, key=lambda entry: entry.learning_rate or 0.0)
    at = [entry.learning_rate or 0.0 for entry in there]
    axis.plot(at, [entry.train.mean for entry in there], **look)
    low, high = zip(*((min(e.train.values), max(e.train.values)) for e in there), strict=True)
    axis.fill_between(at, low, high, color=look["color"], alpha=0.15, linewidth=0)
    (best,) = sweeps.best(there)
    axis.plot(best.entry.learning_rate or 0.0, best.entry.train.mean, color=look["color"], **_RING)
