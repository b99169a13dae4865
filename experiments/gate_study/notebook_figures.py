"""Figures of what the optimizers do to numbers: updates, first steps, a parameter, paths.

Drawn without pyplot, so that nothing global is touched; a notebook shows a figure that is the
last value of its cell.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import LogFormatterSciNotation, LogLocator
from PIL import Image

from experiments.gate_study import landscapes
from experiments.gate_study.phases import Driven, update_parts
from experiments.reports import style
from experiments.reports.style import Look

MARKERS = "os*X^Dvp"
_SHOWN_DPI = 90  # pixels of the page for each inch; the file has more, for fine screens


class Picture(Figure):
    """A figure that notebooks show, as a PNG of 1.5 times the pixels it takes on the page."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=1.5 * _SHOWN_DPI)
        # 128 colours are plenty for lines and fills, and a third of the size in the repository.
        small, drawn = io.BytesIO(), Image.open(buffer).convert("RGB")
        drawn.quantize(128, dither=Image.Dither.NONE).save(small, "png", optimize=True)
        width, height = self.get_size_inches() * _SHOWN_DPI
        return small.getvalue(), {"width": int(width), "height": int(height)}


def panels(
    rows: int, columns: int, height: float, *, width: float = 9.5, **shared: Any
) -> tuple[Picture, np.ndarray]:
    """An empty picture and its axes (rows, columns); `height` inches a row."""
    # The padding keeps titles of panels with a fixed aspect off the edge.
    layout = ConstrainedLayoutEngine(h_pad=0.09)
    figure = Picture(figsize=(width, height * rows), layout=layout)
    return figure, np.asarray(figure.subplots(rows, columns, squeeze=False, **shared))


def legend(figure: Figure, axis: Axes, columns: int = 4) -> None:
    """One legend for all panels, below them, of what is drawn in one."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=3.5)


def _line(optimizer: str) -> Look:
    return style.line(optimizer) | {"marker": "none"}


def updates(curves: Mapping[str, tuple[str, np.ndarray, np.ndarray]], *, rms: float) -> Picture:
    """The length of the update against the signal-to-noise ratio.

    Args:
        curves: label -> (optimizer as `style.line` knows it, ρ, update at learning rate 1).
        rms: √v for which they hold, named in the title.
    """
    with style.context():
        figure, ((axis,),) = panels(1, 1, 4.6, width=8.5)
        for number, (label, (optimizer, rho, update)) in enumerate(curves.items()):
            # Markers set apart by place and kind, where lines of one colour cross.
            look = style.line(optimizer) | {"marker": MARKERS[number % len(MARKERS)]}
            every = (number % 4 / 40, 0.15)
            axis.plot(rho, update, label=label, markevery=every, **look)
        axis.set_title(f"Length of one update, √v = {rms:g}")
        axis.set_xlabel("signal-to-noise ratio ρ = |m| / √v")
        axis.set_ylabel("update / learning rate")
        axis.set_xlim(0, min(rho[-1] for _, rho, _ in curves.values()))
        axis.set_ylim(bottom=0)
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=3.5)
    return figure


def first_steps(streams: Mapping[str, Mapping[str, tuple[str, Driven]]]) -> Picture:
    """The step's factor φ from the first step on, a panel for each stream of gradients.

    Lines are medians over the parameters, bands reach from their 5 % to their 95 % quantile.

    Args:
        streams: title -> {label: (optimizer, driven)}, driven at learning rate 1.
    """
    with style.context():
        figure, axes = panels(1, len(streams), 4.2, sharey=True)
        for axis, (title, lines) in zip(axes[0], streams.items(), strict=True):
            for label, (optimizer, driven) in lines.items():
                _median(axis, np.abs(driven.updates), label, optimizer)
            axis.set_title(title)
            axis.set_xlabel("step")
            axis.set_ylim(bottom=0)
        axes[0, 0].set_ylabel("φ = |update| / learning rate")
        legend(figure, axes[0, 0])
    return figure


def _median(axis: Axes, values: np.ndarray, label: str, optimizer: str) -> None:
    steps = np.arange(1, len(values) + 1)
    look = _line(optimizer)
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95), axis=1)
    axis.plot(steps, middle, label=label, **look)
    if values.shape[1] > 1:
        axis.fill_between(steps, low, high, color=look["color"], alpha=0.15, linewidth=0)


def way(driven: Driven, mean: np.ndarray, *, threshold: float = float(np.arctanh(0.5))) -> Picture:
    """One parameter's way through the phases: gradient, ratio and gate, parts of the step.

    Args:
        driven: ThermoLion on a stream of gradients; the first parameter is drawn.
        mean: the mean the gradients were drawn around, (steps,).
        threshold: the ratio at which λ = 1/2; below it is the gas phase.
    """
    steps = np.arange(1, len(mean) + 1)
    parts = {name: part[:, 0] for name, part in update_parts(driven).items()}
    solid = driven.rho[:, 0] >= threshold
    with style.context():
        figure, axes = panels(3, 1, 2.3, width=9.0, sharex=True)
        top, middle, bottom = axes[:, 0]
        top.plot(steps, driven.gradients[:, 0], ".", color="#999999", ms=3, label="gradient g")
        top.plot(steps, mean, color="#000000", lw=2, label="its mean")
        top.set_ylabel("gradient\n(units of its noise)")
        middle.plot(steps, driven.rho[:, 0], color="#999999", lw=1.2, label="ρ = |m| / √v")
        middle.plot(steps, parts["gate"], color="#D55E00", lw=1.8, label="λ = tanh ρ")
        middle.axhline(0.5, color="#000000", ls=":", lw=1.2, label="λ = ½")
        middle.set_ylabel("ratio, gate\n(no unit)")
        bottom.stackplot(
            steps,
            parts["gas"],
            parts["solid"],
            colors=("#88CCEE", "#CC6677"),
            labels=("gas: (1-λ)(1+A)", "solid: 2λρ"),
        )
        bottom.set_ylabel("step /\nlearning rate")
        bottom.set_xlabel("step")
        for axis in axes[:2, 0]:
            axis.fill_between(
                steps,
                0,
                1,
                where=solid.tolist(),
                color="#CC6677",
                alpha=0.18,
                linewidth=0,
                transform=axis.get_xaxis_transform(),
                label="solid phase" if axis is top else None,
            )
        for axis in axes[:, 0]:
            axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        top.set_title("One parameter from gas to solid")
    return figure


# For each panel its title, the surface, and each optimizer's path.
Walks = Sequence[tuple[str, landscapes.Surface, Mapping[str, landscapes.Path]]]


def paths(walks: Walks) -> Picture:
    """Paths over surfaces seen from above; the cross is the lowest point."""
    with style.context():
        figure, axes = panels(-(-len(walks) // 2), 2, 3.4, sharex=True, sharey=True)
        for axis, (title, surface, optimizers) in zip(axes.flat, walks, strict=False):
            ticks, heights = landscapes.heights_on_grid(surface)
            axis.contourf(ticks, ticks, np.sqrt(heights), levels=24, cmap="Greys", alpha=0.55)
            axis.plot(0, 0, "+", color="#000000", ms=14, mew=2)
            for name, path in optimizers.items():
                _path(axis, name, path)
            axis.set_title(title)
            axis.grid(False)
            axis.set_xlim(-surface.extent, surface.extent)
            axis.set_ylim(-0.5 * surface.extent, 0.75 * surface.extent)
            axis.set_aspect("equal")
        _outer(axes, "x (no unit)", "y (no unit)")
        legend(figure, axes.flat[0])
    return figure


def _path(axis: Axes, name: str, path: landscapes.Path) -> None:
    look = style.line(name)
    x, y = path.points.T
    axis.plot(x, y, **look | {"marker": "none", "linewidth": 1.6}, label=name)
    axis.plot(x[-1], y[-1], marker=look["marker"], color=look["color"], ms=11, mec="#FFFFFF")


def heights(walks: Walks) -> Picture:
    """Height of the paths against the step, on a log axis; panels as in `paths`."""
    with style.context():
        figure, axes = panels(-(-len(walks) // 2), 2, 2.9, sharex=True, sharey="row")
        for axis, (title, _, optimizers) in zip(axes.flat, walks, strict=False):
            for name, path in optimizers.items():
                visible = np.maximum(path.heights, 1e-8)
                axis.plot(visible, label=name, **_line(name) | {"linewidth": 1.6})
            axis.set_title(title)
            axis.set_yscale("log")
            axis.yaxis.set_major_locator(LogLocator(numticks=6))
            axis.yaxis.set_major_formatter(LogFormatterSciNotation())
        _outer(axes, "step", "height (no unit)")
        legend(figure, axes.flat[0])
    return figure


def _outer(axes: np.ndarray, x: str, y: str) -> None:
    for axis in axes[-1]:
        axis.set_xlabel(x)
    for axis in axes[:, 0]:
        axis.set_ylabel(y)
