"""Cells -> heat maps of the paired differences, and mean λ along training."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from scipy import stats

from experiments.analysis import verdicts
from experiments.analysis.noise_cells import OURS, NoiseCell, curves
from experiments.analysis.paired import Difference
from experiments.reports import canvas, style
from experiments.reports.ablation.tables import arm_title
from experiments.reports.label_noise.tables import (
    cell_difference,
    level_words,
    names_at_edge,
    others,
)
from experiments.reports.labels import dataset_title, with_network
from experiments.reports.section import Figure
from experiments.reports.table import EDGE

# From few wrong labels to many: dark to light, a line and a marker each, as grey prints need.
_SHADES = ("#440154", "#21918C", "#DDAA33", "#BB5566", "#777777")
_LINES, _MARKERS = ("-", "--", ":", "-.", (0, (1, 2))), ("o", "s", "^", "D", "v")

CellGrid = dict[tuple[float, int], NoiseCell]


def grids(cells: Sequence[NoiseCell]) -> dict[str, CellGrid]:
    """The cells of each data set and network, by noise and batch size."""
    found: dict[str, CellGrid] = {}
    for cell in cells:
        title = with_network(dataset_title(cell.dataset), cell.network)
        found.setdefault(title, {})[cell.noise, cell.batch_size] = cell
    return found


def heat_maps(cells: Sequence[NoiseCell]) -> dict[str, bytes]:
    """ThermoLion minus each other optimizer, held-out points, a number with interval a cell."""
    panels = [
        (title, grid, name, found)
        for title, grid in grids(cells).items()
        for name in others(cells)
        if (found := _differences(grid, name))
    ]
    # What does not matter looks pale.
    means = (abs(each.mean) for *_, found in panels for each in found.values())
    most = max(verdicts.HELD_OUT.delta, *means)
    with style.context():
        figure, axes = canvas.panels(len(panels), 3.7, 6.0)
        for axis, (title, grid, name, found) in zip(axes, panels, strict=True):
            rows, columns = sorted({noise for noise, _ in found}), sorted({b for _, b in found})
            values = np.full((len(rows), len(columns)), np.nan)
            for (noise, batch), each in found.items():
                i, j = rows.index(noise), columns.index(batch)
                values[i, j] = each.mean
                ends = f"[{each.low:+.2f}, {each.high:+.2f}]" if each.half else ""
                centred: style.Look = {"ha": "center", "color": _ink(each.mean / most)}
                edge = EDGE if names_at_edge(grid[noise, batch], name) else ""
                weight = "bold" if each.excludes_zero else "normal"
                mean = f"{each.mean:+.2f}{edge}"
                axis.text(j, i - 0.04, mean, va="bottom", weight=weight, **centred)
                axis.text(j, i + 0.04, ends, va="top", fontsize=9, **centred)
            image = axis.imshow(values, cmap="PuOr", vmin=-most, vmax=most, aspect="auto")
            axis.set_xticks(range(len(columns)), [f"{batch:,}" for batch in _used(grid, columns)])
            axis.set_yticks(range(len(rows)), [f"{100 * noise:g} %" for noise in rows])
            axis.set_xlabel(f"batch size\nintervals at {level_words()}")
            axis.set_ylabel("label noise")
            axis.set_title(f"{title}: ThermoLion - {arm_title(name)}")
            axis.grid(False)
            figure.colorbar(image, ax=axis, label="held-out points")
        return canvas.encode(figure)


def _differences(grid: CellGrid, other: str) -> dict[tuple[float, int], Difference]:
    """ThermoLion minus another, by noise and batch size, where both have final runs."""
    found = {place: cell_difference(cell, other) for place, cell in grid.items()}
    return {place: each for place, each in found.items() if each is not None}


def _used(grid: CellGrid, batches: Sequence[int]) -> list[int]:
    """The batches that were used, by those of the protocol."""
    return [next(cell.batch for (_, b), cell in grid.items() if b == batch) for batch in batches]


def _ink(share: float) -> str:
    """What can be read on the colour of a share of the largest difference."""
    return "white" if abs(share) > 0.6 else "black"


def gates(cells: Sequence[NoiseCell]) -> dict[str, bytes]:
    """Mean λ over training by label noise, a panel a batch size; bands hold 95 % over seeds."""
    panels = [
        (
            f"{title}, batch {_used(grid, [batch])[0]:,}",
            {n: cell for (n, b), cell in grid.items() if b == batch},
        )
        for title, grid in grids([cell for cell in cells if _has_gates(cell)]).items()
        for batch in sorted({place[1] for place in grid})
    ]
    levels = sorted({cell.noise for cell in cells})
    with style.context():
        figure, axes = canvas.panels(len(panels), 3.3, sharey=True)
        handles = {}
        for axis, (title, some) in zip(axes, panels, strict=True):
            for noise, cell in sorted(some.items()):
                found = curves(cell.arms[OURS].tuned, "gate_mean")
                number = levels.index(noise) % len(_SHADES)
                share = 100 * np.arange(1, found.shape[1] + 1) / found.shape[1]
                mean = found.mean(0)
                (drawn,) = axis.plot(
                    share,
                    mean,
                    color=_SHADES[number],
                    linestyle=_LINES[number],
                    marker=_MARKERS[number],
                )
                handles[f"{100 * noise:g} % label noise"] = drawn
                if len(found) > 1:
                    error = found.std(0, ddof=1) / len(found) ** 0.5
                    half = stats.t.ppf(0.975, len(found) - 1) * error
                    band = {"color": _SHADES[number], "alpha": 0.2, "linewidth": 0}
                    axis.fill_between(share, mean - half, mean + half, **band)
            axis.set_title(title)
            axis.set_xlabel("% of the training; bands: 95 %, seeds")
            axis.set_ylabel("mean λ")
        canvas.add_legend(figure, handles)
        return canvas.encode(figure)


def _has_gates(cell: NoiseCell) -> bool:
    return OURS in cell.arms and curves(cell.arms[OURS].tuned, "gate_mean").size > 0


def available(cells: Sequence[NoiseCell]) -> list[Figure]:
    """The figures for which there is something to draw."""
    made: list[Figure] = []
    if any(cell_difference(cell, name) for cell in cells for name in others(cells)):
        words = "Paired differences of held-out accuracy by label noise and batch size (bold: the "
        words += f"interval excludes 0; level {level_words()}; "
        words += f"{EDGE}: a best rate is the outermost that was tried)"
        made.append(Figure("heat", words, functools.partial(heat_maps, cells)))
    if any(map(_has_gates, cells)):
        words = "Mean λ of ThermoLion's gate over training, by label noise and batch size "
        words += "(bands: 95 % intervals over seeds)"
        made.append(Figure("gate", words, functools.partial(gates, cells)))
    return made
