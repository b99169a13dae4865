"""Records of one study alone: those of other grids stand in no table beside them."""

from __future__ import annotations

import functools
import importlib
from collections import Counter
from collections.abc import Sequence

from experiments import optimizers, protocols
from experiments.records import Record
from experiments.reports.labels import dataset_title, optimizer_title


def of_one_study(records: Sequence[Record]) -> tuple[list[Record], list[str]]:
    """For each optimizer and data set the records of one grid, and what is left out.

    A grid that was changed has another hash: its runs are not comparable with those before, nor
    with other optimizers' after it. So where some records are of the grids of this version, an
    optimizer of the benchmark's own stands with such alone. Of a user's optimizer, whose search
    space is not known here, and of a study made with older grids, the most frequent hash stands.
    """
    counts: dict[tuple[str, str], Counter[str]] = {}
    for one in records:
        key = (one.optimizer, one.dataset)
        counts.setdefault(key, Counter())[str(one.protocol_hash)] += 1
    protocol = next((one.protocol for one in records), "").partition("[")[0]
    todays = {key: _hash_of_this_version(protocol, *key) for key in counts}
    current = any(todays[key] in count for key, count in counts.items())
    kept = {
        key: (todays[key] if current else None) or count.most_common(1)[0][0]
        for key, count in counts.items()
    }
    found = [one for one in records if str(one.protocol_hash) == kept[one.optimizer, one.dataset]]
    excluded = [
        f"left out: {others} record(s) of {optimizer_title(name)} on {dataset_title(data)} that "
        "were made with other grids or another search space"
        for (name, data), count in counts.items()
        if (others := sum(count.values()) - count[kept[name, data]])
    ]
    return found, excluded


@functools.cache  # a hash costs milliseconds, and the findings ask for hundreds again
def _hash_of_this_version(protocol: str, optimizer: str, dataset: str) -> str | None:
    """What this version names an optimizer's runs on a data set by; None where it cannot tell."""
    if protocol not in protocols.STUDIES or optimizer.partition(":")[0] not in optimizers.NAMES:
        return None
    module = importlib.import_module(f"experiments.protocols.{protocol}")
    try:
        known = {optimizer: optimizers.resolve(optimizer)}
        study = module.study([dataset.partition(" (")[0]], known)
    except ValueError:  # a setting or a data set that this version does not know
        return None
    cells = study.plan(lambda cell: None).cells
    return next((cell.protocol.hash for cell in cells if cell.task.title == dataset), None)
