"""The command line: ``python -m experiments run | report | findings | list | prepare | train``.

Everything heavy is imported by the command that needs it.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence

from experiments import files
from experiments.user_code import reason_and_place

EXIT_INTERRUPTED, EXIT_INCOMPLETE, EXIT_USAGE = 130, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    commands = {
        "run": _run,
        "report": _report,
        "findings": _findings,
        "list": _list,
        "prepare": _prepare,
        "train": _train,
    }
    try:
        from experiments.options import parser

        options = parser(commands).parse_args(given)
    except ImportError as error:
        return _told(error, "experiments")
    return guarded(lambda: options.command(options), "experiments", given)


def guarded(command: Callable[[], int], module: str, given: Sequence[str]) -> int:
    """Calls a command; whatever it raises becomes one line and an exit code.

    Args:
        command: returns the exit code.
        module: the command line's, as ``python -m`` has it.
        given: its arguments.
    """
    try:
        return command()
    except KeyboardInterrupt:
        print("\ninterrupted; what was finished is kept. The same command goes on from there:")
        print(f"  python -m {module} {shlex.join(given)}")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_INCOMPLETE
    except (Exception, SystemExit) as error:  # sys.exit: of a user's own module
        return _told(error, module)


def _told(error: BaseException, module: str) -> int:
    """Says in one line what went wrong; ``python -X dev`` shows the traceback, too."""
    if sys.flags.dev_mode:
        traceback.print_exception(error)
    missing = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if missing not in ("", "experiments", "thermolion_optax"):
        print(
            f"error: the benchmark needs the package {missing}, which cannot be imported "
            f"({error}): in the checkout, pip install '.[experiments]' gets all that it needs",
            file=sys.stderr,
        )
        return EXIT_USAGE
    from experiments.datasets import DatasetError
    from experiments.records import RecordError

    if isinstance(error, ValueError | DatasetError | RecordError | MemoryError):
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_USAGE
    if isinstance(error, OSError) and error.filename is not None:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return EXIT_USAGE
    print(
        f"error: {reason_and_place(error)}; python -X dev -m {module} … shows where it came from",
        file=sys.stderr,
    )
    return EXIT_INCOMPLETE


def _run(options: argparse.Namespace) -> int:
    study = _study(options)
    from experiments.training import cluster, cores

    cores.show()
    from experiments import runner, work

    if options.distributed:
        cluster.join("Elsewhere give each process its --shard I/N", together=False)
    shard = runner.default_shard() if options.shard is None else _shard(options.shard)
    if options.distributed:
        cluster.leave()
    summary = runner.run(
        study,
        work.Places(options.out, options.data_dir, options.manual_dir),
        shard=shard,
        layout=runner.Layout(options.together, options.devices, options.devices_per_run),
        command=_published(options),
        read_test_again=options.read_test_again,
    )
    print(
        f"{summary.made} run(s) made, {summary.present} already there"
        + (f", {summary.diverged} diverged" if summary.diverged else "")
        + f"; records are in {options.out}"
    )
    for reason, number in summary.failures.items():
        print(f"not run, {number} cell(s): {reason.splitlines()[0]}", file=sys.stderr)
    for reason in summary.waiting:
        print(f"waits for {reason}; run this command again when they are there", file=sys.stderr)
    print(f"tables and figures: python -m experiments report {shlex.quote(str(options.out))}")
    return EXIT_INCOMPLETE if summary.failures or summary.waiting else 0


def _study(options: argparse.Namespace):
    """What the options ask for."""
    from experiments import datasets, networks, optimizers, protocols
    from experiments.user_code import nearest

    if options.protocol not in protocols.NAMES:
        raise ValueError(
            f"unknown protocol {options.protocol!r}: {nearest(options.protocol, protocols.NAMES)}"
        )
    names = options.datasets
    names = list(datasets.NAMES) if names == ["all"] else names
    for name in names:
        _check_dataset(name)
    for name in options.network:
        networks.check_name(name)
    files.check_folder(options.out, "--out")
    staged = options.protocol in protocols.STUDIES
    of_grids = ("seeds", "learning_rates", "epochs", "limit", "batch_size")
    for name in of_grids if staged else ("budget", "regimes"):
        if getattr(options, name) not in (None, []):
            raise ValueError(
                f"--{name.replace('_', '-')} is not an option of the {options.protocol} protocol"
            )
    if staged:
        protocol = importlib.import_module(f"experiments.protocols.{options.protocol}")
        chosen = options.optimizers or protocol.OPTIMIZERS
        resolved = {found.name: found for found in map(optimizers.resolve, chosen)}
        if len(resolved) < len(chosen):
            raise ValueError("an optimizer is given twice")
        return protocol.study(
            names,
            resolved,
            options.network,
            budget=options.budget or "full",
            **({"regimes": options.regimes} if options.regimes else {}),
        )
    paper = protocols.get(
        options.protocol,
        epochs=options.epochs,
        limit=options.limit,
        batch_size=options.batch_size,
    )
    seeds = 5 if options.seeds is None else options.seeds
    what = protocols.learners(options.optimizers or paper.optimizers, options.learning_rates)
    return protocols.grid(paper, names, what, seeds, options.network)


def _check_dataset(name: str) -> None:
    """Tells an unknown name before JAX is loaded; a file is looked at when it is to be read."""
    from experiments import datasets

    if not name.endswith(".npz"):
        datasets.splits(name)


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
    if options.network != ["convnet"]:
        words += ["--network", *options.network]
    for name in ("optimizers", "learning_rates", "regimes"):
        if getattr(options, name):
            words += [f"--{name.replace('_', '-')}", *map(str, getattr(options, name))]
    for name in (
        "budget",
        "epochs",
        "limit",
        "batch_size",
        "together",
        "devices",
        "devices_per_run",
    ):
        if getattr(options, name) is not None:
            words += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    if options.protocol not in protocols.STUDIES:
        words += ["--seeds", str(5 if options.seeds is None else options.seeds)]
    return shlex.join([*words, "--out", "DIR"])


def _report(options: argparse.Namespace) -> int:
    from experiments.reports import report

    out = options.out or options.dir / "report"
    files.check_folder(out, "--out")
    built = report.build(options.dir, baseline=options.baseline)
    written = report.write(built, out)
    print(report.text(built))
    print(f"\n{len(written)} files are in {out}: read {out / 'report.html'} or {out / 'report.md'}")
    return 0


def _findings(options: argparse.Namespace) -> int:
    from experiments.reports import findings

    print(f"the findings are in {findings.write(options.dir, options.out)}")
    return 0


def _list(options: argparse.Namespace) -> int:
    from experiments.reports import listing

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


def _train(options: argparse.Namespace) -> int:
    from experiments import networks, optimizers

    _check_dataset(options.dataset)
    networks.check_name(options.network)
    optimizers.resolve(options.optimizer)
    files.check_folder(options.out, "--out")
    from experiments.training import cores

    cores.show()
    from experiments.training import resumable

    return resumable.main(options)


if __name__ == "__main__":
    raise SystemExit(main())
