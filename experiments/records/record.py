"""What a record holds: the one place that knows its fields, their types and its identity.

A field of `Record` is a field of the JSON line, a column of the CSV file and, where it is marked
so, a part of the identity of the cell that was run. A new one is one line here; give it a
default, so that older records stay readable.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

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
        update_rms: mean over the steps of the root mean square change of the parameters.
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
    settings: dict[str, float] = field(default_factory=dict)
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
    overrides: dict[str, Any] = field(default_factory=dict)
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
    update_rms: float | None
    seconds: float
    compile_seconds: float
    status: str
    health: list[str] = field(default_factory=list)
    layout: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    device: dict[str, Any] = field(default_factory=dict)
    commit: str | None = None
    code: str | None = None
    command: str | None = None
    finished: str | None = None

    @property
    def identity(self) -> str:
        """The name of the cell that was run; see `identity`."""
        return identity(vars(self))


IDENTITY: tuple[str, ...] = tuple(f.name for f in fields(Record) if f.metadata.get("identity"))
"""The fields that make a record the record of one cell."""

_DEFAULTS = {f.name: f.default for f in fields(Record) if f.default is not MISSING}


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
        if name not in _DEFAULTS or cell.get(name, _DEFAULTS[name]) != _DEFAULTS[name]
    }
    values["hyperparameters"] = {k: float(v) for k, v in values["hyperparameters"].items()}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def encode(record: Record) -> bytes:
    """One line of strict JSON; numbers that are not finite become null, defaults go unsaid."""
    said = {
        name: value
        for name, value in asdict(record).items()
        if name not in _DEFAULTS or value != _DEFAULTS[name]
    }
    return json.dumps(_finite(said), allow_nan=False, ensure_ascii=False).encode() + b"\n"


def parse(line: bytes) -> Record:
    """A record from one line of JSON; names that this version does not know are left out.

    Raises:
        ValueError: it is none, with what was found and what was expected.
    """
    found = json.loads(line.decode("utf-8"), parse_constant=_refuse)  # all errors are ValueErrors
    record = _build(Record, found, "")
    if not record.train_loss:
        raise ValueError("train_loss is empty, expected a number for each epoch")
    return record


def _build(kind: Any, found: Any, owner: str) -> Any:
    """The dataclass ``kind`` of a JSON object, every field checked against its annotation."""
    if not isinstance(found, dict):
        where = f"{owner} is" if owner else "found"
        raise ValueError(f"{where} a JSON {type(found).__name__}, expected an object")
    (hints, required), given = _schema(kind), {}
    absent = sorted(required - found.keys())
    if absent:
        raise ValueError(f"the fields {', '.join(absent)} are absent")
    for name in found.keys() & hints.keys():
        value, hint = found[name], hints[name]
        if value is None and not _fits(None, hint):
            if name in required:
                raise ValueError(f"{name} is null, expected {_word(hint)}")
            continue  # an older record's way to say nothing
        if is_dataclass(hint):
            value = _build(hint, value, name)
        elif not _fits(value, hint):
            raise ValueError(f"{name} is {value!r}, expected {_word(hint)}")
        given[name] = value
    return kind(**given)


@functools.cache
def _schema(kind: Any) -> tuple[dict[str, Any], set[str]]:
    """The annotations of a dataclass, and the fields that have no default."""
    required = {f.name for f in fields(kind) if f.default is f.default_factory is MISSING}
    return get_type_hints(kind), required


def _fits(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is list:
        return isinstance(value, list) and all(_fits(one, inner[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(one, inner[1]) for one in value.values())
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)


def _word(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _refuse(constant: str) -> None:
    raise ValueError(f"found {constant}, which JSON has not; expected null")
