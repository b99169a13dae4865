"""Records summed up cell by cell: runs that differ in the seed alone are one entry."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from experiments.analysis.interval import Interval, interval
from experiments.records import DataFacts, Record

_PARTS: dict[str, str | None] = {
    "protocol": None,
    "protocol_version": None,
    "protocol_hash": None,
    "dataset": None,
    "fingerprint": None,
    "network": "convnet",
    "network_source": None,
    "optimizer": None,
    "optimizer_source": None,
    "schedule": "constant",
    "regime": None,
    "phase": None,
    "budget": None,
}
"""Fields that records may differ in beside hyperparameters and seed, and their defaults."""

_CONDITIONS = (
    "protocol_hash",
    "network_source",
    "optimizer_source",
    "schedule",
    "regime",
    "phase",
    "budget",
)


Row = tuple[str, tuple[tuple[str, str], ...], tuple[tuple[str, float], ...]]


@dataclass(frozen=True, eq=False)
class Entry:
    """All runs that differ in the seed alone, summed up where a number is asked for.

    Accuracies are in per cent. A diverged run counts with the accuracy it was measured
    at, or with 0 where none could be.

    Attributes:
        dataset: what the data set is called; records say otherwise where a name was given twice.
        records: of the runs, in the order of their seeds.
    """

    dataset: str
    records: list[Record] = field(repr=False)

    @property
    def protocol(self) -> str:
        """Its name, with what deviates from it."""
        return self.records[0].protocol

    @property
    def version(self) -> int:
        """Of the protocol."""
        return self.records[0].protocol_version

    @property
    def fingerprint(self) -> str:
        """Of the images trained on."""
        return self.records[0].fingerprint

    @property
    def network(self) -> str:
        """What was trained."""
        return self.records[0].network

    @property
    def optimizer(self) -> str:
        """Its name."""
        return self.records[0].optimizer

    @property
    def hyperparameters(self) -> dict[str, float]:
        """All of them."""
        return self.records[0].hyperparameters

    @property
    def changed(self) -> dict[str, float]:
        """Those that are not the protocol's."""
        return self.records[0].changed

    @property
    def facts(self) -> DataFacts:
        """What the records say of the data."""
        return self.records[0].data

    @property
    def learning_rate(self) -> float | None:
        """The (peak) learning rate, None where the optimizer has none of its own."""
        return self.hyperparameters.get("learning_rate")

    @functools.cached_property
    def conditions(self) -> dict[str, str]:
        """What else makes a row.

        The schedule unless it is constant, the regime, phase and budget, the hashes of a user's
        files.
        """
        parts = {name: _part(self.records[0], name) for name in _CONDITIONS}
        return {name: str(part) for name, part in parts.items() if part != _PARTS[name]}

    @property
    def row(self) -> Row:
        """What makes a row of a table: the optimizer, its conditions, every hyperparameter."""
        numbers = tuple(sorted(self.hyperparameters.items()))
        return self.optimizer, tuple(self.conditions.items()), numbers

    @functools.cached_property
    def by_seed(self) -> dict[int, float]:
        """Accuracy on the images trained on."""
        return {r.seed: 100.0 * (r.train_accuracy or 0.0) for r in self.records}

    @functools.cached_property
    def test_by_seed(self) -> dict[int, float]:
        """Held-out accuracy of the runs that have it."""
        accuracies = {r.seed: r.test_accuracy for r in self.records}
        return {seed: 100.0 * one for seed, one in accuracies.items() if one is not None}

    @functools.cached_property
    def train(self) -> Interval:
        """Mean accuracy on the images trained on."""
        return interval(self.by_seed.values())

    @functools.cached_property
    def test(self) -> Interval | None:
        """Mean held-out accuracy."""
        return interval(self.test_by_seed.values()) if self.test_by_seed else None

    @functools.cached_property
    def loss(self) -> np.ndarray:
        """(runs, epochs) train losses, NaN where a run had none."""
        found = np.full((len(self.records), max(len(r.train_loss) for r in self.records)), np.nan)
        for row, record in zip(found, self.records, strict=True):
            curve = [np.nan if value is None else value for value in record.train_loss]
            row[: len(curve)] = curve
        return found

    @property
    def update_rms(self) -> float | None:
        """Mean root mean square of the steps."""
        steps = [r.update_rms for r in self.records if r.update_rms is not None]
        return float(np.mean(steps)) if steps else None

    @property
    def seconds(self) -> tuple[float, ...]:
        """Of training, by run."""
        return tuple(r.seconds for r in self.records)

    @property
    def compile_seconds(self) -> float:
        """The longest compilation."""
        return max(r.compile_seconds for r in self.records)

    @property
    def diverged(self) -> int:
        """How many runs did."""
        return sum(r.status != "ok" for r in self.records)


def entry(records: Iterable[Record]) -> Entry:
    """Records that differ in the seed alone as one, called as they call their data set."""
    in_order = sorted(records, key=lambda one: one.seed)
    return Entry(in_order[0].dataset, in_order)


def _part(record: Record, name: str) -> str | int | None:
    value = getattr(record, name)
    return _PARTS[name] if value is None else value


def entries(records: Iterable[Record]) -> list[Entry]:
    """Groups records by everything but the seed and sums each group up, in a stable order."""
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        parts = [_part(record, name) for name in _PARTS]
        key = (*("" if part is None else part for part in parts), _numbers(record))
        groups.setdefault(key, []).append(record)
    return [entry(groups[key]) for key in sorted(groups)]


def _numbers(record: Record) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((k, float(v)) for k, v in record.hyperparameters.items()))


def mean_gain(pairs: Sequence[tuple[Entry, Entry]], *, held_out: bool = False) -> Interval:
    """Mean over data sets of accuracy minus the baseline's, in points, with its interval.

    Seeds share initialisation and data order, so each seed gives one difference, averaged
    over the data sets; the interval is over the seeds that every entry has.

    Args:
        pairs: for each data set the entry and the baseline's entry.
        held_out: of held-out accuracy instead of accuracy on the images trained on.

    Returns:
        The interval; n is 0, and only the mean of the means given, where no seed is common.
    """
    sides = [
        [e.test_by_seed if held_out else e.by_seed for e in (one, baseline)]
        for one, baseline in pairs
    ]
    common = set.intersection(*(set(side) for both in sides for side in both))
    if not common:
        both = [[float(np.mean(list(side.values()))) for side in pair] for pair in sides]
        return Interval(float(np.mean([one - other for one, other in both])), None, None, 0)
    return interval(
        float(np.mean([one[seed] - other[seed] for one, other in sides])) for seed in sorted(common)
    )
