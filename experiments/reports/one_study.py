"""Records of one study alone: those of other grids, data or code stand in no table beside them."""

from __future__ import annotations

import functools
import importlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from experiments import optimizers, protocols
from experiments.analysis.summaries import Entry
from experiments.records import Record
from experiments.reports.labels import dataset_title, optimizer_title
from experiments.reports.section import Figure, opening, slug


@dataclass(frozen=True)
class StudyRecords:
    """The records that a study's section is made from.

    Attributes:
        records: those that stand together, at least one.
        excluded: what was left out, in words.
        budget: of the study.
        title: of its section.
        slug: the same, fit for file names.
    """

    records: list[Record]
    excluded: list[str]
    budget: str
    title: str
    slug: str

    @property
    def opening(self) -> str:
        """What verdicts and captions begin with where they are no answer."""
        return opening(self.budget)

    def marked(self, figures: Iterable[Figure]) -> tuple[Figure, ...]:
        """The figures, their captions opened."""
        return tuple(replace(one, caption=self.opening + one.caption) for one in figures)


def study_of(entries: Iterable[Entry], budgets: Collection[str]) -> StudyRecords:
    """The records of one study among entries of one protocol and version.

    Args:
        entries: of one protocol and version.
        budgets: those that this version knows.

    Raises:
        ValueError: the records are of another budget.
    """
    found, excluded = of_one_study([*chain.from_iterable(entry.records for entry in entries)])
    first = found[0]
    budget = first.budget or "full"
    if budget not in budgets:
        raise ValueError(
            f"there are records of {first.protocol} with the budget {budget!r}, which this version "
            f"does not know (it has {', '.join(budgets)}): use the version that made them"
        )
    return StudyRecords(
        found,
        excluded,
        budget,
        title=f"Protocol {first.protocol}, version {first.protocol_version}",
        slug=slug(f"{first.protocol} v{first.protocol_version}"),
    )


def of_one_study(records: Sequence[Record]) -> tuple[list[Record], list[str]]:
    """For each optimizer and data set the records of one grid, and what is left out.

    Of images, and of a user's file, that were changed under one name the last that was run stands,
    whichever of them the file now is.

    A grid that was changed has another hash: its runs are not comparable with those before, nor
    with other optimizers' after it. So where some records are of the grids of this version, an
    optimizer of the benchmark's own stands with such alone. Of a user's optimizer, whose search
    space is not known here, and of a study made with older grids, the newest hash stands.
    """
    found, excluded = [*records], []
    for name, version, left_out in _CHANGEABLE:
        newest = {name(one): version(one) for one in sorted(found, key=lambda r: r.finished or "")}
        older = Counter(name(one) for one in found if version(one) != newest[name(one)])
        found = [one for one in found if version(one) == newest[name(one)]]
        excluded += [
            f"left out: {count} record(s) {left_out(key)}; to report these, move the newer ones' "
            "records elsewhere"
            for key, count in older.items()
        ]
    kept, others = _of_one_grid(found)
    return kept, [*excluded, *others]


class _Changeable(NamedTuple):
    """What may be changed under one name."""

    name: Callable[[Record], str]
    version: Callable[[Record], str | None]
    left_out: Callable[[str], str]


_CHANGEABLE = (
    _Changeable(
        lambda one: one.dataset,
        lambda one: one.fingerprint,
        lambda name: f"of other images that were {dataset_title(name)} before",
    ),
    _Changeable(
        lambda one: one.optimizer,
        lambda one: one.optimizer_source,
        lambda name: f"of {optimizer_title(name)} before its file was changed",
    ),
    _Changeable(
        lambda one: one.network,
        lambda one: one.network_source,
        lambda name: f"of the network {name} before its file was changed",
    ),
)


def _of_one_grid(records: Sequence[Record]) -> tuple[list[Record], list[str]]:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for one in records:
        key = (one.optimizer, one.dataset)
        counts.setdefault(key, Counter())[str(one.protocol_hash)] += 1
    by_age = sorted(records, key=lambda one: one.finished or "")
    newest = {(one.optimizer, one.dataset): str(one.protocol_hash) for one in by_age}
    first = next(iter(records), None)
    study = (protocols.base_name(first.protocol), first.budget or "full") if first else ("", "")
    todays = {key: _hash_of_this_version(*study, *key) for key in counts}
    current = any(todays[key] in count for key, count in counts.items())
    kept = {key: (todays[key] if current else None) or newest[key] for key in counts}
    found: list[Record] = []
    others: dict[tuple[str, str], list[Record]] = {}
    for one in records:
        key = (one.optimizer, one.dataset)
        (found if str(one.protocol_hash) == kept[key] else others.setdefault(key, [])).append(one)
    return found, [_left_out(*key, some) for key, some in others.items()]


def _left_out(optimizer: str, dataset: str, records: Sequence[Record]) -> str:
    """Says that a grid was changed, and what its earlier state saw of the test images."""
    name, data = optimizer_title(optimizer), dataset_title(dataset)
    said = (
        f"left out: {len(records)} record(s) of {name} on {data} that were made with other grids "
        "or another search space"
    )
    if judged := sum(one.test_accuracy is not None for one in records):
        said += f"; {judged} of them read the test images, which so have judged another {name}"
    return said


@functools.cache  # a hash costs milliseconds, and the findings ask for hundreds again
def _hash_of_this_version(protocol: str, budget: str, optimizer: str, dataset: str) -> str | None:
    """What this version names an optimizer's runs on a data set by; None where it cannot tell."""
    if protocol not in protocols.STUDIES or optimizer.partition(":")[0] not in optimizers.NAMES:
        return None
    module = importlib.import_module(f"experiments.protocols.{protocol}")
    try:
        known = {optimizer: optimizers.resolve(optimizer)}
        study = module.study([dataset.partition(" (")[0]], known, budget=budget)
    except ValueError:  # a setting, data set or budget that this version does not know
        return None
    cells = study.plan(lambda cell: None).cells
    return next((cell.protocol.hash for cell in cells if cell.task.title == dataset), None)
