"""What a record must hold to be one, so that nothing downstream meets a surprise."""

from __future__ import annotations

import json
from typing import Any

_NUMBER = (int, float)
_FIELDS: dict[str, tuple[type, ...]] = {
    "protocol": (str,),
    "protocol_version": (int,),
    "dataset": (str,),
    "fingerprint": (str,),
    "optimizer": (str,),
    "hyperparameters": (dict,),
    "seed": (int,),
    "train_accuracy": (*_NUMBER, type(None)),
    "test_accuracy": (*_NUMBER, type(None)),
    "train_loss": (list,),
    "update_rms": (*_NUMBER, type(None)),
    "seconds": _NUMBER,
    "compile_seconds": _NUMBER,
    "status": (str,),
}
_CLASSES = ("classes", "classes_present")
_OPTIONAL: dict[str, type] = {
    "settings": dict,
    "changed": dict,
    "data": dict,
    "versions": dict,
    "device": dict,
    "layout": dict,
    "commit": str,
    "code": str,
    "optimizer_source": str,
    "command": str,
}


def _refuse(constant: str) -> None:
    raise ValueError(f"found {constant}, which JSON has not; expected null")


def parse(line: bytes) -> dict[str, Any]:
    """A record from one line of JSON.

    Raises:
        ValueError: it is none, with what was found and what was expected.
    """
    record = json.loads(line.decode("utf-8"), parse_constant=_refuse)  # all errors are ValueErrors
    if not isinstance(record, dict):
        raise ValueError(f"found a JSON {type(record).__name__}, expected an object")
    absent = [name for name in _FIELDS if name not in record]
    if absent:
        raise ValueError(f"the fields {', '.join(absent)} are absent")
    kinds = _FIELDS | {n: (t, type(None)) for n, t in _OPTIONAL.items() if n in record}
    for name, types in kinds.items():
        if not isinstance(record[name], types) or isinstance(record[name], bool):
            raise ValueError(f"{name} is {record[name]!r}, expected {types[0].__name__}")
    data = record.get("data") or {}
    numbers = [data.get(name) for name in ("examples", "test_examples", *_CLASSES)]
    for name in ("hyperparameters", "changed", "settings"):
        numbers += (record.get(name) or {}).values()
    for value in (*numbers, *record["train_loss"]):
        if not isinstance(value, (*_NUMBER, type(None))) or isinstance(value, bool):
            raise ValueError(f"found {value!r} where a number belongs")
    for name in ("hyperparameters", "changed"):
        if None in (record.get(name) or {}).values():
            raise ValueError(f"{name} holds a null, expected numbers")
    if not record["train_loss"]:
        raise ValueError("train_loss is empty, expected a number for each epoch")
    return {name: record[name] for name in record if record[name] is not None or name in _FIELDS}
