"""Which records stand together, and where they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import TypeVar

from experiments import protocols
from experiments.records import Record

Sortable = TypeVar("Sortable", str, int)


def mixed(records: Sequence[Record]) -> list[str]:
    """Says which code, packages, devices, layouts, data or protocol versions stand together."""
    found, alike = [], _alike(records)
    for what, value in (
        ("training code", lambda r: r.code or "not recorded"),
        ("package versions", _versions),
        ("devices, whose seconds do not compare", _device),
        ("layouts, whose seconds do not compare", _layout),
    ):
        groups = _count(alike, value)
        if len(groups) > 1:
            listed = "; ".join(f"{name} ({count} runs)" for name, count in groups)
            found.append(f"mixed {what}: these tables put together records of {listed}")
    kinds = [record for record, _ in alike]
    for (protocol, dataset), prints in _sets(
        kinds, ("protocol", "dataset"), attrgetter("fingerprint")
    ):
        if len(prints) > 1:
            short = ", ".join(p[:8] for p in prints)
            found.append(
                f"mixed data: under {protocol}, {dataset} has records of {len(prints)} different "
                f"data fingerprints ({short}); "
                + _stand(protocol, "they stand apart, each as a data set of its own")
            )
    for (dataset,), prints in _sets(
        [r for r in kinds if r.data.test_fingerprint],
        ("dataset",),
        lambda r: r.data.test_fingerprint or "",
    ):
        if len(prints) > 1:
            found.append(
                f"mixed held-out data: {dataset} was tested on {len(prints)} different sets of "
                "images under one name"
            )
    for kind in ("optimizer", "network"):
        source = attrgetter(f"{kind}_source")
        for (protocol, name), sources in _sets(
            kinds, ("protocol", kind), lambda r, source=source: source(r) or "not recorded"
        ):
            if len(sources) > 1:
                found.append(
                    f"mixed {kind} code: under {protocol}, the module of {name} was changed "
                    f"between runs ({', '.join(sources)}); "
                    + _stand(protocol, "each state of it has rows of its own")
                )
    for (protocol,), versions in _sets(kinds, ("protocol",), attrgetter("protocol_version")):
        if len(versions) > 1:
            listed = ", ".join(map(str, versions))
            found.append(
                f"mixed protocol versions: {protocol} has records of versions {listed}; each "
                "version has its own tables"
            )
    return found


def machine(record: Record) -> tuple[str, str]:
    """What a run's seconds depend on: the device, and how it was divided among runs."""
    return _device(record), _layout(record)


def _stand(protocol: str, otherwise: str) -> str:
    """What becomes of records that were changed under one name; see `of_one_study`."""
    study = protocols.base_name(protocol) in protocols.STUDIES
    return "the newest alone stand in its tables" if study else otherwise


def _versions(record: Record) -> str:
    return ", ".join(f"{k} {v}" for k, v in sorted(record.versions.items())) or "not recorded"


def _device(record: Record) -> str:
    device = record.device
    return f"{device.get('kind', 'not recorded')} x {device.get('count', '?')}"


def _layout(record: Record) -> str:
    layout = record.layout
    if not layout:
        return "not recorded"
    per_run = layout.get("devices_per_run", layout.get("split", "?"))  # its name in older records
    return (
        f"{per_run} of {layout.get('devices', '?')} device(s) a run, "
        f"{layout.get('together', '?')} run(s) together"
    )


_ORIGIN = attrgetter(
    *("protocol", "protocol_version", "dataset", "fingerprint", "data.test_fingerprint"),
    *("optimizer", "optimizer_source", "network", "network_source", "code", "commit", "command"),
)


def _alike(records: Iterable[Record]) -> list[tuple[Record, int]]:
    """One record of each origin, and how many have it: thousands of runs share a few."""
    found: dict[object, list[Record]] = {}
    for one in records:
        # As text: a record may hold anything that JSON can, and a list cannot be a key.
        machine = f"{one.versions} {one.device} {one.layout}"
        found.setdefault((_ORIGIN(one), machine), []).append(one)
    return [(same[0], len(same)) for same in found.values()]


def _count(
    alike: Iterable[tuple[Record, int]], value: Callable[[Record], str]
) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for record, number in alike:
        counts[value(record)] += number
    return sorted(counts.items())


def _sets(
    records: Sequence[Record], by: tuple[str, ...], value: Callable[[Record], Sortable]
) -> list[tuple[tuple[str, ...], list[Sortable]]]:
    found: dict[tuple[str, ...], set[Sortable]] = {}
    for record in records:
        found.setdefault(tuple(getattr(record, name) for name in by), set()).add(value(record))
    return [(key, sorted(found[key])) for key in sorted(found)]


def provenance(records: Sequence[Record]) -> list[str]:
    """Where the records come from: commands, commits, packages, devices and time spent."""
    found, alike = [], _alike(records)
    for title, value in (
        ("command", lambda r: f"`{r.command}`" if r.command else "not recorded"),
        ("commit", lambda r: r.commit or "not recorded"),
        ("packages", _versions),
        ("device", lambda r: f"{_device(r)}, {r.device.get('cores', '?')} CPU cores"),
    ):
        for name, count in _count(alike, value):
            found.append(f"{title}: {name} ({count} runs)")
    trained = sum(record.seconds for record in records)
    return [*found, f"time: {trained / 60:.1f} minutes of training in {len(records)} runs"]
