"""Cells -> the exponent study's figures: fit, held-out accuracy and gap against α; a heat map."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from experiments.analysis.exponent_cells import ExponentCell, values
from experiments.analysis.statistics import interval
from experiments.protocols.exponent import constants
from experiments.reports import canvas, style
from experiments.reports.exponent.tables import arm_title, where

_TICKS = {0.0: "0", 0.25: "¼", 0.5: "½", 0.75: "¾"}
# Beside ¼, whose mean they have: cyclic to the left, running maximum to the right.
_BESIDE = {"scaled_smes:cycles=4": (0.19, "D"), "scaled_smes:amsgrad=true": (0.31, "^")}
_SPARSE = (("#440154", "-", "o"), ("#21918C", "--", "s"), ("#DDAA33", ":", "^"))
LABELS = {
    "train loss": "train loss, last epoch",
    "held-out": "held-out accuracy, %",
    "gap": "validation - train loss,\nat matched train loss",
}


def against_alpha(cells: Sequence[ExponentCell], what: str) -> dict[str, bytes]:
    """A quantity of `LABELS` against α with 95 % intervals over seeds, a panel a cell."""
    with style.context():
        figure, axes = canvas.panels(len(cells), 3.2)
        handles: dict[str, Any] = {}
        for axis, cell in zip(axes, cells, strict=True):
            look = {"color": style.line("smes")["color"], "linewidth": 2, "marker": "o"}
            handles["fixed α"] = _curve(axis, cell, what, look)
            for name, (place, marker) in _BESIDE.items():
                found = [*values(cell, name, what).values()]
                if found:
                    said = interval(found)
                    handles[arm_title(name)] = axis.errorbar(
                        place, said.mean, said.half, fmt=marker, color="#BB5566", capsize=3
                    )
            axis.set_title(where(cell))
            _alphas(axis)
            axis.set_ylabel(LABELS[what])
            if what == "train loss":
                axis.set_yscale("log")
        canvas.add_legend(figure, {key: one for key, one in handles.items() if one is not None})
        return canvas.encode(figure)


def _curve(axis: Any, cell: ExponentCell, what: str, look: dict[str, Any]) -> Any:
    found = {
        alpha: interval([*some.values()])
        for name, alpha in constants.protocol()["alphas"].items()
        if (some := values(cell, name, what))
    }
    if not found:
        return None
    means, halves = ([getattr(one, key) or 0.0 for one in found.values()] for key in _ENDS)
    return axis.errorbar([*found], means, halves, capsize=3, **look)


_ENDS = ("mean", "half")


def _alphas(axis: Any) -> None:
    axis.set_xticks([*_TICKS], [*_TICKS.values()])
    axis.set_xlim(-0.06, 0.81)
    axis.set_xlabel("α")


def by_sparsity(groups: Sequence[Sequence[ExponentCell]]) -> dict[str, bytes]:
    """Held-out accuracy against α, a line a sparsity, a panel a data set and regime.

    Accuracy falls with sparsity by itself, so each line is drawn against its own best mean.
    """
    with style.context():
        figure, axes = canvas.panels(len(groups), 3.4, 5.2)
        handles: dict[str, Any] = {}
        alphas = constants.protocol()["alphas"]
        for axis, cells in zip(axes, groups, strict=True):
            for number, cell in enumerate(cells):
                found = {a: [*values(cell, n, "held-out").values()] for n, a in alphas.items()}
                said = {a: interval(some) for a, some in found.items() if some}
                if not said:
                    continue
                top = max(one.mean for one in said.values())
                colour, line, marker = _SPARSE[number % len(_SPARSE)]
                handles[f"{100 * cell.sparsity:g} % of the pixels 0"] = axis.errorbar(
                    np.array([*said]) + 0.012 * (number - 1),
                    [one.mean - top for one in said.values()],
                    [one.half or 0.0 for one in said.values()],
                    color=colour,
                    linestyle=line,
                    marker=marker,
                    capsize=3,
                )
            axis.set_title(where(cells[0]))
            _alphas(axis)
            axis.set_ylabel("held-out accuracy,\npoints from the best α")
        canvas.add_legend(figure, handles)
        return canvas.encode(figure)


def heat_map(cells: Sequence[ExponentCell]) -> dict[str, bytes]:
    """Validation accuracy over α and learning rate at each one's best eps, a panel a cell."""
    with style.context():
        figure, axes = canvas.panels(len(cells), 3.6, 5.6)
        for axis, cell in zip(axes, cells, strict=True):
            grid = accuracy_grid(cell)
            rates, alphas = sorted({r for _, r in grid}), sorted({a for a, _ in grid})
            table = [[grid.get((alpha, rate), np.nan) for rate in rates] for alpha in alphas]
            best = np.nanmax(table)
            image = axis.imshow(
                table, cmap="viridis", vmin=best - 10, vmax=best, aspect="auto", origin="lower"
            )
            for i, row in enumerate(table):
                for j, value in enumerate(row):
                    ink = "black" if value > best - 4 else "white"
                    text = f"{value:.1f}" if np.isfinite(value) else ""
                    axis.text(j, i, text, ha="center", va="center", color=ink, fontsize=9)
            axis.set_xticks(range(len(rates)), [f"{rate:.0e}" for rate in rates], rotation=60)
            axis.set_yticks(range(len(alphas)), [_TICKS.get(a, f"{a:g}") for a in alphas])
            axis.set_xlabel("learning rate, in Adam's units")
            axis.set_ylabel("α")
            axis.set_title(where(cell))
            axis.grid(False)
            figure.colorbar(image, ax=axis, label="validation accuracy, %", extend="min")
        return canvas.encode(figure)


def accuracy_grid(cell: ExponentCell) -> dict[tuple[float, float], float]:
    """(α, rate) -> best last validation accuracy over eps on the tuning seed, in per cent."""
    found: dict[tuple[float, float], float] = {}
    for name, alpha in constants.protocol()["alphas"].items():
        for one in cell.arms[name].ledger if name in cell.arms else ():
            if one.phase == "tune":
                accuracy = (one.validation_accuracy or [None])[-1]
                if one.status != "ok" or accuracy is None:
                    accuracy = 1 / (one.data.classes or 1)
                place = (alpha, one.hyperparameters["learning_rate"])
                found[place] = max(100 * accuracy, found.get(place, 0.0))
    return found


def available(
    cells: Sequence[ExponentCell],
) -> list[tuple[str, str, Callable[[], dict[str, bytes]]]]:
    """Key, caption and function of the figures for which there is something to draw."""
    made: list[tuple[str, str, Callable[[], dict[str, bytes]]]] = []
    alphas = constants.protocol()["alphas"]
    dense = [cell for cell in cells if not cell.sparsity]
    for what, words in (
        ("train loss", "Final train loss against α: does a larger one fit faster?"),
        ("held-out", "Held-out accuracy against α"),
        ("gap", "The gap at matched train loss against α: does a smaller one close it?"),
    ):
        some = [c for c in dense if any(values(c, name, what) for name in c.arms)]
        if some:
            key = what.replace(" ", "-")
            caption = f"{words} (95 % intervals over seeds)"
            made.append((key, caption, functools.partial(against_alpha, some, what)))
    groups: dict[tuple[str, str, str], list[ExponentCell]] = {}
    for cell in cells:
        if any(values(cell, name, "held-out") for name in alphas):
            groups.setdefault((cell.dataset, cell.network, cell.regime), []).append(cell)
    varied = [some for some in groups.values() if len(some) > 1]
    if varied:
        words = "Held-out accuracy against α by sparsity: does the best α depend on it?"
        made.append(("sparsity", words, functools.partial(by_sparsity, varied)))
    tuned = [cell for cell in cells if accuracy_grid(cell)]
    if tuned:
        words = "Validation accuracy over α and learning rate, at each one's best eps"
        made.append(("heat", words, functools.partial(heat_map, tuned)))
    return made
