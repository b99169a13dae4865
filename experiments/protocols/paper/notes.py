"""What a reader must know of the paper beside its tables: only what applies to what is shown."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.summaries import Entry
from experiments.protocols.paper import published
from experiments.protocols.paper.tables import DISAGREES
from experiments.records import Record
from experiments.reports.labels import bare, dataset_order
from experiments.reports.table import OUTSIDE, OUTSIDE_RUN, at_protocol_settings

FIXED_SWITCH = 300  # the step after which the released SWATS goes over to SGD


def notes(entries: Sequence[Entry]) -> list[str]:
    """The paper's caveats, in the order of their weight."""
    own = [e for e in entries if at_protocol_settings(e, published.REFERENCE)]
    shown = {entry.optimizer for entry in own}
    names = {bare(entry.dataset) for entry in entries}
    found = []
    if names & set(published.DATASETS):
        found.append(
            f"The paper's numbers are one run each. {OUTSIDE}: the paper's number lies outside our "
            f"95 % confidence interval for the mean; {OUTSIDE_RUN}: also outside our 95 % "
            "prediction interval for one more single run (neither is given below 5 seeds). "
            f"{DISAGREES}: not what the paper's own columns give."
        )
    found += _about_data(entries)
    steps = {_steps(r) for e in own if e.optimizer == "swats" for r in e.records}
    if steps and max(steps) <= FIXED_SWITCH:
        listed = " or ".join(map(str, sorted(steps)))
        found.append(
            f"SWATS never switched to SGD: its released form switches after step {FIXED_SWITCH}, "
            f"these runs have {listed} steps. It was Adam throughout (with its epsilon on the "
            "uncorrected root)."
        )
    if "muadam" in shown:
        found.append(
            "MuAdam is not Muon: the paper cites Muon, the released code runs Adam with Nesterov "
            "momentum and no bias correction. Muon itself can be run as `muon` and stands beside."
        )
    if "qmnist" in names or ("muadam" in shown and names & set(published.TABLES[2])):
        found.append(
            "In the paper's own Table 2 MuAdam (100.0) beats ThermoLion (99.90) on QMNIST, against "
            "its claim of the highest accuracy on every data set."
        )
    if "swa" in shown:
        found.append("SWA is in none of the paper's tables: there is no number to compare with.")
    if names & set(published.TABLES[3]):
        found.append("The paper's seconds are of the training loop alone, ours of the whole run.")
    return found


def _steps(record: Record) -> int:
    batch, examples = int(record.settings.get("batch_size", 0)), record.data.examples
    per_epoch = -(-examples // batch) if batch and examples else 5
    return len(record.train_loss) * per_epoch


def _about_data(entries: Sequence[Entry]) -> list[str]:
    found = []
    for name in dataset_order(entries):
        first = next(e for e in entries if e.dataset == name)
        data = first.facts
        if bare(name) == "gtsrb" and (data.classes_present or 0) < (data.classes or 0):
            found.append("GTSRB's files are sorted by class: its first images are of few classes.")
        if bare(name) not in published.DATASETS:
            source = data.source or "source not recorded"
            found.append(
                f"{name} is not among the paper's data sets: {data.examples or '?'} images, "
                f"{source}, sha256 of images and labels {first.fingerprint[:16]}…"
            )
    return found
