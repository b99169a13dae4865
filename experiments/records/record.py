"""What a record holds: the one place that knows its fields, their types and its identity.

A field of `Record` is a field of the JSON line, a column of the CSV file and, where it is marked
so, a part of the identity of the cell that was run. A new one is one line here; give it a
default, so that older records stay readable.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

Fields = dict[str, Any]
"""Some fields of a record, by name."""

_IDENTITY = {"identity": True}


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """The data a run had.

    Attributes:
        fingerprint: sha256 of the training images and labels.
        validation_fingerprint: the same of the validation part.
        test_fingerprint: the same of the test part.
        examples: training images.
        validation_examples: validation images.
        test_examples: test images.
        shape: of one image.
        classes: classes of the data set.
        classes_present: classes that the training images hold.
        largest_class: training images of the commonest class.
        label_noise: share of the labels of train and validation that were redrawn.
        sparsity: share of each image's pixels that were set to 0.
        rule: how the parts were made, where they are not the published ones.
        licence: the terms of the data.
        source: where they come from.
    """

    fingerprint: str | None = None
    validation_fingerprint: str | None = None
    test_fingerprint: str | None = None
    examples: int | None = None
    validation_examples: int | None = None
    test_examples: int | None = None
    shape: list[int] | None = None
    classes: int | None = None
    classes_present: int | None = None
    largest_class: int | None = None
    label_noise: float | None = None
    sparsity: float | None = None
    rule: str | None = None
    licence: str | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """One run: what was asked for, what came of it, and where it was made.

    Attributes:
        protocol: printed name, deviations included.
        protocol_version: raised when the same cell would be measured differently.
        protocol_hash: fingerprint of a protocol's grids and trial points, where it has such.
        settings: the numbers that the protocol trains with.
        regime: length and batch size by name.
        budget: share of the protocol's full trials and seeds.
        phase: what the run is for: tune, refine, confirm, final or default.
        trial: number of the quasi-random point, where it is one.
        dataset: name, or the file's name.
        fingerprint: sha256 of the images and labels trained on.
        network: what was trained.
        network_source: fingerprint of the file of a user's network.
        optimizer: canonical name.
        optimizer_source: fingerprint of the file of a user's optimizer.
        hyperparameters: numbers that the optimizer was built with.
        changed: those of them that differ from its defaults.
        overrides: what the name changes.
        schedule: of the learning rate.
        note: the optimizer in one line.
        seed: of initial weights, data order and noise.
        data: what is known of the data.
        train_loss: mean of the batch losses, one an epoch; None where it was not finite.
        train_accuracy: share of the training images classified correctly at the end.
        validation_accuracy: readings of the validation part along training, the last at the end.
        validation_loss: the same of its mean cross-entropy.
        test_accuracy: share of the test images, where they were read.
        test_correct: one bit a test image, packed, base64.
        test_readings: versions of the optimizer, its file or its grid, and of the network's file
            that these test images have judged, with this one; 0 where the run does not read them.
        update_rms: mean over the steps of the root mean square change of the parameters.
        telemetry: what was measured along training beside the losses, one number a reading.
        seconds: wall time without compilation.
        compile_seconds: of the compilation that the run shares with others.
        status: "ok", or "diverged" where a loss or a change was not finite.
        health: what is wrong with a run whose numbers are finite: at chance, a loss that rose.
        layout: devices, those that shared the run, and runs trained together.
        versions: of Python and the packages.
        device: what JAX ran on.
        commit: of the sources.
        code: fingerprint of the training code.
        command: that made the run.
        finished: when, UTC.
    """

    protocol: str = field(metadata=_IDENTITY)
    protocol_version: int = field(metadata=_IDENTITY)
    protocol_hash: str | None = field(default=None, metadata=_IDENTITY)
    settings: dict[str, int | float] = field(default_factory=dict)
    regime: str | None = field(default=None, metadata=_IDENTITY)
    budget: str | None = None
    phase: str | None = field(default=None, metadata=_IDENTITY)
    trial: int | None = None
    dataset: str = field(metadata=_IDENTITY)
    fingerprint: str = field(metadata=_IDENTITY)
    network: str = field(default="convnet", metadata=_IDENTITY)
    network_source: str | None = field(default=None, metadata=_IDENTITY)
    optimizer: str = field(metadata=_IDENTITY)
    optimizer_source: str | None = field(default=None, metadata=_IDENTITY)
    hyperparameters: dict[str, float] = field(metadata=_IDENTITY)
    changed: dict[str, float] = field(default_factory=dict)
    overrides: dict[str, object] = field(default_factory=dict)
    schedule: str = field(default="constant", metadata=_IDENTITY)
    note: str | None = None
    seed: int = field(metadata=_IDENTITY)
    data: DataFacts = field(default_factory=DataFacts)
    train_loss: list[float | None]
    train_accuracy: float | None
    validation_accuracy: list[float | None] | None = None
    validation_loss: list[float | None] | None = None
    test_accuracy: float | None
    test_correct: str | None = None
    test_readings: int | None = None
    update_rms: float | None
    telemetry: dict[str, list[float | None]] | None = None
    seconds: float
    compile_seconds: float
    status: str
    health: list[str] = field(default_factory=list)
    layout: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    device: dict[str, object] = field(default_factory=dict)
    commit: str | None = None
    code: str | None = None
    command: str | None = None
    finished: str | None = None

    @property
    def clean_dataset(self) -> str:
        """The data set's name without what was done to it: wrong labels or blank pixels."""
        changed = self.data.label_noise or self.data.sparsity
        return self.dataset.rpartition(" (")[0] if changed else self.dataset

    @functools.cached_property
    def identity(self) -> str:
        """The name of the cell that was run; see `identity`."""
        return identity(vars(self))


IDENTITY: tuple[str, ...] = tuple(f.name for f in fields(Record) if f.metadata.get("identity"))
"""The fields that make a record the record of one cell."""

_SORTED = json.JSONEncoder(sort_keys=True)  # one for all: records come in tens of thousands

DEFAULTS = {f.name: f.default for f in fields(Record) if f.default is not MISSING}


def identity(cell: Mapping[str, Any]) -> str:
    """A stable name of a cell: sha256 over its `IDENTITY` fields, 16 hex digits.

    Fields at their default are left out, so a field that comes later changes no older name.

    Example:
        >>> cell = dict(protocol="paper", protocol_version=1, dataset="digits", fingerprint="0",
        ...             optimizer="adam", hyperparameters={"learning_rate": 1e-3}, seed=0)
        >>> identity(cell) == identity(cell | {"seconds": 3.0, "network": "convnet"})
        True
        >>> identity(cell) == identity(cell | {"seed": 1})
        False
    """
    values = {
        name: cell[name]
        for name in IDENTITY
        if name not in DEFAULTS or cell.get(name, DEFAULTS[name]) != DEFAULTS[name]
    }
    values["hyperparameters"] = {k: float(v) for k, v in values["hyperparameters"].items()}
    return hashlib.sha256(_SORTED.encode(values).encode()).hexdigest()[:16]
