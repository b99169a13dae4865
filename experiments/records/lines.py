"""Records as text: one line of strict JSON each, read back field by field, or a CSV file."""

from __future__ import annotations

import csv
import functools
import io
import json
import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, fields
from typing import TYPE_CHECKING, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from experiments.records.record import Record

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Of = TypeVar("Of")


def encode(record: DataclassInstance) -> bytes:
    """One line of strict JSON: numbers that are not finite are null, plain defaults left out."""
    defaults = _defaults(type(record))
    stated = {
        name: value
        for name, value in asdict(record).items()
        if name not in defaults or value != defaults[name]
    }
    return json.dumps(_finite(stated), allow_nan=False, ensure_ascii=False).encode() + b"\n"


def parse(line: bytes) -> Record:
    """A record from one line of JSON; names that this version does not know are left out.

    Raises:
        ValueError: it is none, with what was found and what was expected.
    """
    record = build(Record, line)
    if not record.train_loss:
        raise ValueError("train_loss is empty, expected a number for each epoch")
    return record


def build(kind: type[Of], line: bytes) -> Of:
    """The dataclass ``kind`` of one line of JSON, every field checked against its annotation.

    Raises:
        ValueError: it is none.
    """
    try:
        return _decoder(kind).decode(line)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None


def columns(kind: type = Record) -> list[str]:
    """The fields of a record that a table of runs has: all but the lists and the packed bits."""

    def is_list(hint: object) -> bool:
        return any(get_origin(one) is list for one in (hint, *get_args(hint)))

    hints = get_type_hints(kind)
    return [name for name, hint in hints.items() if not is_list(hint) and name != "test_correct"]


def to_csv(records: Iterable[Record]) -> str:
    """One row a record, one column a field; what is not a number or a text is JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = columns()
    writer.writerow(names)
    values = operator.attrgetter(*names)
    for one in records:
        writer.writerow(map(_cell, values(one)))
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str | int | float | None):  # the writer leaves None empty
        return value
    return _ENCODER.encode(value).decode()


_ENCODER = msgspec.json.Encoder(order="deterministic")  # not finite: null, as in a line


@functools.cache
def _decoder(kind: type[Of]) -> msgspec.json.Decoder[Of]:
    return msgspec.json.Decoder(kind)


@functools.cache
def _defaults(kind: type) -> dict[str, object]:
    return {f.name: f.default for f in fields(kind) if f.default is not MISSING}


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
