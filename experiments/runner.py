"""Runs what a study still wants and writes it down, run by run."""

from __future__ import annotations

import datetime
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TextIO

import jax

from experiments import datasets, records, training
from experiments.analysis.health import health
from experiments.progress import Progress
from experiments.protocols import Cell, Study, Task
from experiments.records import Record
from experiments.user_code import reason_and_place
from experiments.work import Paths, Work


@dataclass(frozen=True)
class Placement:
    """How runs are laid out on the devices; see `training.run_many`.

    Attributes:
        together: runs that a device trains together.
        devices: local devices to use.
        devices_per_run: devices that train each run together, a part of every batch each.
    """

    together: int | None = None
    devices: int | None = None
    devices_per_run: int | None = None


@dataclass
class Summary:
    """What a call of `run` did.

    Attributes:
        present: cells that had a record before.
        made: cells made now.
        diverged: those of them that diverged.
        failures: reason to the number of cells not run.
        waiting: for what results of other shards the rest waits.
    """

    present: int = 0
    made: int = 0
    diverged: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    waiting: Sequence[str] = ()


def default_shard() -> tuple[int, int]:
    """This process's (index, count) where jax.distributed is set up, else (0, 1)."""
    return (
        (jax.process_index(), jax.process_count()) if jax.distributed.is_initialized() else (0, 1)
    )


def run(
    study: Study,
    paths: Paths,
    *,
    shard: tuple[int, int] = (0, 1),
    placement: Placement = Placement(),
    command: str = "",
    read_test_again: bool = False,
    stream: TextIO | None = None,
) -> Summary:
    """Makes every cell that ``paths.out`` has no record of, each written as it finishes.

    A data set that cannot be obtained, a network that does not fit it and an optimizer that fails
    in training are skipped, with the reason in the summary; everything else goes on.

    Args:
        study: says what comes next, all shards of it.
        paths: where data lie and records go.
        shard: (index, count), the part of the study to run.
        placement: how runs are laid out on the devices.
        command: what the records say they were made by.
        read_test_again: whether test images that judged another version of an optimizer or
            network, its file or its grid, may judge this one, too.
        stream: where progress goes; standard error by default.

    Raises:
        ValueError: there is no optimizer, network or data set of that name, a user's optimizer
            cannot be traced, the placement does not fit this machine, or the records' folder is
            none.
        records.RecordError: the records cannot be read or written.
    """
    mine = study.share(*shard)
    training.device_mesh(1, **asdict(placement))  # one that does not fit this machine fails now
    to = sys.stderr if stream is None else stream
    work = Work(study, paths, to, read_test_again)
    # Results of other shards that are there already count; those to come are read another time.
    plan = mine.plan(work.find)
    summary = Summary(present=plan.done)
    progress = Progress(plan.left + plan.done, to)
    progress.show("starting", present=plan.done)
    for reason, number in Counter(filter(None, map(work.why_excluded, plan.cells))).items():
        progress.say(f"skipped {number} run(s): {reason}")
        progress.show("going on", skipped=number)
    with records.Writer(paths.out, shard) as writer:
        while todo := [cell for cell in plan.cells if not work.why_excluded(cell)]:
            given_up = len(plan.cells) - len(todo)
            # The stages behind those that are due will have runs like these; longer ones in a
            # regime that waits for another, of which this knows nothing.
            progress.expect_work(sum(map(_work, todo)) / len(todo) * (plan.left - given_up))
            group = [cell for cell in todo if cell.program == todo[0].program]
            _make(group, work, placement, command, writer, progress, summary)
            plan = mine.plan(work.find)
    progress.end()
    summary.failures = dict(Counter(filter(None, map(work.why_excluded, plan.cells))))
    for reason in work.excluded(mine.tasks):  # all of whose cells may wait for others
        summary.failures.setdefault(reason, plan.left)
    summary.waiting = plan.waiting
    return summary


def _make(
    cells: Sequence[Cell],
    work: Work,
    placement: Placement,
    command: str,
    writer: records.Writer,
    progress: Progress,
    summary: Summary,
) -> None:
    """Trains cells of one compiled program."""
    first = cells[0]
    what = f"{first.learner.optimizer} on {first.task.title}"
    what += f", regime {first.regime.name}: {first.phase}" if first.regime.name else ""
    progress.show(f"{what}: starting")

    def skip(of: Task | tuple[object, ...], reason: str) -> None:
        work.exclude(of, reason)
        progress.say(f"skipped {len(cells) - made} run(s): {reason}")
        progress.show("going on", skipped=len(cells) - made)

    made = 0
    try:
        data, facts = work.load(first)
    except datasets.DatasetError as error:
        skip(first.task, str(error))
        return
    together, mesh = training.device_mesh(len(cells), **asdict(placement))
    laid_out = {"devices": mesh.size, "devices_per_run": mesh.shape["data"], "together": together}
    fields = [work.fields(cell, facts) for cell in cells]
    outcomes = training.run_many(
        work.optimizers[first.learner.optimizer].build,
        [
            training.Run(each["hyperparameters"], cell.seed, cell.learner.schedule)
            for cell, each in zip(cells, fields, strict=True)
        ],
        data,
        _config(first, len(data.train_labels)),
        network=work.networks[first.task.network],
        programs=work.programs,
        **asdict(placement),
    )
    while made < len(cells):
        try:
            outcome = next(outcomes)
        except Exception as error:
            skip(first.program, f"{what}: {reason_and_place(error)}")
            return
        record = Record(
            **fields[made],
            **asdict(outcome),
            **work.origin,
            health=health(outcome.train_accuracy, outcome.train_loss, facts),
            layout=laid_out,
            command=command,
            finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )
        writer.append(record)
        work.add(record)
        made += 1
        summary.made += 1
        summary.diverged += outcome.status != "ok"
        progress.show(what, done=1, work=_work(cells[0]))


def _work(cell: Cell) -> float:
    """What a run's time is made of, about, in thousands of images.

    A step costs as much as some ten images beside those of its batch: `results/speed.md` has 8,192
    images in batches of 64 take 0.9 s longer than in batches of 1,024, at 0.6 ms an image.
    """
    epochs, steps, size = cell.regime.epochs, cell.regime.steps, cell.regime.batch_size
    images = epochs * cell.task.limit if epochs else (steps or 1) * size
    return images * (1 + 10 / size) / 1000


def _config(cell: Cell, examples: int) -> training.Config:
    regime = cell.regime
    return training.Config(
        batch_size=min(regime.batch_size, examples // 2) if regime.half else regime.batch_size,
        epochs=regime.epochs or 1,  # where steps say it, nothing asks for epochs
        steps=regime.steps,
        scheduled=regime.scheduled,
        readings=regime.readings,
        telemetry=regime.telemetry,
    )
