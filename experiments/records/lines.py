"""Records as text: one line of strict JSON each, read back field by field, or a CSV file."""

from __future__ import annotations

import csv
import functools
import io
import json
import math
import operator
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from experiments.records.record import Record

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Of = TypeVar("Of")
Hint = Any  # an annotation: a type, a union, a generic


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
    """The dataclass ``kind`` of one line of JSON, every field checked against its annotation."""
    return _build(kind, _DECODER.decode(line.decode("utf-8")), "")  # all errors are ValueErrors


def columns(kind: type = Record) -> list[str]:
    """The fields of a record that a table of runs has: all but the lists and the packed bits."""
    return [
        name
        for name, hint in _schema(kind)[0].items()
        if not _is_list(hint) and name != "test_correct"
    ]


def to_csv(records: Iterable[Record]) -> str:
    """One row a record, one column a field; what is not a number or a text is JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = columns()
    writer.writerow(names)
    values = operator.attrgetter(*names)
    packed = [place for place, name in enumerate(names) if not _plain(_schema(Record)[0][name])]
    for one in records:
        row = [*values(one)]  # the writer leaves None empty
        for place in packed:
            row[place] = _cell(row[place])
        writer.writerow(row)
    return text.getvalue()


_STRICT = json.JSONEncoder(sort_keys=True, allow_nan=False, default=vars)  # a dataclass inside


def _cell(value: object) -> str | None:
    if value is None:
        return None
    try:
        return _STRICT.encode(value)
    except ValueError:  # a number that is not finite: seldom, and the search for it is slow
        return _STRICT.encode(_finite(vars(value) if is_dataclass(value) else value))


def _is_list(hint: Hint) -> bool:
    return any(get_origin(one) is list for one in (hint, *get_args(hint)))


def _build(kind: Hint, found: object, owner: str) -> Any:
    """The dataclass ``kind`` of a JSON object, every field checked against its annotation."""
    if not isinstance(found, dict):
        where = f"{owner} is" if owner else "found"
        raise ValueError(f"{where} a JSON {type(found).__name__}, expected an object")
    plain, others = _sorted_out(kind, (*found,), (*map(type, found.values()),))
    given = {name: found[name] for name in plain}
    for name, check in others:
        value = found[name]
        given[name] = value if check(value) else _inner(_schema(kind)[0][name], value, name)
    return kind(**given)


def _inner(hint: Hint, value: object, name: str) -> Any:
    """The dataclass, or the list of them, that a field of an object is annotated as."""
    if is_dataclass(hint):
        return _build(hint, value, name)
    if (one := _list_of(hint)) and isinstance(value, list):
        return [_build(one, item, f"an item of {name}") for item in value]
    raise ValueError(f"{name} is {value!r}, expected {_word(hint)}")


@functools.lru_cache(maxsize=256)  # of tens of thousands of records most are of few forms
def _sorted_out(
    kind: type, names: tuple[str, ...], types: tuple[type, ...]
) -> tuple[list[str], list[tuple[str, Callable[[object], bool]]]]:
    """Of an object's fields those whose types alone show them right, and others' checks.

    In neither are names that this version does not know, and those with null where none can be:
    an older record's way to say nothing.

    Raises:
        ValueError: a required field is absent or null.
    """
    hints, required = _schema(kind)
    if absent := sorted(required - {*names}):
        raise ValueError(f"the fields {', '.join(absent)} are absent")
    plain, others = [], []
    for name, one in zip(names, types, strict=True):
        if name not in hints:
            continue
        check = _check(hints[name])
        if one in (_plain(hints[name]) or ()):
            plain.append(name)
        elif one is not type(None) or check(None):
            others.append((name, check))
        elif name in required:
            raise ValueError(f"{name} is null, expected {_word(hints[name])}")
    return plain, others


@functools.cache
def _schema(kind: type) -> tuple[dict[str, Hint], set[str]]:
    """The annotations of a dataclass, and its fields without a default."""
    required = {f.name for f in fields(kind) if f.default is f.default_factory is MISSING}
    return get_type_hints(kind), required


@functools.cache
def _defaults(kind: type) -> dict[str, object]:
    return {f.name: f.default for f in fields(kind) if f.default is not MISSING}


@functools.cache
def _list_of(hint: Hint) -> Hint:
    """The dataclass that an annotation is a list of, if it is."""
    inner = get_args(hint)
    return inner[0] if get_origin(hint) is list and is_dataclass(inner[0]) else None


@functools.cache
def _check(hint: Hint) -> Callable[[object], bool]:
    """Whether a value is of an annotated type, as a function made once for each annotation."""
    if hint is object:
        return lambda value: True
    if kinds := _plain(hint):
        return lambda value: type(value) in kinds  # a bool is not an int here
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        checks = [_check(one) for one in inner]
        return lambda value: any(check(value) for check in checks)
    if origin is list:
        items = _check_all(inner[0])
        return lambda value: isinstance(value, list) and items(value)
    if origin is dict:
        items = _check_all(inner[1])
        return lambda value: isinstance(value, dict) and items(value.values())
    return lambda value: type(value) is hint


def _check_all(hint: Hint) -> Callable[[Iterable[object]], bool]:
    """Whether values are all of an annotated type."""
    if kinds := _plain(hint):
        return lambda values: kinds.issuperset(map(type, values))
    check = _check(hint)
    return lambda values: all(map(check, values))


@functools.cache
def _plain(hint: Hint) -> frozenset[type] | None:
    """The JSON types that an annotation takes, where it says no more than that."""
    if get_origin(hint) in (Union, types.UnionType):
        parts = [_plain(one) for one in get_args(hint)]
        return None if None in parts else frozenset().union(*filter(None, parts))
    kinds = {float: {int, float}, int: {int}, str: {str}, bool: {bool}, type(None): {type(None)}}
    return frozenset(kinds[hint]) if hint in kinds else None


def _word(hint: Hint) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _refuse(constant: str) -> None:
    raise ValueError(f"found {constant}, which JSON has not; expected null")


_DECODER = json.JSONDecoder(parse_constant=_refuse)  # one for all, as each costs
