"""What ``python -m experiments list`` says: what there is of everything."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence

from experiments import datasets, networks, optimizers, protocols


def text(data_dir: str | None = None, manual_dir: str | None = None) -> str:
    """Four tables, for a terminal.

    Args:
        data_dir: where prepared data sets are looked for.
        manual_dir: where files fetched by hand are.
    """
    rows = datasets.describe(data_dir=data_dir, manual_dir=manual_dir)
    columns = {
        "name": "name",
        "classes": "classes",
        "train": "train",
        "test": "test",
        "classes_in_first_5000": "classes in first 5,000",
        "licence": "licence",
        "state": "here",
    }
    of_data = [{title: _short(row[key]) for key, title in columns.items()} for row in rows]
    resolved = {name: optimizers.resolve(name) for name in optimizers.NAMES}
    of_optimizers = [
        {"name": name, "default": _settings(found.hyperparameters), "what it is": found.note}
        for name, found in resolved.items()
    ]
    of_networks = [{"name": name, "what it is": note} for name, note in networks.NOTES.items()]
    staged = {
        name: importlib.import_module(f"experiments.protocols.{name}.constants").protocol()
        for name in protocols.STUDIES
    }
    of_protocols = [
        {"name": p.base, "version": p.version, "what it is": p.summary}
        for p in protocols.PROTOCOLS.values()
    ] + [
        {"name": name, "version": numbers["version"], "what it is": numbers["description"]}
        for name, numbers in staged.items()
    ]
    return "\n".join(
        [
            "data sets (or a path to an .npz file with images and labels):",
            _columns(of_data),
            *(f"  {row['name']}: {row['note']}" for row in rows if row["note"]),
            "\noptimizers (or package.module:function of your own):",
            _columns(of_optimizers),
            "\nnetworks (or package.module:function of your own):",
            _columns(of_networks),
            "\nprotocols:",
            _columns(of_protocols),
        ]
    )


def _short(value: object) -> str:
    """A cell of the list: a file list after a colon is left out, nothing is a dash."""
    return "-" if value is None else str(value).split(": ")[0]


def _settings(hyperparameters: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in hyperparameters.items())


def _columns(rows: Sequence[Mapping[str, object]]) -> str:
    """Dicts with the same keys as aligned columns; the last one is not padded."""
    header = list(rows[0])
    lines = [
        [name.replace("_", " ") for name in header],
        *([str(row[k]) for k in header] for row in rows),
    ]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  " + "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
