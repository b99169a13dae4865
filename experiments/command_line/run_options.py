"""The options of `run` -> the study they ask for, and the command that its records keep."""

from __future__ import annotations

import argparse
import importlib
import shlex

from experiments import datasets, files, networks, optimizers, protocols
from experiments.user_code import nearest


def study_of(options: argparse.Namespace) -> protocols.Study:
    """What the options ask for.

    Raises:
        ValueError: a name that there is not, or an option that the protocol does not have.
    """
    if options.protocol not in protocols.NAMES:
        raise ValueError(
            f"unknown protocol {options.protocol!r}: {nearest(options.protocol, protocols.NAMES)}"
        )
    names = [
        one for name in options.datasets for one in (datasets.NAMES if name == "all" else [name])
    ]
    for name in names:
        datasets.check_name(name)
    for name in options.network:
        networks.check_name(name)
    files.check_folder(options.out, "--out")
    staged = options.protocol in protocols.STUDIES
    of_grids = ("seeds", "learning_rates", "epochs", "limit", "batch_size")
    for name in of_grids if staged else ("budget", "regimes", "read_test_again"):
        given = getattr(options, name)
        if given not in (None, []) and given is not False:  # 0 is a number given
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


def shard_of(text: str) -> tuple[int, int]:
    """Index and count of a shard such as 0/4."""
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"--shard is {text!r}, expected I/N such as 0/4")
    return int(parts[0]), int(parts[1])


def command_of(options: argparse.Namespace) -> str:
    """The command as records keep it: all that decides the result, no folder of this machine."""
    words = ["python", "-m", "experiments", "run", "--protocol", options.protocol, "--datasets"]
    for name in options.datasets:
        words.append(f"PATH/{protocols.recorded_name(name)}" if name.endswith(".npz") else name)
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
