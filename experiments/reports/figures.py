"""Entries -> figures, drawn without pyplot so that nothing global is touched.

The same entries give the same bytes: no dates, and names in the SVG from a fixed salt.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator

from experiments.analysis.statistics import Entry
from experiments.protocols import paper
from experiments.reports import style
from experiments.reports.table import dataset_order, dataset_title, in_paper, ordered, title_of

COLUMNS = 3
_BAR: dict[str, Any] = {"marker": "|", "markersize": 12, "markeredgewidth": 2.5}


def _panels(count: int, height: float) -> tuple[Figure, list[Any]]:
    columns = min(COLUMNS, count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(max(6.4, 4.3 * columns), height * rows + 1.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def _encode(figure: Figure) -> dict[str, bytes]:
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, then drawn alike in both formats
    files = {}
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=metadata)
        files[kind] = buffer.getvalue()
    return files


def _looks(entries: Sequence[Entry]) -> dict[str, dict[str, Any]]:
    """Every row's colour, line and marker by its title, no two alike."""
    looks: dict[str, dict[str, Any]] = {}
    for entry in ordered(entries):
        if title_of(entry) in looks:
            continue
        label = entry.label if entry.changed else entry.optimizer
        # As many tries as there are lines times markers.
        tries = [
            style.line(entry.optimizer, "" if in_paper(entry) else label, shift)
            for shift in range(32)
        ]
        free = (look for look in tries if look not in looks.values())
        looks[title_of(entry)] = next(free, tries[0])
    return looks


def _legend(figure: Figure, looks: dict[str, dict[str, Any]]) -> None:
    """One legend for all panels, below them, a line for each row of the tables."""
    handles = {title: Line2D([], [], **look) for title, look in looks.items()}
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=3, handlelength=3.5
    )


def loss(entries: Sequence[Entry]) -> dict[str, bytes]:
    """Figure 1: training loss per epoch on a log axis, a panel for each data set.

    Lines are means over seeds, bands reach from the smallest to the largest seed. Epochs
    whose loss is not finite or not positive are left out of both.

    Returns:
        The figure as {"png": bytes, "svg": bytes}.
    """
    names, looks = dataset_order(entries), _looks(entries)
    with style.context():
        figure, axes = _panels(len(names), 3.4)
        for axis, name in zip(axes, names, strict=True):
            for place, entry in enumerate(ordered([e for e in entries if e.dataset == name])):
                _draw_loss(axis, entry, looks[title_of(entry)], place)
            axis.set_yscale("log")
            axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.minorticks_off()
            axis.set_title(dataset_title(name))
            axis.set_xlabel("epoch")
            axis.set_ylabel("training loss (nats)")
            axis.xaxis.get_major_locator().set_params(integer=True)
        _legend(figure, looks)
        return _encode(figure)


def _draw_loss(axis: Any, entry: Entry, look: dict[str, Any], place: int) -> None:
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


def accuracy(entries: Sequence[Entry]) -> dict[str, bytes]:
    """Train accuracy (filled), held-out accuracy (open) and the paper's number (a bar).

    Error bars are 95 % intervals for the mean over seeds; a panel for each data set.

    Returns:
        The figure as {"png": bytes, "svg": bytes}.
    """
    names = dataset_order(entries)
    looks = _looks(entries)
    rows = list(looks)
    with style.context():
        figure, axes = _panels(len(names), 1.0 + 0.28 * len(rows))
        for number, (axis, name) in enumerate(zip(axes, names, strict=True)):
            for entry in entries:
                if entry.dataset == name:
                    title = title_of(entry)
                    _draw_accuracy(axis, rows.index(title), entry, looks[title]["color"])
            axis.set_yticks(range(len(rows)), rows if number % COLUMNS == 0 else [""] * len(rows))
            axis.set_ylim(len(rows) - 0.5, -0.5)
            axis.set_title(dataset_title(name))
            axis.set_xlabel("accuracy (%)")
        grey: dict[str, Any] = {"color": "#555555", "linestyle": "none"}
        handles = {"on the images trained on": Line2D([], [], marker="o", **grey)}
        if any(entry.test for entry in entries):
            handles["held out"] = Line2D([], [], marker="s", markerfacecolor="white", **grey)
        if any(_printed(entry) is not None for entry in entries):
            handles["the paper (trained on)"] = Line2D([], [], **_BAR, **grey)
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)
        return _encode(figure)


def _draw_accuracy(axis: Any, place: int, entry: Entry, colour: str) -> None:
    printed = _printed(entry)
    if printed is not None:
        axis.plot(printed, place - 0.14, color="#555555", **_BAR)
    for interval, marker, fill, shift in (
        (entry.test, "s", "white", 0.18),
        (entry.train, "o", colour, -0.14),
    ):
        if interval is not None:
            axis.errorbar(
                interval.mean,
                place + shift,
                xerr=interval.half,
                fmt=marker,
                markersize=5,
                color=colour,
                markerfacecolor=fill,
                capsize=2.5,
            )


def _printed(entry: Entry) -> float | None:
    return paper.accuracy(entry.optimizer, entry.dataset) if in_paper(entry) else None
