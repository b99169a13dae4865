"""The text `name=value,name=value` as arguments of a function, with errors for people."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeGuard

from experiments.user_code import nearest

Parameters = Mapping[str, inspect.Parameter]
Value = bool | int | float | str | None
"""What an override, written as text, can be."""

FLOAT32_TINY, FLOAT32_MAX = 2.0**-126, (2 - 2.0**-23) * 2.0**127  # normal numbers
_WORDS = {"true": True, "false": False, "none": None}
_VALUES = (bool, int, float, str, type(None))


def parse(text: str, parameters: Parameters, known: Sequence[str], owner: str) -> dict[str, Value]:
    """name=value,… as Python values, each checked against what the function takes.

    Args:
        text: such as "boost=0,noise_units=parameter".
        parameters: of the function. A parameter whose default is a float takes only numbers.
        known: the names that may be given.
        owner: what error messages name.

    Raises:
        ValueError: not of that form, a name unknown or given twice, or text for a number.

    Example:
        >>> def f(learning_rate=1e-3, nesterov=False): ...
        >>> parameters = inspect.signature(f).parameters
        >>> parse("nesterov=true", parameters, list(parameters), "f")
        {'nesterov': True}
    """
    found: dict[str, Value] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not value:
            raise ValueError(f"{owner}: {part!r} is no override, expected name=value")
        if name in found:
            raise ValueError(f"{owner}: {name} is given twice")
        found[name] = value_of(value)
    check_known(found, parameters, known, owner)
    for name, value in found.items():
        default = parameters[name].default if name in parameters else None
        if name == "learning_rate" or isinstance(default, float):
            if not is_number(value) or not abs(value) <= FLOAT32_MAX:  # nan, too
                raise ValueError(
                    f"{owner}: {name} is {value!r}, expected a number that float32 holds"
                )
            found[name] = float(value)
    return found


def canonical(found: Mapping[str, Value], parameters: Parameters) -> dict[str, Value]:
    """The overrides that change something, by name: one order for all ways to write them.

    Example:
        >>> def f(learning_rate=1e-3, b1=0.9, nesterov=False): ...
        >>> canonical({"nesterov": True, "b1": 0.9}, inspect.signature(f).parameters)
        {'nesterov': True}
    """

    def is_default(name: str, value: Value) -> bool:
        default = parameters[name].default if name in parameters else inspect.Parameter.empty
        same_kind = isinstance(value, bool) == isinstance(default, bool)
        return same_kind and isinstance(default, _VALUES) and value == default

    return {name: value for name, value in sorted(found.items()) if not is_default(name, value)}


def spelled(overrides: Mapping[str, Value]) -> str:
    """Overrides as text that `parse` reads: numbers as short as they can be.

    Example:
        >>> spelled({"boost": 0.0, "eps": 1e-8, "mask": None, "nesterov": True})
        'boost=0,eps=1e-08,mask=none,nesterov=true'
    """
    return ",".join(f"{name}={_spelled(value)}" for name, value in overrides.items())


def _spelled(value: Value) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    # A parameter that takes floats has 0.0 where another has 0.
    return str(value_of(repr(value)) if isinstance(value, float) else value)


def check_known(
    given: Iterable[str], parameters: Parameters, known: Sequence[str], owner: str
) -> None:
    """Raises a ValueError for a name that the function does not take."""
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in given:
        if name not in known:
            raise ValueError(f"{owner} has no hyperparameter {name!r}; {nearest(name, known)}")


def value_of(text: str) -> Value:
    """A number, true, false, none, or else the text. A whole number is an int, however written.

    Example:
        >>> [value_of(text) for text in ("3", "3.0", "1e-3", "true", "None", "criterion")]
        [3, 3, 0.001, True, None, 'criterion']
    """
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return int(text)
    except ValueError:
        try:
            number = float(text)
        except ValueError:
            return text
    whole = number.is_integer() and abs(number) < 1e15  # beyond, 1e300 is shorter
    return int(number) if whole else number


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a Python number, booleans aside."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is a Python integer of at least 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def check_settings(**given: object) -> None:
    """Raises a ValueError for a Python number out of range; what is traced passes.

    Decays are in [0, 1), everything else is at least 0 and finite, in float32, too.

    Example:
        >>> check_settings(b1=1.5)
        Traceback (most recent call last):
        ...
        ValueError: b1 = 1.5, but must be in [0, 1), in float32, too
    """
    for name, value in given.items():
        decay = name.removeprefix("adam_") in ("b1", "b2", "beta", "momentum", "decay")
        # 2**-25 below 1 float32 rounds to 1.
        high = 1 - 2.0**-25 if decay else FLOAT32_MAX
        if is_number(value) and not (0 <= value < high):
            bounds = "in [0, 1)" if decay else "finite and at least 0"
            raise ValueError(f"{name} = {value!r}, but must be {bounds}, in float32, too")


def check_learning_rate(rate: float, owner: str = "learning_rate") -> float:
    """The rate as a float.

    Raises:
        ValueError: it is not positive, or 0 or infinite in float32, in which training counts.

    Example:
        >>> check_learning_rate(1)
        1.0
    """
    if not is_number(rate) or not FLOAT32_TINY <= rate <= FLOAT32_MAX:
        raise ValueError(
            f"{owner} is {rate!r}, expected a positive number that float32 can hold, "
            f"from {FLOAT32_TINY:.2g} to {FLOAT32_MAX:.2g}"
        )
    return float(rate)
