"""The command line: ``python -m experiments run | report | findings | list | prepare | train``.

Everything heavy is imported by the command that needs it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

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
        from experiments.command_line.options import parser

        options = parser(commands).parse_args(given)
    except ImportError as error:
        return _report_error(error, "experiments")
    return guarded(lambda: options.command(options), "experiments", given)


def guarded(command: Callable[[], int], module: str, given: Sequence[str]) -> int:
    """Calls a command; whatever it raises becomes one line and an exit code.

    Args:
        command: returns the exit code.
        module: the command line's, as ``python -m`` has it.
        given: its arguments.
    """
    try:
        _check_text(given)
        with _warnings_as_notices():
            return command()
    except KeyboardInterrupt:
        print("\ninterrupted; what was finished is kept. The same command goes on from there:")
        print(f"  python -m {module} {shlex.join(given)}")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_INCOMPLETE
    except (Exception, SystemExit) as error:  # sys.exit: of a user's own module
        return _report_error(error, module)


@contextmanager
def _warnings_as_notices() -> Iterator[None]:
    """Shows what a user is warned of in one line, without the place in our code."""
    shown = warnings.showwarning

    def notice(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if category is UserWarning:
            print(f"notice: {' '.join(str(message).split())}", file=sys.stderr)
        else:
            shown(message, category, *place, **more)

    warnings.showwarning = notice
    try:
        yield
    finally:
        warnings.showwarning = shown


def _check_text(given: Sequence[str]) -> None:
    """Refuses what no record could be written of, before any work is done for it."""
    for argument in given:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"the argument {argument!r} is not UTF-8, in which records are written: give "
                "the file or folder another name"
            ) from None


def _report_error(error: BaseException, module: str) -> int:
    """Prints in one line what went wrong; ``python -X dev`` shows the traceback, too."""
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
    from experiments.command_line import run_options

    if options.distributed and options.shard is not None:
        raise ValueError("--distributed gives each process its share itself: leave --shard out")
    study = run_options.study_of(options)
    from experiments.training import cluster, cores

    cores.show()
    from experiments import runner, work

    if options.distributed:
        cluster.join("Elsewhere give each process its --shard I/N", together=False)
    shard = runner.default_shard() if options.shard is None else run_options.shard_of(options.shard)
    if options.distributed:
        cluster.leave()
    summary = runner.run(
        study,
        work.Paths(options.out, options.data_dir, options.manual_dir),
        shard=shard,
        placement=runner.Placement(options.together, options.devices, options.devices_per_run),
        command=run_options.command_of(options),
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


def _report(options: argparse.Namespace) -> int:
    from experiments.reports import report

    out = options.out or options.dir / "report"
    if options.dir.is_dir():  # or it is DIR that has to be told of
        files.check_folder(out, "--out" if options.out else "--out (by default DIR/report)")
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
    from experiments import datasets, networks, optimizers, records

    datasets.check_name(options.dataset)
    networks.check_name(options.network)
    optimizers.resolve(options.optimizer)
    files.check_folder(options.out, "--out")
    records.check_apart(options.out, "curve.jsonl")
    from experiments.training import cores

    cores.show()
    from experiments.training import resumable

    return resumable.main(options)


if __name__ == "__main__":
    raise SystemExit(main())
