"""Sweeps of the learning rate: each optimizer at its best one, beside a baseline at its best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.analysis.interval import Interval
from experiments.analysis.selection import outermost
from experiments.analysis.summaries import Entry, Row, mean_gain


@dataclass(frozen=True)
class Best:
    """An optimizer on one data set at the learning rate of its best mean train accuracy.

    Attributes:
        entry: its runs.
        rates: every learning rate that was tried, in rising order.
    """

    entry: Entry
    rates: tuple[float, ...]

    @property
    def at_edge(self) -> bool:
        """Whether the best rate is the outermost that was tried."""
        rate = self.entry.learning_rate
        return rate is not None and outermost(rate, self.rates)


def swept(entries: Sequence[Entry]) -> bool:
    """Whether any optimizer was run at more than one learning rate on one data set."""
    return any(len(one.rates) > 1 for one in best(entries))


def family(entry: Entry) -> Row:
    """A table's row without its learning rate: what a sweep of learning rates is over."""
    optimizer, conditions, numbers = entry.row
    return optimizer, conditions, tuple(n for n in numbers if n[0] != "learning_rate")


def best(entries: Sequence[Entry]) -> list[Best]:
    """On every data set the best learning rate of every family, by mean train accuracy.

    Rates at which most runs diverged come last. Ties go to the smaller last loss, then to the
    smaller learning rate.
    """
    groups: dict[tuple[str, Row], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.dataset, family(entry)), []).append(entry)
    return [
        Best(
            min(group, key=_rank),
            tuple(sorted({e.learning_rate for e in group if e.learning_rate is not None})),
        )
        for group in groups.values()
    ]


def _rank(entry: Entry) -> tuple[bool, float, float, float]:
    last = entry.loss[:, -1]
    loss = float(last.mean()) if np.isfinite(last).all() else float("inf")
    lost = 2 * entry.diverged > len(entry.records)
    return lost, -entry.train.mean, loss, entry.learning_rate or 0.0


def difference_from(entry: Entry, baseline: Entry, *, held_out: bool = False) -> Interval | None:
    """Paired difference to a baseline in points of accuracy, seed by seed.

    Returns:
        The mean over the seeds that both have, with its 95 % interval; None where they share none.
    """
    mine, other = (e.test_by_seed if held_out else e.by_seed for e in (entry, baseline))
    return mean_gain([(entry, baseline)], held_out=held_out) if set(mine) & set(other) else None
