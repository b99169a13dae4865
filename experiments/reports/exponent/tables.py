"""Cells -> the exponent study's table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.analysis.arms import Arm
from experiments.analysis.exponent_cells import QUANTITIES, ExponentCell, values
from experiments.analysis.exponent_settings import PreferredSetting, eps_at_edge, shared_places
from experiments.analysis.interval import Interval, interval
from experiments.protocols.exponent import constants
from experiments.reports.labels import dataset_title, optimizer_title, with_network
from experiments.reports.table import DASH, EDGE, PERCENT, CsvRow, Table, number


def arm_title(name: str) -> str:
    """An arm's name in tables and figures."""
    return constants.protocol()["arms"].get(name) or optimizer_title(name)


def cell_title(cell: ExponentCell) -> str:
    """A cell in tables."""
    return place_title(cell.dataset, cell.network, cell.regime, cell.sparsity)


def place_title(dataset: str, network: str, regime: str, sparsity: float) -> str:
    """What is trained on, how long, and with what where that is not the convnet."""
    title = with_network(f"{dataset_title(dataset)}, {regime}", network)
    return title + sparse_suffix(sparsity)


def blank(share: float) -> str:
    """A sparsity in words: byte 128 is mid-grey, and 0 after normalisation; black is -1.

    Example:
        >>> blank(0.5)
        '50 % of pixels mid-grey'
    """
    return f"{100 * share:g} % of pixels mid-grey"


def sparse_suffix(share: float) -> str:
    """The same behind other words; nothing where there is none."""
    return f", {blank(share)}" if share else ""


def cell_table(cells: Sequence[ExponentCell]) -> Table | None:
    """Every exponent in every cell: its setting, fit, held-out accuracy and gaps."""
    rows, data = [], []
    order = [*constants.protocol()["arms"]]
    for cell in cells:
        mine = [one for one in order if one in cell.arms]
        for name in [*mine, *(one for one in cell.arms if one not in order)]:
            arm = cell.arms[name]
            if not arm.tuned or arm.winner is None:
                continue
            numbers = dict(arm.winner.hyperparameters)
            found = {what: [*values(cell, name, what).values()] for what in QUANTITIES}
            intervals = {what: interval(some) if some else None for what, some in found.items()}
            losses = [
                number(each, digits=4)
                for each in (intervals[what] for what in ("train loss", "raw gap", "gap"))
            ]
            lost = _diverged(arm)
            diverged = f" ({lost} of {len(arm.tuned)} diverged)" if lost else ""
            rows.append(
                (
                    f"{cell_title(cell)}: {arm_title(name)}{EDGE if arm.at_edge else ''}{diverged}",
                    f"{numbers['learning_rate']:.3g}",
                    f"{numbers['eps']:g}{EDGE if eps_at_edge(arm) else ''}",
                    losses[0],
                    number(intervals["held-out"], bounds=PERCENT),
                    number(intervals["accuracy gap"], sign=True),
                    *losses[1:],
                )
            )
            data.append(_data(cell, name, numbers, intervals))
    if not rows:
        return None
    header = (
        "data set, regime: arm",
        "rate, in Adam's units",
        "eps, likewise",
        "train loss",
        "held-out %",
        "train - held-out, points",
        "validation - train loss at the end",
        "the same at matched train loss",
    )
    words = "Every exponent, tuned: how well it fits and how well it generalises"
    return Table("exponents", words, header, tuple(rows), tuple(data))


def _diverged(arm: Arm) -> int:
    return sum(one.status != "ok" for one in arm.tuned)


def _data(
    cell: ExponentCell, name: str, numbers: dict[str, float], intervals: dict[str, Interval | None]
) -> CsvRow:
    found: CsvRow = {
        "dataset": cell.dataset,
        "network": cell.network,
        "regime": cell.regime,
        "sparsity": cell.sparsity,
        "arm": name,
        "seeds": len(cell.arms[name].tuned),
        "diverged": _diverged(cell.arms[name]),
        "at_edge": cell.arms[name].at_edge,
        "eps_at_edge": eps_at_edge(cell.arms[name]),
        **numbers,
    }
    for what, each in intervals.items():
        key = what.replace(" ", "_").replace("-", "_")
        found[f"{key}_mean"] = each.mean if each else None
        found[f"{key}_half95"] = each.half if each else None
    return found


def settings_table(settings: Sequence[PreferredSetting]) -> Table | None:
    """What validation prefers at each exponent, also as the arguments of `smes`."""
    if not settings:
        return None
    rows, data, places = [], [], shared_places(settings)
    for one in settings:
        rate, eps = one.plain
        accuracy = float(np.mean([one.accuracies[place] for place in places])) if places else None
        rows.append(
            (
                f"{one.alpha:g}",
                f"{one.learning_rate:.3g}{EDGE if one.rate_at_edge else ''}",
                f"{one.eps:g}{EDGE if one.eps_at_edge else ''}",
                DASH if accuracy is None else f"{100 * accuracy:.2f}",
                f"{len(one.accuracies)}",
                f"{rate:g}",
                f"{eps:g}",
                f"{one.size:.3g}",
            )
        )
        numbers = {key: each for key, each in vars(one).items() if key != "accuracies"}
        beside = {"accuracy": accuracy, "shared": len(places), "cells": len(one.accuracies)}
        data.append(numbers | beside | {"smes_learning_rate": rate, "smes_eps": eps})
    named = "; ".join(place_title(*place, sparsity=0.0) for place in places)
    header = (
        "α",
        "rate, in Adam's units",
        "eps, likewise",
        "validation accuracy %",
        "cells",
        "learning_rate of smes",
        "eps of smes",
        "at gradients of size s",
    )
    words = (
        "The setting of the best mean rank on validation at each α, over all cells (data set, "
        "network and regime, without sparsity) that this α has; validation accuracy is the mean "
        f"over the cells that all α have ({named or 'none yet'})"
    )
    return Table("settings", words, header, tuple(rows), tuple(data))
