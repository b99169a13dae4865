"""The command line: ``python -m experiments run | report | list | prepare``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

EXIT_INTERRUPTED, EXIT_INCOMPLETE, EXIT_USAGE = 130, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    from experiments.training import cores

    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(given)
    cores.show()
    try:
        return options.command(options)
    except KeyboardInterrupt:
        print("\ninterrupted; what was finished is kept. The same command goes on from there:")
        print(f"  python -m experiments {shlex.join(given)}")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_INCOMPLETE
    except (ValueError, RuntimeError) as error:
        from experiments.datasets import DatasetError
        from experiments.records import RecordError

        if isinstance(error, ValueError | DatasetError | RecordError):
            print(f"error: {error}", file=sys.stderr)
            return EXIT_USAGE
        raise


def parser() -> argparse.ArgumentParser:
    """The options of every command."""
    top = argparse.ArgumentParser(
        prog="python -m experiments",
        description="Train the benchmark's grid, and report what its records say.",
    )
    commands = top.add_subparsers(required=True, metavar="run | report | list | prepare | train")

    run = commands.add_parser(
        "run", allow_abbrev=False, help="train what is missing of a grid, one record a run"
    )
    run.set_defaults(command=_run)
    run.add_argument(
        "--protocol",
        default="paper",
        metavar="NAME",
        help="paper (the published protocol, with seeds; the only one so far)",
    )
    run.add_argument(
        "--datasets",
        nargs="+",
        required=True,
        metavar="NAME",
        help="names (see list), or .npz files",
    )
    run.add_argument(
        "--optimizers",
        nargs="+",
        default=[],
        metavar="NAME",
        help="names (see list), variants (thermolion:boost=0), or your own "
        "(package.module:function); default: the paper's nine",
    )
    run.add_argument(
        "--seeds", type=int, default=5, metavar="N", help="runs of each, seeds 0 to N-1 (default 5)"
    )
    run.add_argument(
        "--learning-rates",
        nargs="+",
        type=float,
        default=[],
        metavar="RATE",
        help="a sweep; default: each optimizer's own of the protocol",
    )
    run.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder of the records")
    run.add_argument(
        "--shard", metavar="I/N", help="run part I of N of the grid only, I from 0 (0/4 … 3/4)"
    )
    run.add_argument(
        "--distributed",
        action="store_true",
        help="divide the grid among the processes of a cluster (jax.distributed.initialize)",
    )
    run.add_argument(
        "--together", type=int, metavar="N", help="runs that a device trains at once (default 1)"
    )
    run.add_argument(
        "--devices",
        type=int,
        metavar="N",
        help="devices to use (default: all accelerators; of a CPU one a core, at most 8)",
    )
    run.add_argument(
        "--split",
        type=int,
        metavar="N",
        help="devices that train each run together (default: one accelerator; all of a CPU)",
    )
    deviations = run.add_argument_group("deviations (they become part of the protocol's name)")
    for name, what in (
        ("epochs", "passes over the images"),
        ("limit", "first images to train on"),
        ("batch-size", "images a step"),
    ):
        deviations.add_argument(f"--{name}", type=int, metavar="N", help=what)
    _add_places(run)

    report = commands.add_parser("report", help="tables and figures from records, without training")
    report.set_defaults(command=_report)
    report.add_argument("dir", type=Path, metavar="DIR", help="folder of the records")
    report.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write (default: DIR/report)"
    )

    listing = commands.add_parser("list", help="data sets, optimizers and protocols there are")
    listing.set_defaults(command=_list)
    _add_places(listing)

    prepare = commands.add_parser("prepare", help="fetch data sets ahead of time")
    prepare.set_defaults(command=_prepare)
    prepare.add_argument("names", nargs="+", metavar="NAME", help="names, or all")
    _add_places(prepare)

    from experiments.training import resumable as train

    one = commands.add_parser("train", help="one network on all devices of all processes")
    one.set_defaults(command=train.main)
    train.add_arguments(one)
    return top


def _add_places(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data-dir", metavar="DIR", help="where prepared data sets lie")
    command.add_argument("--manual-dir", metavar="DIR", help="files fetched by hand")


def _run(options: argparse.Namespace) -> int:
    from experiments import protocols, runner
    from experiments.training import cluster

    protocol = protocols.get(
        options.protocol,
        epochs=options.epochs,
        limit=options.limit,
        batch_size=options.batch_size,
    )
    cells = protocols.grid(
        protocol, options.datasets, options.optimizers, options.seeds, options.learning_rates
    )
    if options.distributed:
        cluster.join("Elsewhere give each process its --shard I/N", together=False)
    index, count = _shard(options.shard) if options.shard else runner.default_shard()
    if options.distributed:
        cluster.leave()
    part = protocols.share(cells, index, count)
    places = runner.Places(options.out, options.data_dir, options.manual_dir)
    summary = runner.run(
        part,
        places,
        shard=(index, count),
        batch=options.together,
        devices=options.devices,
        split=options.split,
        command=_published(options),
    )
    print(
        f"{summary.made} run(s) made, {summary.present} already there"
        + (f", {summary.diverged} diverged" if summary.diverged else "")
        + f"; records are in {options.out}"
    )
    for reason, number in summary.failures.items():
        first = reason.splitlines()[0]
        print(f"not run, {number} cell(s): {first}", file=sys.stderr)
    print(f"tables and figures: python -m experiments report {shlex.quote(str(options.out))}")
    return EXIT_INCOMPLETE if summary.failures else 0


def _shard(text: str) -> tuple[int, int]:
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"--shard is {text!r}, expected I/N such as 0/4")
    return int(parts[0]), int(parts[1])


def _published(options: argparse.Namespace) -> str:
    """The command as records keep it: all that decides the result, no folder of this machine."""
    from experiments import protocols

    words = ["python", "-m", "experiments", "run", "--protocol", options.protocol, "--datasets"]
    for name in options.datasets:
        words.append(f"PATH/{protocols.dataset_title(name)}" if name.endswith(".npz") else name)
    for name in ("optimizers", "learning_rates"):
        if getattr(options, name):
            words += [f"--{name.replace('_', '-')}", *map(str, getattr(options, name))]
    for name in ("epochs", "limit", "batch_size", "together", "devices", "split"):
        if getattr(options, name) is not None:
            words += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    return shlex.join([*words, "--seeds", str(options.seeds), "--out", "DIR"])


def _report(options: argparse.Namespace) -> int:
    from experiments.reports import report

    out = options.out or options.dir / "report"
    built = report.build(options.dir)
    files = report.write(built, out)
    print(report.text(built))
    print(f"\n{len(files)} files are in {out}: read {out / 'report.html'} or {out / 'report.md'}")
    return 0


def _list(options: argparse.Namespace) -> int:
    from experiments import listing

    print(listing.text(data_dir=options.data_dir, manual_dir=options.manual_dir))
    return 0


def _prepare(options: argparse.Namespace) -> int:
    from experiments import datasets

    failed = datasets.prepare(
        options.names, data_dir=options.data_dir, manual_dir=options.manual_dir
    )
    for name, reason in failed.items():
        print(f"{name} is not ready: {reason}", file=sys.stderr)
    return EXIT_INCOMPLETE if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
