"""Figures of training runs seen from inside: a column for each run, curves against the step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from experiments.gate_study.notebook_figures import Picture, legend, panels
from experiments.gate_study.phases import Watched
from experiments.reports import style
from experiments.reports.style import Look

# Colours and lines of layers and runs, apart for colour-blind readers and in grey.
_LOOKS: tuple[Look, ...] = (
    {"color": "#332288", "linestyle": "-"},
    {"color": "#CC6677", "linestyle": (0, (6, 2))},
    {"color": "#117733", "linestyle": (0, (2, 1))},
    {"color": "#88CCEE", "linestyle": (0, (6, 1, 1, 1))},
)

WatchedRuns = Mapping[str, Watched]
"""Title -> run; the statistics of all runs are of the same parameters."""


def layers(runs: WatchedRuns, parts: Sequence[str]) -> Picture:
    """Mean λ, share in the gas phase, alignment rate and share without a gradient, by layer.

    Args:
        runs: a column each.
        parts: the parameters to draw, as the log names them ("conv1.kernel").
    """
    rows = {
        "gate_mean": "mean λ",
        "gas_share": "share with λ < ½\n(gas phase)",
        "alignment_rate": "share aligned\n(sign m = sign g)",
        "zero_gradient_share": "share with\ngradient 0",
    }
    with style.context():
        figure, axes = panels(len(rows), len(runs), 2.3, sharex=True, sharey="row")
        for column, run in zip(axes.T, runs.values(), strict=True):
            for axis, statistic in zip(column, rows, strict=True):
                _curves(axis, run, statistic, parts)
        _finish(figure, axes, runs, list(rows.values()))
    return figure


def ratios(runs: WatchedRuns, parts: Sequence[str]) -> Picture:
    """Quantiles of ρ for each layer: median, middle half, and from 5 % to 95 %."""
    colour = _LOOKS[0]["color"]
    with style.context():
        figure, axes = panels(len(parts), len(runs), 2.0, sharex=True, sharey=True)
        for column, run in zip(axes.T, runs.values(), strict=True):
            for axis, part in zip(column, parts, strict=True):
                at = {q: run.log[f"snr_quantiles/{part}/{q:g}"] for q in (0.05, 0.25, 0.75, 0.95)}
                fill: Look = {"color": colour, "linewidth": 0}
                axis.fill_between(run.steps, at[0.05], at[0.95], alpha=0.15, label="5–95 %", **fill)
                axis.fill_between(run.steps, at[0.25], at[0.75], alpha=0.3, label="25–75 %", **fill)
                middle = run.log[f"snr_quantiles/{part}/0.5"]
                axis.plot(run.steps, middle, color=colour, lw=1.8, label="median")
                axis.axhline(np.arctanh(0.5), color="#000000", ls=":", lw=1.2, label="λ = ½")
                axis.set_ylim(bottom=0)
        _finish(figure, axes, runs, [f"{part}\nρ = |m| / √v" for part in parts])
    return figure


def temperature(runs: WatchedRuns, parts: Sequence[str]) -> Picture:
    """Training loss, temperature, and each layer's noise σ."""
    rows = ["training loss\n(nats)", "temperature T\n(no unit)", "noise σ\n(gradient's unit)"]
    with style.context():
        figure, axes = panels(3, len(runs), 2.4, sharex=True, sharey="row")
        for (top, middle, bottom), run in zip(axes.T, runs.values(), strict=True):
            top.plot(run.steps, run.loss, color="#000000", lw=1.8)
            middle.plot(run.steps, run.log["temperature/all"], color="#D55E00", lw=2)
            _curves(bottom, run, "noise_std", parts)
            bottom.set_yscale("log")
        axes[0, 0].set_ylim(bottom=0)  # shared, so only after every run is drawn
        _finish(figure, axes, runs, rows, axes[2, 0])
    return figure


def compare(runs: WatchedRuns, statistics: Mapping[str, str]) -> Picture:
    """The runs on one axis, a panel for each curve.

    Args:
        runs: title -> run.
        statistics: name in the log -> how its axis is called.
    """
    with style.context():
        columns = 2
        figure, axes = panels(-(-len(statistics) // columns), columns, 2.6, sharex=True)
        for axis, (name, label) in zip(axes.flat, statistics.items(), strict=False):
            for look, (title, run) in zip(_LOOKS, runs.items(), strict=False):
                axis.plot(run.steps, run.log[name], label=title, lw=2, **look)
            axis.set_ylabel(label)
        for axis in axes[-1]:
            axis.set_xlabel("step")
        legend(figure, axes.flat[0])
    return figure


def _curves(axis: Axes, run: Watched, statistic: str, parts: Sequence[str]) -> None:
    for number, part in enumerate(parts):
        curve = run.log[f"{statistic}/{part}"]
        # A logarithmic axis has no place for 0: the noise that is off is not drawn.
        shown = np.where(curve > 0, curve, np.nan) if statistic == "noise_std" else curve
        axis.plot(run.steps, shown, label=part, lw=2, **_LOOKS[number % len(_LOOKS)])


def _finish(
    figure: Picture,
    axes: np.ndarray,
    runs: WatchedRuns,
    labels: Sequence[str],
    key: Axes | None = None,
) -> None:
    for axis, title in zip(axes[0], runs, strict=True):
        axis.set_title(title)
    for axis, label in zip(axes[:, 0], labels, strict=True):
        axis.set_ylabel(label)
    for axis in axes[-1]:
        axis.set_xlabel("step")
    figure.align_ylabels(axes[:, 0].tolist())
    legend(figure, axes[0, 0] if key is None else key)
