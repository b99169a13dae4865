"""What is known while a study runs: records by cell, data, optimizers, networks, failures."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import jax

from experiments import datasets, networks, optimizers, records, task_data, training
from experiments.protocols import Cell, Find, Study, Task
from experiments.records import DataFacts, Record, environment
from experiments.records.judged_versions import JudgedVersions
from experiments.records.record import Fields


@dataclass(frozen=True)
class Paths:
    """Where data lie and records go.

    Attributes:
        out: the folder of the records.
        data_dir: prepared data; None is the default place.
        manual_dir: files fetched by hand.
    """

    out: Path
    data_dir: str | None = None
    manual_dir: str | None = None


class Work:
    """Everything of a study that is read once.

    Args:
        study: what is run.
        paths: where data lie and records go.
        stream: where notices go.
        read_test_again: whether test images may be read that an earlier version of the same
            optimizer or network was judged by.
    """

    def __init__(
        self, study: Study, paths: Paths, stream: TextIO, read_test_again: bool = False
    ) -> None:
        self.stream, self.paths, self.read_test_again = stream, paths, read_test_again
        self.optimizers = {name: optimizers.resolve(name) for name in study.optimizers}
        names = dict.fromkeys(task.network for task in study.tasks)
        self.networks = {name: networks.resolve(name) for name in names}
        self._scheduled = study.scheduled
        reading = records.read(paths.out, missing_ok=True)
        notices = [
            *reading.notices,
            *_other_sources(reading.records, "optimizer", self.optimizers),
            *_other_sources(reading.records, "network", self.networks),
        ]
        for notice in notices:
            stream.write(f"notice: {notice}\n")
        self.origin = environment.describe()
        self.programs: training.Programs = {}
        self._by_identity = {record.identity: record for record in reading.records}
        self._judged = JudgedVersions(reading.records)
        self._beside: dict[tuple[str, str], dict[str, object]] = {}
        for record in reading.records:
            read_test = record.test_accuracy is not None or not record.phase
            known = self._beside.setdefault((record.dataset, record.fingerprint), {})
            known.update(_beside_training(record.data, read_test))
        self._identities: dict[Cell, str] = {}
        self._excluded: dict[object, str] = {}
        self._facts: dict[Task, DataFacts | None] = {}
        self._tried: set[tuple[str, int, int]] = set()
        places = {"data_dir": paths.data_dir, "manual_dir": paths.manual_dir}
        self._load = functools.lru_cache(maxsize=2)(functools.partial(task_data.load, **places))
        self.find: Find = self._find

    def _find(self, cell: Cell) -> Record | None:
        if cell not in self._identities:
            facts = self._facts_of(cell.task)
            if facts is None:
                return None
            self._identities[cell] = records.identity(self.fields(cell, facts))
        return self._by_identity.get(self._identities[cell])

    def _facts_of(self, task: Task) -> DataFacts | None:
        """The facts of a task's data; None, and the task is excluded, where there are none."""
        if task not in self._facts:
            self._facts[task] = None
            # Who only asks what was run must not read test images.
            with_test = task.parts == "published"
            try:
                data, facts = self._load(task, with_test)
                self._check_beside(task, facts, with_test)
            except datasets.DatasetError as error:
                self.exclude(task, str(error))
            else:
                self._facts[task] = facts
                self._try_out(task, data.train_images.shape[-1], data.num_classes)
        return self._facts[task]

    def _try_out(self, task: Task, channels: int, classes: int) -> None:
        """Traces what users wrote, which may fail in any way: the network, and optimizers on it."""
        own = [one for one in self.optimizers.values() if one.source is not None]
        network = self.networks[task.network]
        tried = (task.network, channels, classes) in self._tried
        if tried or not (own or network.source):
            return
        try:
            network.check(channels, classes)
        except ValueError as error:
            self.exclude(task, str(error))
            return
        self._tried.add((task.network, channels, classes))
        params = jax.eval_shape(lambda: network.init(jax.random.key(0), channels, classes))
        for optimizer in own:
            optimizer.check(params, scheduled=self._scheduled)

    def load(self, cell: Cell) -> tuple[training.Data, DataFacts]:
        """The arrays that a cell may see, and the facts to record.

        Raises:
            DatasetError: the data cannot be read, or are others than when the study began.
        """
        data, facts = self._load(cell.task, cell.reads_test)
        before = self._facts_of(cell.task)
        if before and facts.fingerprint != before.fingerprint:
            raise datasets.DatasetError(
                f"{cell.task.dataset} has changed while the study ran: its runs so far stay, and "
                "the same command again makes those of the new file"
            )
        self._check_beside(cell.task, facts, cell.reads_test)
        return data, facts

    def _check_beside(self, task: Task, facts: DataFacts, reads_test: bool) -> None:
        """Refuses data that would stand under the identity of others; see `_beside_training`."""
        known = self._beside.setdefault((task.title, str(facts.fingerprint)), {})
        for what, found in _beside_training(facts, reads_test).items():
            if (before := known.setdefault(what, found)) != found:
                raise datasets.DatasetError(
                    f"the {what} of {task.title} ({_short(found)}) are others than those of the "
                    f"runs in {self.paths.out} ({_short(before)}), though its training images are "
                    "the same: give another --out"
                )

    def fields(self, cell: Cell, facts: DataFacts) -> Fields:
        """What a record says of a cell before it is run."""
        optimizer = self.optimizers[cell.learner.optimizer]
        network = self.networks[cell.task.network]
        fields = cell.fields(str(facts.fingerprint), optimizer.hyperparameters, optimizer.defaults)
        readings = None
        if cell.phase:
            sources = optimizer.source, network.source
            readings = self._judged.with_run(fields, sources) if cell.reads_test else 0
        return fields | {
            "overrides": optimizer.overrides,
            "note": optimizer.note,
            "optimizer_source": optimizer.source,
            "network_source": network.source,
            "test_readings": readings,
            "data": facts,
        }

    def add(self, record: Record) -> None:
        """A record that was made now."""
        self._by_identity[record.identity] = record

    def exclude(self, what: Task | tuple[object, ...], reason: str) -> None:
        """Runs nothing more of a task, or of a `Cell.program`."""
        self._excluded[what] = reason

    def excluded(self, tasks: Iterable[Task]) -> list[str]:
        """Why tasks are not learnt, of those that are not: they may have no cell that says it."""
        return [self._excluded[task] for task in tasks if task in self._excluded]

    def why_excluded(self, cell: Cell) -> str | None:
        """Why a cell is not run, where it is not."""
        reason = self._excluded.get(cell.task) or self._excluded.get(cell.program)
        return reason or self._judged_before(cell)

    def _judged_before(self, cell: Cell) -> str | None:
        """Why test images may not be read again, unless the user allows it."""
        facts = self._facts_of(cell.task)
        if self.read_test_again or facts is None:
            return None
        if (self.fields(cell, facts)["test_readings"] or 0) <= 1:
            return None
        return (
            f"the test images of {cell.task.title} have judged another version of "
            f"{cell.learner.optimizer} or {cell.task.network} (its file, or the grid of its "
            "search), and who chooses a version by them flatters it; --read-test-again reads them "
            "once more, and the records say so"
        )


def _beside_training(facts: DataFacts, reads_test: bool) -> dict[str, object]:
    """What a run has of its data beside the images and labels trained on.

    Their fingerprint alone is part of a record's identity, so nothing else may differ under it.
    """
    found: dict[str, object] = {
        "classes": facts.classes,
        "validation images": facts.validation_fingerprint,
    }
    known = {what: value for what, value in found.items() if value is not None}
    return known | ({"test images": facts.test_fingerprint} if reads_test else {})


def _short(found: object) -> str:
    return "none" if found is None else str(found)[:8]


def _other_sources(
    found: Sequence[Record],
    kind: str,
    resolved: Mapping[str, optimizers.Optimizer] | Mapping[str, networks.Network],
) -> list[str]:
    """Says which records do not count since a user's file has changed.

    Args:
        found: all there are.
        kind: "optimizer" or "network", as records call what the file holds.
        resolved: those of the study, by name.
    """
    notices = []
    for name, now in resolved.items():
        sources = [getattr(one, f"{kind}_source") for one in found if getattr(one, kind) == name]
        others = [source for source in sources if source != now.source]
        if others:
            title = name if kind == "optimizer" else f"the network {name}"
            notices.append(
                f"{len(others)} record(s) of {title} were made by another version of its file "
                f"(sha256 {', '.join(sorted({*map(str, others)}))}, now {now.source}); they stay, "
                "and its runs are made anew"
            )
    return notices
