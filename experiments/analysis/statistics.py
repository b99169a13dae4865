"""Means with their uncertainty, and records summed up cell by cell (all pure functions)."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from experiments.records import DataFacts, Record

LEVEL = 0.95
ENOUGH = 5
"""Values below which an interval would pretend more than is known: the values are shown instead."""


@dataclass(frozen=True)
class Interval:
    """A mean and its two-sided 95 % confidence interval; ``half`` is None where n is 1.

    Attributes:
        mean: arithmetic mean.
        half: half the width of the confidence interval for the mean, t(n-1) · std / √n.
        std: standard deviation of the sample (n - 1), None where n is 1.
        n: number of values.
        values: the values themselves.
    """

    mean: float
    half: float | None
    std: float | None
    n: int
    values: tuple[float, ...] = ()

    @property
    def prediction(self) -> float | None:
        """Half the width of the 95 % prediction interval, t(n-1) · std · √(1 + 1/n)."""
        return None if self.half is None else self.half * math.sqrt(self.n + 1)

    def excludes(self, value: float) -> bool:
        """Whether ``value`` lies outside the confidence interval for the mean."""
        return self.half is not None and abs(value - self.mean) > self.half + 1e-9

    def prediction_excludes(self, value: float) -> bool:
        """Whether ``value``, being one run, lies outside the prediction interval."""
        return self.prediction is not None and abs(value - self.mean) > self.prediction + 1e-9


def interval(values: Iterable[float]) -> Interval:
    """Mean and 95 % t confidence interval of independent values.

    Raises:
        ValueError: there are no values.

    Example:
        >>> one = interval([1.0, 2.0, 3.0])
        >>> one.mean, round(one.half, 4), one.std
        (2.0, 2.4841, 1.0)
    """
    array = np.asarray(list(values), dtype=np.float64)
    if array.size == 0:
        raise ValueError("no values to average")
    n, mean, found = array.size, float(array.mean()), tuple(array.tolist())
    if n == 1:
        return Interval(mean, None, None, 1, found)
    std = float(array.std(ddof=1))
    return Interval(mean, _t_quantile(n - 1) * std / math.sqrt(n), std, n, found)


@functools.cache
def _t_quantile(freedom: int) -> float:
    """The half width of a t interval in standard errors; SciPy takes long over each."""
    return float(stats.t.ppf(0.5 + LEVEL / 2, freedom))


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
    """All runs that differ in the seed alone.

    Accuracies are in per cent. A diverged run counts with the accuracy it was measured
    at, or with 0 where none could be. ``conditions`` holds what else makes a row: the schedule
    unless it is constant, the regime, phase and budget, the hashes of a user's files.
    """

    protocol: str
    version: int
    dataset: str
    fingerprint: str
    network: str
    optimizer: str
    hyperparameters: dict[str, float]
    changed: dict[str, float]
    conditions: dict[str, str]
    train: Interval
    test: Interval | None
    loss: np.ndarray
    update_rms: float | None
    seconds: tuple[float, ...]
    compile_seconds: float
    diverged: int
    by_seed: dict[int, float]
    test_by_seed: dict[int, float]
    records: list[Record] = field(repr=False)

    @property
    def facts(self) -> DataFacts:
        """What the records say of the data."""
        return self.records[0].data

    @property
    def learning_rate(self) -> float | None:
        """The (peak) learning rate, None where the optimizer has none of its own."""
        return self.hyperparameters.get("learning_rate")

    @property
    def row(self) -> Row:
        """What makes a row of a table: the optimizer, its conditions, every hyperparameter."""
        numbers = tuple(sorted(self.hyperparameters.items()))
        return self.optimizer, tuple(self.conditions.items()), numbers


def entry(records: Sequence[Record]) -> Entry:
    """Sums up records that differ in the seed alone."""
    records = sorted(records, key=lambda record: record.seed)
    first = records[0]
    train = {r.seed: 100.0 * (r.train_accuracy or 0.0) for r in records}
    test = {r.seed: 100.0 * r.test_accuracy for r in records if r.test_accuracy is not None}
    steps = [r.update_rms for r in records if r.update_rms is not None]
    epochs = max(len(r.train_loss) for r in records)
    loss = np.full((len(records), epochs), np.nan)
    for row, record in zip(loss, records, strict=True):
        curve = [np.nan if value is None else value for value in record.train_loss]
        row[: len(curve)] = curve
    return Entry(
        protocol=first.protocol,
        version=first.protocol_version,
        dataset=first.dataset,
        fingerprint=first.fingerprint,
        network=first.network,
        optimizer=first.optimizer,
        hyperparameters=dict(first.hyperparameters),
        changed=dict(first.changed),
        conditions={
            name: str(_part(first, name))
            for name in _CONDITIONS
            if _part(first, name) != _PARTS[name]
        },
        train=interval(train.values()),
        test=interval(test.values()) if test else None,
        loss=loss,
        update_rms=float(np.mean(steps)) if steps else None,
        seconds=tuple(r.seconds for r in records),
        compile_seconds=max(r.compile_seconds for r in records),
        diverged=sum(r.status != "ok" for r in records),
        by_seed=train,
        test_by_seed=test,
        records=records,
    )


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
