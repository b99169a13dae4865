"""The options of every command: no more than argparse, so that help and mistakes come at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from experiments.datasets.user_npz import NPZ_FORMAT

BUDGETS = ("full", "half", "smoke")

_TRAIN = """Every device holds the parameters and takes an equal part of each batch. With one
process that is all devices of the machine; a CPU counts as one a core, at most 8, or as many as
JAX_NUM_CPU_DEVICES says. On a cluster, start the same command once per process with --distributed;
SLURM, Open MPI, Kubernetes and Cloud TPU tell JAX the rest. Anywhere else give --coordinator,
--processes and --process. DIR, which all processes must see, gets curve.jsonl (one loss a step),
result.json at the end, phases.csv where asked for, and checkpoints. Kill the run at any moment and
start the same command again: it goes on from the last checkpoint."""


def parser(commands: dict[str, Callable[[argparse.Namespace], int]]) -> argparse.ArgumentParser:
    """The options of every command, and what each calls.

    Args:
        commands: run, report, findings, list, prepare and train.
    """
    top = argparse.ArgumentParser(
        prog="python -m experiments",
        description="Train optimizers on sets of images, as a protocol says (run); show what came "
        "out (report, findings).",
    )
    of = top.add_subparsers(
        required=True, metavar="run | report | findings | list | prepare | train"
    )

    def command(name: str, what: str, more: str = "") -> argparse.ArgumentParser:
        made = of.add_parser(name, allow_abbrev=False, help=what, description=what, epilog=more)
        made.set_defaults(command=commands[name])
        return made

    _run(command("run", "train what is missing of a study, one record a run", NPZ_FORMAT))
    report = command("report", "tables and figures from records, without training")
    report.add_argument("dir", type=_path, metavar="DIR", help="folder of the records")
    report.add_argument(
        "--out", type=_path, metavar="DIR", help="where to write (default: DIR/report)"
    )
    report.add_argument(
        "--baseline",
        metavar="NAME",
        help="of the paper protocol: what the others are compared with, each at its best rate "
        "(default: adam where it was run, else adamw)",
    )
    findings = command("findings", "one page of verdicts from the records of all studies")
    findings.add_argument(
        "dir", type=_path, metavar="DIR", help="folder of the studies' folders, such as results"
    )
    findings.add_argument(
        "--out", type=_path, metavar="FILE", help="the page (default: DIR/findings.md)"
    )
    _data_folders(command("list", "data sets, optimizers, networks and protocols there are"))
    prepare = command("prepare", "fetch data sets ahead of time")
    prepare.add_argument("names", nargs="+", metavar="NAME", help="names (see list), or all")
    _data_folders(prepare)
    _train(command("train", "one network on all devices of all processes", _TRAIN))
    return top


def _run(run: argparse.ArgumentParser) -> None:
    add = run.add_argument
    add(
        "--protocol",
        default="paper",
        metavar="NAME",
        help="paper (as published, with several seeds; default), fair (tuned on validation), "
        "ablation (ThermoLion part by part), label_noise (where the signal is weak), exponent "
        "(SMES at several alpha) or rate_scaling (the best rate by steps and batch size)",
    )
    add(
        "--datasets",
        nargs="+",
        required=True,
        metavar="NAME",
        help="names (see list), .npz files, or all",
    )
    add(
        "--optimizers",
        nargs="+",
        default=[],
        metavar="NAME",
        help="names (see list), variants (thermolion:boost=0), or your own (module:function, found "
        "here or on PYTHONPATH); default: the protocol's",
    )
    add(
        "--network",
        nargs="+",
        type=str.strip,
        default=["convnet"],
        metavar="NAME",
        help="convnet (the paper's; default), vit, or your own (module:function)",
    )
    add("--out", required=True, type=_path, metavar="DIR", help="folder of the records")
    add("--shard", metavar="I/N", help="run part I of N of the study only, I from 0 (0/4 … 3/4)")
    add(
        "--distributed",
        action="store_true",
        help="divide the study among the processes of a cluster (jax.distributed.initialize)",
    )
    for name, what in (
        ("together", "runs that a device trains at once (default 1)"),
        ("devices", "devices to use (default: all accelerators; of a CPU one a core, at most 8)"),
    ):
        add(f"--{name}", type=int, metavar="N", help=what)
    add(
        "--devices-per-run",
        type=int,
        metavar="N",
        help="devices that train each run together (default: one accelerator; all of a CPU)",
    )
    # Its name in the commands of older records.
    add("--split", dest="devices_per_run", type=int, help=argparse.SUPPRESS)
    paper = run.add_argument_group("of the paper protocol")
    add = paper.add_argument
    add("--seeds", type=int, metavar="N", help="runs of each, seeds 0 to N-1 (default 5)")
    add(
        "--learning-rates",
        nargs="+",
        type=float,
        default=[],
        metavar="RATE",
        help="a sweep: every optimizer at each of these; default: each optimizer's own",
    )
    for name, what in (
        (
            "epochs",
            "passes over the images (another number than the protocol's is noted in its name)",
        ),
        ("limit", "first images to train on (likewise)"),
        ("batch-size", "images a step (likewise)"),
    ):
        add(f"--{name}", type=int, metavar="N", help=what)
    staged = run.add_argument_group("of the other protocols")
    staged.add_argument(
        "--budget",
        choices=BUDGETS,
        help="share of the trials and seeds; smoke cuts the steps, too, and answers nothing "
        "(default full)",
    )
    staged.add_argument(
        "--regimes",
        nargs="+",
        metavar="R",
        help="A (60 steps of 1,024), B (600 of 128), C (2,400 of 128; of fair after B, at "
        "its settings); default B A; of "
        "label_noise b32, b128, b1024; of rate_scaling s60b32 (60 steps of 32), s600b128, …; "
        "default all",
    )
    staged.add_argument(
        "--read-test-again",
        action="store_true",
        help="judge an optimizer or network by test images that judged another version of it: its "
        "file, or the grid of its search",
    )
    _data_folders(run)


def _train(train: argparse.ArgumentParser) -> None:
    add = train.add_argument
    add(
        "--dataset",
        default="digits",
        metavar="NAME",
        help="see list, or an .npz file (default: digits)",
    )
    add(
        "--optimizer",
        default="thermolion",
        metavar="NAME",
        help="a name (see list), overrides after a colon, or your own, package.module:function "
        "(default: thermolion)",
    )
    add(
        "--network",
        default="convnet",
        metavar="NAME",
        help="convnet, vit, or your own, package.module:function (default: convnet)",
    )
    add("--learning-rate", type=float, metavar="RATE", help="default: the optimizer's own")
    add("--epochs", type=int, default=12, metavar="N", help="passes over the images (12)")
    add("--batch-size", type=int, default=1024, metavar="N", help="images a step, in all (1024)")
    add("--limit", type=int, default=5000, metavar="N", help="first images to train on (5000)")
    add("--seed", type=int, default=0, metavar="N", help="weights, data order and noise (0)")
    add("--out", type=_path, required=True, metavar="DIR", help="curve and checkpoints; required")
    add("--save-every", type=int, default=50, metavar="N", help="steps between checkpoints (50)")
    add(
        "--phases",
        nargs="?",
        const=0,
        type=int,
        metavar="K",
        help="log the gate's phase statistics to phases.csv every epoch, or every K steps",
    )
    _data_folders(train)
    cluster = train.add_argument_group("several processes")
    add = cluster.add_argument
    add("--distributed", action="store_true", help="join the cluster that the scheduler describes")
    add("--coordinator", metavar="HOST:PORT", help="where process 0 listens, without a scheduler")
    add("--processes", type=int, metavar="N", help="how many there are")
    add("--process", type=int, metavar="I", help="which of them this is, from 0")


def _data_folders(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data-dir",
        metavar="DIR",
        help="where prepared data sets lie (default: the environment variable TFDS_DATA_DIR, else "
        "~/tensorflow_datasets)",
    )
    command.add_argument(
        "--manual-dir",
        metavar="DIR",
        help="files fetched by hand, in DIR or in DIR/NAME (default: downloads/manual in the data "
        "folder)",
    )


def _path(text: str) -> Path:
    """A path; an empty one, as an unset variable leaves it, would be the current folder.

    Raises:
        argparse.ArgumentTypeError: it is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("is empty, expected a path")
    return Path(text)
