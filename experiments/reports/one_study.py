"""Records of one study alone: those of other grids stand in no table beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from experiments.records import Record
from experiments.reports.labels import dataset_title, optimizer_title


def of_one_study(records: Sequence[Record]) -> tuple[list[Record], list[str]]:
    """For each optimizer and data set the records of its most frequent grid, and what is left out.

    A grid that was changed has another hash: its runs are not comparable with those before.
    """
    counts: dict[tuple[str, str], Counter[str]] = {}
    for one in records:
        key = (one.optimizer, one.dataset)
        counts.setdefault(key, Counter())[str(one.protocol_hash)] += 1
    kept = {key: count.most_common(1)[0][0] for key, count in counts.items()}
    found = [one for one in records if str(one.protocol_hash) == kept[one.optimizer, one.dataset]]
    excluded = [
        f"left out: {sum(count.values()) - count[kept[name, data]]} record(s) of "
        f"{optimizer_title(name)} on {dataset_title(data)} that were made with other grids or "
        "another search space"
        for (name, data), count in counts.items()
        if len(count) > 1
    ]
    return found, excluded
