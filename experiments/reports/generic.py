"""A section of any protocol: data sets, comparison with a baseline, seconds, figures, notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from experiments import protocols
from experiments.analysis import sweeps
from experiments.analysis.summaries import Entry
from experiments.protocols.reference import Reference
from experiments.reports import comparison, figures, missing, notes, tables
from experiments.reports.labels import dataset_order
from experiments.reports.section import Figure, Question, Section, slug


def build(entries: Sequence[Entry], question: Question) -> list[Section]:
    """A section for each network."""
    return [section(group, question) for group in by_network(entries)]


def by_network(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries apart by network and its file, the convnet first: none share a table."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        key = (entry.network, entry.conditions.get("network_source", ""))
        groups.setdefault(key, []).append(entry)
    return [groups[key] for key in sorted(groups, key=lambda key: (key[0] != "convnet", key))]


def reference(entries: Sequence[Entry]) -> Reference | None:
    """The published numbers of the entries' protocol, if it has any of their network."""
    try:
        found = protocols.parse(entries[0].protocol).reference
    except ValueError:  # records of a protocol that this version does not know
        return None
    return found if found and found.network == entries[0].network else None


def section(
    entries: Sequence[Entry], question: Question, beside: Reference | None = None
) -> Section:
    """What every protocol has.

    Args:
        entries: of one protocol, version and network.
        question: what the caller asks.
        beside: published numbers to print beside.
    """
    first = entries[0]
    compared, about = comparison.tables(entries, question.baseline)
    parts = [tables.dataset_table(entries, name, beside) for name in dataset_order(entries)]
    seconds = tables.seconds_table(
        entries, dataset_order(entries), "Seconds of a training run ± standard deviation"
    )
    title, network = f"Protocol {first.protocol}, version {first.version}", ""
    every = [*compared, *parts, seconds]
    if first.network != "convnet":
        source = first.conditions.get("network_source", "")
        network = f"network {first.network} {source[:8]}".rstrip()
        title += f", {network}"
        every = [replace(table, title=f"{table.title} [{network}]") for table in every]
    return Section(
        title=title,
        slug=slug(f"{first.protocol} v{first.version} {network}"),
        description=_description(first.protocol),
        tables=tuple(every),
        figures=tuple(_figures(entries, beside)),
        notes=(*notes.notes(entries), *about),
        missing=tuple(missing.missing(entries, question.folder)),
    )


def _description(protocol: str) -> str:
    try:
        return protocols.parse(protocol).summary
    except ValueError:
        return "a protocol that this version does not know"


def _figures(entries: Sequence[Entry], beside: Reference | None) -> list[Figure]:
    swept = sweeps.swept(entries)
    shown = [best.entry for best in sweeps.best(entries)] if swept else list(entries)
    which = "; each optimizer at its best learning rate by train accuracy" if swept else ""
    published = f", and {beside.name}'s number" if beside else ""
    found = [
        Figure(
            "loss",
            f"Training loss per epoch (mean over seeds; bands: smallest to largest{which})",
            partial(figures.loss, shown),
        ),
        Figure(
            "accuracy",
            f"Accuracy: 95 % intervals for the mean over seeds{published}{which}",
            partial(figures.accuracy, shown, beside),
        ),
    ]
    if swept:
        caption = (
            "Train accuracy against learning rate (mean over seeds; bands: smallest to largest; "
            f"cut off {figures.DEPTH:.0f} points below the best)"
        )
        found.insert(0, Figure("rates", caption, partial(figures.rates, entries)))
    return found
