"""Runs what is missing of a grid and writes it down, run by run."""

from __future__ import annotations

import datetime
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

import jax
import numpy as np

from experiments import datasets, environment, optimizers, records, training
from experiments.protocols import Cell


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


class Progress:
    """Done, left and the time to come: one line kept up to date on a terminal.

    Elsewhere (a log file) a line is printed at most every ``every`` seconds.

    Args:
        total: cells to make.
        stream: where to write.
        every: seconds between lines where the stream is no terminal.
        clock: gives seconds; a test's own.
    """

    def __init__(
        self,
        total: int,
        stream: TextIO,
        every: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total, self._stream, self._every, self._clock = total, stream, every, clock
        self._done = self._present = self._skipped = self._width = 0
        self._start = clock()
        self._last = -float("inf")

    def show(self, doing: str, *, done: int = 0, present: int = 0, skipped: int = 0) -> None:
        """Counts cells made, found or given up, and says what is being done."""
        self._done += done
        self._present += present
        self._skipped += skipped
        left = self._total - self._done - self._present - self._skipped
        text = f"{self._done + self._present} of {self._total} runs done, {left} left"
        if self._done and left:
            text += f", about {duration((self._clock() - self._start) / self._done * left)} to come"
        text += f" | {doing}"
        if self._stream.isatty():
            text = text[: shutil.get_terminal_size().columns - 1]
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        elif left == 0 or self._clock() - self._last >= self._every:
            self._last = self._clock()
            self._stream.write(text + "\n")
        self._stream.flush()

    def say(self, text: str) -> None:
        """A line of its own, the progress line left intact."""
        self.end()
        self._stream.write(text + "\n")
        self._stream.flush()

    def end(self) -> None:
        """Ends the progress line, if one is on a terminal."""
        if self._width:
            self._stream.write("\n")
            self._width = 0


def duration(seconds: float) -> str:
    """Seconds for people.

    Example:
        >>> duration(7.2), duration(190), duration(7320)
        ('7 s', '3 min 10 s', '2 h 2 min')
    """
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


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
        command: what the records say they were made by.
        stream: where progress goes; standard error by default.

    Raises:
        ValueError: an optimizer or data set of that name does not exist.
        records.RecordError: the records cannot be read or written.
    """
    to: TextIO = sys.stderr if stream is None else stream
    resolved = {
        name: optimizers.resolve(name) for name in dict.fromkeys(c.optimizer for c in cells)
    }
    for dataset in dict.fromkeys(c.dataset for c in cells):
        _splits(dataset)  # an unknown name is the caller's mistake: say so before training
    reading = records.read(places.out, missing_ok=True)
    for notice in reading.notices:
        to.write(f"notice: {notice}\n")
    present = {records.identity(record) for record in reading.records}
    origin = environment.describe() | {"command": command}
    summary, progress = Summary(), Progress(len(cells), to)
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
                _make(todo, resolved[name].build, data, origin, writer, progress, summary)
    progress.end()
    return summary


def _make(
    todo: list[dict[str, Any]],
    build: Any,
    data: training.Data,
    origin: Mapping[str, Any],
    writer: records.Writer,
    progress: Progress,
    summary: Summary,
) -> None:
    """Trains the cells of one (data set, optimizer) group through one compilation."""
    if not todo:
        return
    what = f"{todo[0]['optimizer']} on {todo[0]['dataset']}"
    progress.show(f"{what}: compiling")
    settings = todo[0]["settings"]
    config = training.Config(epochs=settings["epochs"], batch_size=settings["batch_size"])
    runs = [training.Run(fields["hyperparameters"], fields["seed"]) for fields in todo]
    outcomes = training.run_many(build, runs, data, config)
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
