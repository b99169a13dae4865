"""What a reader must know beside any protocol's tables: only what applies to what is shown."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.health import unnoticed
from experiments.analysis.interval import ENOUGH
from experiments.analysis.summaries import Entry
from experiments.reports.labels import dataset_order, dataset_title, labels
from experiments.reports.table import DIVERGED, UNHEALTHY
from experiments.reports.tables import relative_step

_ABOUT_SECONDS = (
    "Seconds are of a whole run with its evaluation at the end, compilation apart. Optimizers were "
    "run one after the other, so whatever else the machine did is in these times; "
    "`benchmarks/training.py --section optimizers` lets them take turns."
)


def notes(entries: Sequence[Entry]) -> list[str]:
    """Notes to the tables of one section, in the order of their weight."""
    found = [*_about_health(entries)]
    found.append(
        "Train accuracy is accuracy on the very images trained on: it tells how fast an optimizer "
        "fits, not how well the network generalises. Held-out accuracy stands beside it where "
        "there is a test set."
    )
    if any(entry.train.n < ENOUGH for entry in entries):
        found.append(
            f"With fewer than {ENOUGH} seeds a mean is followed by the seeds' values, (first, "
            "second, …), as so few give no interval to rely on."
        )
    return [*found, *_about_classes(entries), *_about_steps(entries), _ABOUT_SECONDS]


def _about_health(entries: Sequence[Entry]) -> list[str]:
    found = []
    if any(entry.diverged for entry in entries):
        found.append(
            f"{DIVERGED}: that many runs diverged (a loss or update that is not finite); they "
            "count in the mean at the accuracy they ended with."
        )
    called = labels(entries)
    listed = []
    for entry in entries:
        wrong = unnoticed(entry.records)
        if wrong:
            where = f"{called[entry.row]} on {dataset_title(entry.dataset)}"
            what = ", ".join(dict.fromkeys(one for found in wrong for one in found))
            listed.append(f"{where}, {len(wrong)} of {len(entry.records)} runs: {what}")
    if listed:
        more = f"; and {len(listed) - 8} more" if len(listed) > 8 else ""
        found.append(
            f"{UNHEALTHY}: that many runs ended no better than a constant guess (at chance) or "
            "their loss rose to several times where it started: "
            f"{'; '.join(listed[:8])}{more}."
        )
    return found


def _about_classes(entries: Sequence[Entry]) -> list[str]:
    found = []
    for name in dataset_order(entries):
        data = next(e for e in entries if e.dataset == name).facts
        have, all_of = data.classes_present, data.classes
        if have and all_of and have < all_of:
            held_out = (
                f": held-out accuracy is over all classes, {all_of - have} of them never seen in "
                "training."
            )
            found.append(
                f"The slice of {dataset_title(name)} trained on holds {have} of its {all_of} "
                + "classes"
                + (held_out if data.test_examples else ".")
            )
    return found


def _about_steps(entries: Sequence[Entry]) -> list[str]:
    measured = [(entry, relative_step(entry, entries)) for entry in entries]
    if not any(ratio is not None for _, ratio in measured):
        return []
    text = (
        "Equal learning rates are not equal steps: the column `step RMS / Adam's` is the mean over "
        "steps of the root mean square change of the parameters, in units of Adam's."
    )
    ratios = [r for e, r in measured if r and e.optimizer == "thermolion" and not e.changed]
    if ratios:
        much = " to ".join(dict.fromkeys(f"{f(ratios):.1f}" for f in (min, max)))
        text += (
            f" ThermoLion's steps are {much} times Adam's at the same learning rate, so a "
            "comparison at equal learning rate mixes the gate with the size of its steps."
        )
    return [text]
