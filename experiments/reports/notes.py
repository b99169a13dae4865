"""What a reader must know beside the tables: only what applies to what is shown."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from experiments import protocols
from experiments.analysis.statistics import Entry
from experiments.protocols import paper
from experiments.records import Record
from experiments.reports.table import (
    DISAGREES,
    DIVERGED,
    OUTSIDE,
    OUTSIDE_RUN,
    bare,
    dataset_order,
    dataset_title,
    in_paper,
)
from experiments.reports.tables import relative_step

_ABOUT_SECONDS = (
    "Seconds are of a whole run with its evaluation at the end (the paper's are of the training "
    "loop). Optimizers were run one after the other, so whatever else the machine did is in these "
    "times; `benchmarks/training.py --section optimizers` lets them take turns."
)
FIXED_SWITCH = 300  # the step after which the released SWATS goes over to SGD


def notes(entries: Sequence[Entry]) -> list[str]:
    """Notes to the tables of one protocol, in the order of their weight."""
    shown = {entry.optimizer for entry in entries if in_paper(entry)}
    names = {bare(entry.dataset) for entry in entries}
    swats = {
        _steps(r) for e in entries if e.optimizer == "swats" and in_paper(e) for r in e.records
    }
    found = [
        "Train accuracy is accuracy on the very images trained on, as in the paper: it tells how "
        "fast an optimizer fits, not how well the network generalises. Held-out accuracy stands "
        "beside it where there is a test set."
    ]
    if names & set(paper.DATASETS):
        found.append(
            f"The paper's numbers are one run each. {OUTSIDE}: the paper's number lies outside our "
            f"95 % interval for the mean; {OUTSIDE_RUN}: also outside the interval in which one "
            "more single run of ours would fall 95 times in 100. "
            f"{DISAGREES}: not what the paper's own columns give."
        )
    if any(entry.diverged for entry in entries):
        found.append(
            f"{DIVERGED}: that many runs diverged (a loss or update that is not finite); they "
            "count in the mean at the accuracy they ended with."
        )
    found += _about_data(entries)
    if swats and max(swats) <= FIXED_SWITCH:
        steps = " or ".join(map(str, sorted(swats)))
        found.append(
            f"SWATS never switched to SGD: its released form switches after step {FIXED_SWITCH}, "
            f"these runs have {steps} steps. It was Adam throughout (with its epsilon on the "
            "uncorrected root)."
        )
    if "muadam" in shown:
        found.append(
            "MuAdam is not Muon: the paper cites Muon, the released code runs Adam with Nesterov "
            "momentum and no bias correction. Muon itself can be run as `muon` and stands beside."
        )
    if "qmnist" in names or ("muadam" in shown and names & set(paper.TABLES[2])):
        found.append(
            "In the paper's own Table 2 MuAdam (100.0) beats ThermoLion (99.90) on QMNIST, against "
            "its claim of the highest accuracy on every data set."
        )
    if "swa" in shown:
        found.append("SWA is in none of the paper's tables: there is no number to compare with.")
    return found + _about_steps(entries) + [_ABOUT_SECONDS]


def _steps(record: Record) -> int:
    batch = record.get("settings", {}).get("batch_size")
    examples = record.get("data", {}).get("examples")
    per_epoch = -(-examples // batch) if batch and examples else 5
    return len(record["train_loss"]) * per_epoch


def _about_data(entries: Sequence[Entry]) -> list[str]:
    found = []
    for name in dataset_order(entries):
        record = next(e for e in entries if e.dataset == name).records[0]
        data = record.get("data", {})
        have, all_of = data.get("classes_present"), data.get("classes")
        if have and all_of and have < all_of:
            found.append(
                f"The slice of {dataset_title(name)} trained on holds {have} of its {all_of} "
                "classes"
                + (" (the files are sorted by class)" if name == "gtsrb" else "")
                + (
                    f": held-out accuracy is over all classes, {all_of - have} of them never seen "
                    "in training."
                    if data.get("test_examples")
                    else "."
                )
            )
        if bare(name) not in paper.DATASETS:
            source = data.get("source") or "source not recorded"
            found.append(
                f"{name} is not among the paper's data sets: {data.get('examples', '?')} images, "
                f"{source}, sha256 of images and labels {record['fingerprint'][:16]}…"
            )
    return found


def _about_steps(entries: Sequence[Entry]) -> list[str]:
    ratios = [
        ratio
        for entry in entries
        if entry.optimizer == "thermolion" and not entry.changed
        if (ratio := relative_step(entry, entries))
    ]
    text = (
        "Equal learning rates are not equal steps: the column `step RMS / Adam's` is the mean over "
        "steps of the root mean square change of the parameters, in units of Adam's."
    )
    if ratios:
        low, high = min(ratios), max(ratios)
        much = f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"
        text += (
            f" ThermoLion's steps are {much} times Adam's at the same learning rate, so a "
            "comparison at equal learning rate mixes the gate with the size of its steps."
        )
    measured = any(relative_step(entry, entries) is not None for entry in entries)
    return [text] if measured else []


def mixed(records: Sequence[Record]) -> list[str]:
    """Says which code, packages, devices, layouts, data or protocol versions stand together."""
    found = []
    for what, value in (
        ("training code", lambda r: str(r.get("code", "not recorded"))),
        ("package versions", lambda r: _versions(r)),
        ("devices", lambda r: _device(r)),
        ("layouts, whose seconds do not compare", lambda r: _layout(r)),
    ):
        groups = _count(map(value, records))
        if len(groups) > 1:
            listed = "; ".join(f"{name} ({count} runs)" for name, count in groups)
            found.append(f"mixed {what}: these tables put together records of {listed}")
    for (protocol, dataset), prints in _sets(
        records, ("protocol", "dataset"), itemgetter("fingerprint")
    ):
        if len(prints) > 1:
            short = ", ".join(p[:8] for p in prints)
            found.append(
                f"mixed data: under {protocol}, {dataset} has records of {len(prints)} different "
                f"data fingerprints ({short}); they stand apart, each as a data set of its own"
            )
    for (dataset,), prints in _sets(
        [r for r in records if (r.get("data") or {}).get("test_fingerprint")],
        ("dataset",),
        lambda r: r["data"]["test_fingerprint"],
    ):
        if len(prints) > 1:
            found.append(
                f"mixed held-out data: {dataset} was tested on {len(prints)} different sets of "
                "images under one name"
            )
    for (optimizer,), sources in _sets(
        records, ("optimizer",), lambda r: str(r.get("optimizer_source") or "not recorded")
    ):
        if len(sources) > 1:
            found.append(
                f"mixed optimizer code: the module of {optimizer} was changed between runs "
                f"({', '.join(sources)})"
            )
    for (protocol,), versions in _sets(records, ("protocol",), itemgetter("protocol_version")):
        if len(versions) > 1:
            listed = ", ".join(map(str, versions))
            found.append(
                f"mixed protocol versions: {protocol} has records of versions {listed}; each "
                "version has its own tables"
            )
    return found


def _versions(record: Record) -> str:
    versions = record.get("versions", {})
    return ", ".join(f"{k} {v}" for k, v in sorted(versions.items())) or "not recorded"


def _device(record: Record) -> str:
    device = record.get("device", {})
    return f"{device.get('kind', 'not recorded')} x {device.get('count', '?')}"


def _layout(record: Record) -> str:
    layout = record.get("layout")
    if not layout:
        return "not recorded"
    return (
        f"{layout.get('split', '?')} of {layout.get('devices', '?')} device(s) a run, "
        f"{layout.get('together', '?')} run(s) together"
    )


def _count(values: Iterable[str]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return sorted(counts.items())


def _sets(
    records: Sequence[Record], by: tuple[str, ...], value: Callable[[Record], Any]
) -> list[tuple[Any, list[Any]]]:
    found: dict[Any, set[Any]] = {}
    for record in records:
        found.setdefault(tuple(record[name] for name in by), set()).add(value(record))
    return [(key, sorted(found[key])) for key in sorted(found)]


def provenance(records: Sequence[Record]) -> list[str]:
    """Where the records come from: commands, commits, packages, devices and time spent."""
    found = []
    for title, value in (
        ("command", lambda r: f"`{r['command']}`" if r.get("command") else "not recorded"),
        ("commit", lambda r: str(r.get("commit") or "not recorded")),
        ("packages", _versions),
        ("device", lambda r: f"{_device(r)}, {r.get('device', {}).get('cores', '?')} CPU cores"),
    ):
        for name, count in _count(map(value, records)):
            found.append(f"{title}: {name} ({count} runs)")
    trained = sum(record["seconds"] for record in records)
    return [*found, f"time: {trained / 60:.1f} minutes of training in {len(records)} runs"]


def missing(entries: Sequence[Entry], out: str) -> list[str]:
    """What the grid that was begun lacks, what of the paper was not begun, and the commands."""
    found = []
    protocol = entries[0].protocol
    try:
        deviations = protocols.parse(protocol).deviations
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
            command = run_command(protocol, bare_sets, optimizers, seeds, dict(changed), out)
            found.append(f"{lacking} run(s) of the grid begun are missing: `{command}`")
    if deviations:  # not the paper's study
        return found
    seeds = max(seed for e in entries for seed in e.by_seed) + 1
    absent_sets = [n for n in paper.DATASETS if n not in map(bare, names)]
    run = {e.optimizer for e in entries if in_paper(e)}
    absent = [o for o in paper.OPTIMIZERS if o not in run]
    if absent_sets or absent:
        what = [f"the data sets {', '.join(absent_sets)}"] if absent_sets else []
        what += [f"the optimizers {', '.join(absent)}"] if absent else []
        command = run_command(protocol, paper.DATASETS, (), seeds, {}, out)
        found.append(f"of the paper's study there is nothing of {' and '.join(what)}: `{command}`")
    return found


def run_command(
    protocol: str,
    datasets: Sequence[str],
    optimizers: Sequence[str],
    seeds: int,
    changed: dict[str, float],
    out: str,
) -> str:
    """The command that makes a grid; what is there already is not run again.

    Example:
        >>> run_command("paper[epochs=2]", ["digits"], ["adam"], 3, {"learning_rate": 0.01}, "runs")
        'python -m experiments run --protocol paper --epochs 2 --datasets digits \
--optimizers adam --learning-rates 0.01 --seeds 3 --out runs'
    """
    known = protocols.parse(protocol)
    words = ["python", "-m", "experiments", "run", "--protocol", known.base]
    for name, value in known.deviations:
        words += [f"--{name.replace('_', '-')}", str(value)]
    words += ["--datasets", *(f"PATH/{n}" if n.endswith(".npz") else n for n in datasets)]
    words += ["--optimizers", *optimizers] if optimizers else []
    if "learning_rate" in changed:
        words += ["--learning-rates", repr(changed["learning_rate"])]
    return shlex.join([*words, "--seeds", str(seeds), "--out", out])
