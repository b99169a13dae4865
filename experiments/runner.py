"""Runs what is missing of a grid and writes it down, run by run."""

from __future__ import annotations

import datetime
import functools
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

import jax
import numpy as np

from experiments import datasets, networks, optimizers, records, training
from experiments.progress import Progress
from experiments.protocols import Cell
from experiments.records import environment


@dataclass(frozen=True)
class Places:
    """Where data lie and records go.

    Attributes:
        out: the folder of the records.
        data_dir: prepared data; None is the default place.
        manual_dir: files fetched by hand.
    """

    out: Path
    data_dir: str | None = None
    manual_dir: str | None = None


@dataclass
class Summary:
    """What a run came to: cells there before, made now and diverged of these, and failures."""

    present: int = 0
    made: int = 0
    diverged: int = 0
    failures: dict[str, int] = field(default_factory=dict)


def default_shard() -> tuple[int, int]:
    """This process's (index, count) where jax.distributed is set up, else (0, 1)."""
    return (
        (jax.process_index(), jax.process_count()) if jax.distributed.is_initialized() else (0, 1)
    )


def run(
    cells: Sequence[Cell],
    places: Places,
    *,
    shard: tuple[int, int] = (0, 1),
    batch: int | None = None,
    devices: int | None = None,
    split: int | None = None,
    command: str = "",
    stream: TextIO | None = None,
) -> Summary:
    """Makes every cell that ``places.out`` has no record of, each written as it finishes.

    A data set that cannot be had and an optimizer that fails are skipped, with the reason
    in the summary; everything else goes on.

    Args:
        cells: this shard's part of the grid.
        places: where data lie and records go.
        shard: (index, count), part of the records file's name.
        batch: runs that a device trains together; see `training.run_many`.
        devices: local devices to use, likewise.
        split: devices that train each run together, likewise.
        command: what the records say they were made by.
        stream: where progress goes; standard error by default.

    Raises:
        ValueError: there is no optimizer or data set of that name, ``batch`` is below 1,
            ``devices`` more than there are, or ``split`` does not divide them.
        records.RecordError: the records cannot be read or written.
    """
    to: TextIO = sys.stderr if stream is None else stream
    # Settings that do not fit this machine are told at once.
    together, mesh = training.layout(max(1, len(cells)), batch, devices, split)
    layout = {"devices": mesh.size, "split": mesh.shape["parts"], "together": together}
    resolved = {
        name: optimizers.resolve(name) for name in dict.fromkeys(c.optimizer for c in cells)
    }
    for dataset in dict.fromkeys(c.dataset for c in cells):
        _splits(dataset)  # an unknown name is the caller's mistake: say so before training
    reading = records.read(places.out, missing_ok=True)
    for notice in reading.notices:
        to.write(f"notice: {notice}\n")
    present = {records.identity(record) for record in reading.records}
    origin = environment.describe() | {"command": command, "layout": layout}
    summary, progress = Summary(), Progress(len(cells), to)
    programs: dict[Any, Any] = {}
    how = {"batch": batch, "devices": devices, "split": split}
    network = networks.resolve("convnet")
    train = functools.partial(training.run_many, **how, network=network, programs=programs)
    with records.Writer(places.out, shard) as writer:
        for dataset in dict.fromkeys(c.dataset for c in cells):
            mine = [cell for cell in cells if cell.dataset == dataset]
            progress.show(f"reading {dataset}")
            try:
                data, facts = _load(dataset, mine[0].protocol.limit, places)
            except datasets.DatasetError as error:
                _skip(progress, summary, len(mine), str(error))
                continue
            for name in dict.fromkeys(c.optimizer for c in mine):
                todo = []
                for cell in (c for c in mine if c.optimizer == name):
                    fields = cell.fields(facts["fingerprint"], resolved[name].hyperparameters)
                    if records.identity(fields) in present:
                        summary.present += 1
                        progress.show(f"{name} on {dataset} is there", present=1)
                    else:
                        what = {key: getattr(resolved[name], key) for key in ("overrides", "note")}
                        what["optimizer_source"] = resolved[name].source
                        todo.append(fields | what | {"data": facts})
                train_group = functools.partial(train, resolved[name].build)
                _make(todo, train_group, data, origin, writer, progress, summary)
    progress.end()
    return summary


def _make(
    todo: list[dict[str, Any]],
    train: Callable[..., Iterator[training.Outcome]],
    data: training.Data,
    origin: Mapping[str, Any],
    writer: records.Writer,
    progress: Progress,
    summary: Summary,
) -> None:
    """Trains the cells of one (data set, optimizer) group through one compiled program."""
    if not todo:
        return
    what = f"{todo[0]['optimizer']} on {todo[0]['dataset']}"
    progress.show(f"{what}: starting")
    settings = todo[0]["settings"]
    config = training.Config(epochs=settings["epochs"], batch_size=settings["batch_size"])
    runs = [training.Run(fields["hyperparameters"], fields["seed"]) for fields in todo]
    outcomes = train(runs, data, config)
    made = 0
    while made < len(todo):
        try:
            outcome = next(outcomes)
        except Exception as error:
            _skip(progress, summary, len(todo) - made, f"{what}: {_reason(error)}")
            return
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        writer.append(todo[made] | asdict(outcome) | dict(origin) | {"finished": now})
        made += 1
        summary.made += 1
        summary.diverged += outcome.status != "ok"
        progress.show(what, done=1)


def _reason(error: Exception) -> str:
    """One line on an exception, with the place it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    text = str(error).strip().split("\n")[0] or "no message"
    return f"{type(error).__name__}: {text}{place}"


def _skip(progress: Progress, summary: Summary, count: int, reason: str) -> None:
    summary.failures[reason] = summary.failures.get(reason, 0) + count
    progress.say(f"skipped {count} run(s): {reason}")
    progress.show("going on", skipped=count)


def _splits(dataset: str) -> tuple[str, ...]:
    try:
        return datasets.splits(dataset)
    except datasets.DatasetError:
        return ()  # its file is absent or unfit: told when it is to be read


def _load(dataset: str, limit: int, places: Places) -> tuple[training.Data, dict[str, Any]]:
    """The arrays to train on, the whole test set where there is one, and the facts to record."""

    def load(split: str, limit: int | None) -> datasets.Dataset:
        return datasets.load(
            dataset, split, limit=limit, data_dir=places.data_dir, manual_dir=places.manual_dir
        )

    train = load("train", limit)
    test = load("test", None) if "test" in datasets.splits(dataset) else None
    data = training.Data(
        train_images=train.images,
        train_labels=train.labels,
        test_images=None if test is None else test.images,
        test_labels=None if test is None else test.labels,
        num_classes=train.num_classes,
    )
    facts = {
        "fingerprint": train.fingerprint,
        "test_fingerprint": None if test is None else test.fingerprint,
        "examples": len(train.labels),
        "test_examples": None if test is None else len(test.labels),
        "shape": list(train.images.shape[1:]),
        "classes": train.num_classes,
        "classes_present": len(np.unique(train.labels)),
        "licence": train.licence,
        "source": train.source,
    }
    return data, facts
