"""Cells -> which figures the exponent study has, and its heat map."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from experiments.analysis.exponent_cells import ExponentCell, values
from experiments.analysis.selection import validation_accuracy
from experiments.protocols.exponent import constants
from experiments.reports import canvas, style
from experiments.reports.exponent.curves import (
    TICKS,
    against_alpha,
    by_sparsity,
    fixed_alphas,
    panel_title,
    too_few_alphas,
)
from experiments.reports.section import Figure
from experiments.reports.workload_titles import budget_of


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
            axis.set_yticks(range(len(alphas)), [TICKS.get(a, f"{a:g}") for a in alphas])
            axis.set_xlabel("learning rate, in Adam's units")
            axis.set_ylabel("α")
            axis.set_title(panel_title(cell))
            axis.grid(False)
            figure.colorbar(image, ax=axis, label="validation accuracy, %", extend="min")
        return canvas.encode(figure)


def accuracy_grid(cell: ExponentCell) -> dict[tuple[float, float], float]:
    """(α, rate) -> best last validation accuracy over eps on the tuning seed, in per cent."""
    found: dict[tuple[float, float], float] = {}
    for name, alpha in constants.protocol()["alphas"].items():
        for one in cell.arms[name].ledger if name in cell.arms else ():
            if one.phase == "tune":
                place = (alpha, one.hyperparameters["learning_rate"])
                found[place] = max(100 * validation_accuracy(one), found.get(place, 0.0))
    return found


def _all_tuned(cell: ExponentCell) -> bool:
    """Whether every fixed α that was begun has its list of rates and eps run."""
    numbers = constants.protocol()
    budget = numbers["budgets"][budget_of(cell.arms.values())]
    return all(
        sum(one.phase == "tune" for one in cell.arms[name].ledger)
        >= budget["rates"] * (budget["eps"] if alpha else 1)  # eps only scales the step at 0
        for name, alpha in numbers["alphas"].items()
        if name in cell.arms
    )


def available(cells: Sequence[ExponentCell]) -> list[Figure]:
    """The figures for which there is something to draw."""
    made: list[Figure] = []
    alphas = constants.protocol()["alphas"]
    cells = sorted(cells, key=lambda cell: (cell.network, cell.regime))  # three sets fill a row
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
            made.append(Figure(key, caption, functools.partial(against_alpha, some, what)))
    groups: dict[tuple[str, str, str], list[ExponentCell]] = {}
    for cell in cells:
        if any(values(cell, name, "held-out") for name in alphas):
            groups.setdefault((cell.dataset, cell.network, cell.regime), []).append(cell)
    varied = [
        some
        for some in groups.values()
        if len(some) > 1 and any(len(fixed_alphas(cell, "held-out")) == len(TICKS) for cell in some)
    ]
    if varied:
        words = "Held-out accuracy against α by sparsity: does the best α depend on it?"
        gone = too_few_alphas(varied)
        words += f" Not shown yet: {'; '.join(gone)}" if gone else ""
        made.append(Figure("sparsity", words, functools.partial(by_sparsity, varied)))
    begun = [cell for cell in cells if accuracy_grid(cell)]
    tuned = [cell for cell in begun if _all_tuned(cell)]
    if tuned:
        words = "Validation accuracy over α and learning rate, at each one's best eps, of one seed"
        gone = [panel_title(cell) for cell in begun if cell not in tuned]
        words += f". Not whole yet: {'; '.join(gone)}" if gone else ""
        made.append(Figure("heat", words, functools.partial(heat_map, tuned)))
    return made
