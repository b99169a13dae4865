"""Means with their uncertainty, and records summed up cell by cell (all pure functions)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from experiments.records import Record

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and its two-sided 95 % t interval; ``half`` is None where n is 1.

    Attributes:
        mean: arithmetic mean.
        half: half the width of the interval for the mean, t(n-1) · std / √n.
        std: standard deviation of the sample (n - 1), None where n is 1.
        n: number of values.
    """

    mean: float
    half: float | None
    std: float | None
    n: int

    @property
    def single(self) -> float | None:
        """Half the width of the interval for one more single run, t(n-1) · std · √(1 + 1/n)."""
        return None if self.half is None else self.half * math.sqrt(self.n + 1)

    def excludes(self, value: float) -> bool:
        """Whether ``value`` lies outside the interval for the mean."""
        return self.half is not None and abs(value - self.mean) > self.half + 1e-9

    def excludes_run(self, value: float) -> bool:
        """Whether ``value``, being one run, lies outside the interval for a single run."""
        return self.single is not None and abs(value - self.mean) > self.single + 1e-9


def interval(values: Iterable[float]) -> Interval:
    """Mean and 95 % t interval of independent values.

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
    n, mean = array.size, float(array.mean())
    if n == 1:
        return Interval(mean, None, None, 1)
    std = float(array.std(ddof=1))
    return Interval(mean, float(stats.t.ppf(0.5 + LEVEL / 2, n - 1)) * std / math.sqrt(n), std, n)


@dataclass(frozen=True, eq=False)
class Entry:
    """All runs that differ in the seed alone.

    Accuracies are in per cent. A diverged run counts with the accuracy it was measured
    at, or with 0 where none could be.
    """

    protocol: str
    version: int
    dataset: str
    fingerprint: str
    optimizer: str
    hyperparameters: dict[str, float]
    changed: dict[str, float]
    train: Interval
    test: Interval | None
    loss: np.ndarray
    update_rms: float | None
    seconds: tuple[float, ...]
    compile_seconds: float
    diverged: int
    by_seed: dict[int, float]
    records: list[Record] = field(repr=False)

    @property
    def row(self) -> tuple[str, tuple[tuple[str, float], ...]]:
        """What makes a row of a table: the optimizer and every hyperparameter."""
        return self.optimizer, tuple(sorted(self.hyperparameters.items()))

    @property
    def label(self) -> str:
        """The optimizer as given, with what was changed of the protocol's settings."""
        changed = ", ".join(f"{name} {value:g}" for name, value in sorted(self.changed.items()))
        return f"{self.optimizer} ({changed})" if changed else self.optimizer


def _percent(record: Record) -> float:
    accuracy = record["train_accuracy"]
    return 0.0 if accuracy is None else 100.0 * accuracy


def entry(records: Sequence[Record]) -> Entry:
    """Sums up records that differ in the seed alone."""
    records = sorted(records, key=lambda record: record["seed"])
    first = records[0]
    tests = [100.0 * r["test_accuracy"] for r in records if r["test_accuracy"] is not None]
    steps = [r["update_rms"] for r in records if r["update_rms"] is not None]
    epochs = max(len(r["train_loss"]) for r in records)
    loss = np.full((len(records), epochs), np.nan)
    for row, record in zip(loss, records, strict=True):
        curve = [np.nan if value is None else value for value in record["train_loss"]]
        row[: len(curve)] = curve
    return Entry(
        protocol=first["protocol"],
        version=first["protocol_version"],
        dataset=first["dataset"],
        fingerprint=first["fingerprint"],
        optimizer=first["optimizer"],
        hyperparameters=dict(first["hyperparameters"]),
        changed=dict(first.get("changed") or {}),
        train=interval(_percent(r) for r in records),
        test=interval(tests) if tests else None,
        loss=loss,
        update_rms=float(np.mean(steps)) if steps else None,
        seconds=tuple(r["seconds"] for r in records),
        compile_seconds=max(r["compile_seconds"] for r in records),
        diverged=sum(r["status"] != "ok" for r in records),
        by_seed={r["seed"]: _percent(r) for r in records},
        records=records,
    )


def entries(records: Iterable[Record]) -> list[Entry]:
    """Groups records by everything but the seed and sums each group up, in a stable order."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        hyperparameters = json.dumps(record["hyperparameters"], sort_keys=True)
        groups.setdefault(
            (
                record["protocol"],
                record["protocol_version"],
                record["dataset"],
                record["fingerprint"],
                record["optimizer"],
                hyperparameters,
            ),
            [],
        ).append(record)
    return [entry(groups[key]) for key in sorted(groups)]


def mean_gain(pairs: Sequence[tuple[Entry, Entry]]) -> Interval:
    """Mean over data sets of accuracy minus the baseline's, in points, with its interval.

    Seeds share initialisation and data order, so each seed gives one difference, averaged
    over the data sets; the interval is over the seeds that every entry has.

    Args:
        pairs: for each data set the entry and the baseline's entry.
    """
    common = set.intersection(*(set(e.by_seed) for pair in pairs for e in pair))
    if not common:
        mean = float(np.mean([x.train.mean - base.train.mean for x, base in pairs]))
        return Interval(mean, None, None, 0)
    return interval(
        float(np.mean([x.by_seed[seed] - base.by_seed[seed] for x, base in pairs]))
        for seed in sorted(common)
    )
