"""What was begun and lacks runs, and the command that makes them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from experiments import protocols
from experiments.analysis.arms import Arm
from experiments.analysis.summaries import Entry
from experiments.reports.labels import bare, dataset_order


def missing(entries: Sequence[Entry], out: str) -> list[str]:
    """Runs that the grid begun lacks, and the commands that make them."""
    found = []
    try:
        protocols.parse(entries[0].protocol)
    except ValueError:  # records of a protocol that this version does not know
        return []
    names = dataset_order(entries)
    for changed in sorted({tuple(sorted(e.changed.items())) for e in entries}):
        these = [e for e in entries if tuple(sorted(e.changed.items())) == changed]
        sets = [n for n in names if any(e.dataset == n for e in these)]
        optimizers = list(dict.fromkeys(e.optimizer for e in these))
        seeds = max(seed for e in these for seed in e.by_seed) + 1
        have = {(e.dataset, e.optimizer, seed) for e in these for seed in e.by_seed}
        lacking = len(sets) * len(optimizers) * seeds - len(have)
        if lacking > 0:
            bare_sets = list(dict.fromkeys(map(bare, sets)))
            command = run_command(entries[0], bare_sets, optimizers, seeds, dict(changed), out)
            found.append(f"{lacking} run(s) of the grid begun are missing: `{command}`")
    return found


def run_command(
    like: Entry,
    datasets: Sequence[str],
    optimizers: Sequence[str],
    seeds: int,
    changed: dict[str, float],
    out: str,
) -> str:
    """The command that makes a grid; what is there already is not run again.

    Args:
        like: an entry of the same protocol and network.
        datasets: names as records have them.
        optimizers: none means the protocol's own.
        seeds: how many.
        changed: hyperparameters that differ from the protocol's.
        out: the folder of the records.
    """
    known = protocols.parse(like.protocol)
    words = ["python", "-m", "experiments", "run", "--protocol", known.base]
    for name, value in known.deviations:
        words += [f"--{name.replace('_', '-')}", str(value)]
    words += [] if like.network == "convnet" else ["--network", like.network]
    words += ["--datasets", *(f"PATH/{n}" if n.endswith(".npz") else n for n in datasets)]
    words += ["--optimizers", *optimizers] if optimizers else []
    if "learning_rate" in changed:
        words += ["--learning-rates", repr(changed["learning_rate"])]
    return shlex.join([*words, "--seeds", str(seeds), "--out", out])


def study_command(
    protocol: str,
    datasets: Iterable[str],
    folder: str,
    *,
    budget: str = "full",
    networks: Iterable[str] = (),
    optimizers: Iterable[str] = (),
    regimes: Iterable[str] = (),
) -> str:
    """The command that makes a study's runs, or goes on with them.

    Args:
        protocol: one of `protocols.STUDIES`.
        datasets: names as records have them; all of these may be given more than once.
        folder: of the records.
        budget: of the study.
        networks: none means the convnet, which is not named where it is the only one.
        optimizers: none means the protocol's own.
        regimes: likewise.

    Example:
        >>> study_command("fair", ["digits"], "runs", regimes=["B", "B"])
        'python -m experiments run --protocol fair --datasets digits --regimes B --out runs'
        >>> study_command("fair", ["digits"], "runs", networks=["vit", "vit"])
        'python -m experiments run --protocol fair --datasets digits --network vit --out runs'
    """
    words = ["python", "-m", "experiments", "run", "--protocol", protocol]
    words += [] if budget == "full" else ["--budget", budget]
    several = list(networks)
    given = {
        "datasets": datasets,
        "network": several if {*several} != {"convnet"} else (),
        "optimizers": optimizers,
        "regimes": regimes,
    }
    for option, names in given.items():
        some = [f"PATH/{n}" if n.endswith(".npz") else n for n in dict.fromkeys(names)]
        words += [f"--{option}", *some] if some else []
    return shlex.join([*words, "--out", folder])


def lacking(arm: Arm | None, wanted: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """By phase how many runs an arm has and should have, of the phases with too few.

    Args:
        arm: None where it was not begun.
        wanted: number of runs by phase; "final" are those of the winner.
    """
    have: Counter[str | None] = Counter()
    if arm is not None:
        have.update(one.phase for one in arm.ledger)
        have.update(final=len(arm.tuned), default=len(arm.default))
    return {phase: (have[phase], many) for phase, many in wanted.items() if have[phase] < many}


def lines(
    places: Mapping[str, Mapping[str, Arm]],
    names: Iterable[str],
    wanted: Callable[[str], Mapping[str, int]],
    called: Callable[[str], str],
) -> list[str]:
    """A line for every place where runs are missing, with the arms that lack them.

    Args:
        places: the arms that were begun there, by optimizer.
        names: the arms that there should be everywhere.
        wanted: number of an arm's runs by phase.
        called: what an arm is called.
    """
    found = []
    for place, arms in places.items():
        left = {
            called(name): sum(
                many - have for have, many in lacking(arms.get(name), wanted(name)).values()
            )
            for name in dict.fromkeys([*names, *arms])
        }
        found += line(place, left)
    return found


def line(place: str, left: Mapping[str, int]) -> list[str]:
    """How many runs each arm lacks at a place; none where none does.

    Example:
        >>> line("F-MNIST, A", {"Lion": 3, "AdamW": 0, "SGD": 10})
        ['F-MNIST, A: 13 runs, of Lion (3), SGD (10)']
    """
    some = [f"{arm} ({count})" for arm, count in left.items() if count]
    runs = "1 run" if sum(left.values()) == 1 else f"{sum(left.values())} runs"
    return [f"{place}: {runs}, of {', '.join(some)}"] if some else []


def named(own: Sequence[str], there: Iterable[str]) -> tuple[str, ...]:
    """What `--optimizers` must say: nothing unless there are others than the protocol's own."""
    more = sorted({*there} - {*own})
    return (*own, *more) if more else ()


def with_command(missing: Sequence[str], command: str) -> list[str]:
    """What is missing and the command that goes on with it; nothing where nothing is missing."""
    return [*missing, f"the command that goes on: `{command}`"] if missing else []
