"""The text `name=value,name=value` as arguments of a function, with errors for people."""

import difflib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Parameters = Mapping[str, inspect.Parameter]
INFINITY = float("inf")
_WORDS = {"true": True, "false": False, "none": None}


def parse(text: str, parameters: Parameters, known: Sequence[str], owner: str) -> dict[str, Any]:
    """name=value,… as Python values, each checked against what the function takes.

    Args:
        text: such as "boost=0,noise_units=parameter".
        parameters: of the function. A parameter whose default is a float takes only numbers.
        known: the names that may be given.
        owner: whom error messages speak of.

    Raises:
        ValueError: not of that form, a name unknown or given twice, or text for a number.

    Example:
        >>> def f(learning_rate=1e-3, nesterov=False): ...
        >>> parameters = inspect.signature(f).parameters
        >>> parse("nesterov=true", parameters, list(parameters), "f")
        {'nesterov': True}
    """
    found: dict[str, Any] = {}
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
        if (name == "learning_rate" or isinstance(default, float)) and not is_number(value):
            raise ValueError(f"{owner}: {name} is {value!r}, expected a number")
    return found


def check_known(
    given: Iterable[str], parameters: Parameters, known: Sequence[str], owner: str
) -> None:
    """Raises a ValueError for a name that the function does not take."""
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in given:
        if name not in known:
            raise ValueError(f"{owner} has no hyperparameter {name!r}; {nearest(name, known)}")


def value_of(text: str) -> Any:
    """A number, true, false, none, or else the text.

    Example:
        >>> [value_of(text) for text in ("3", "1e-3", "true", "None", "criterion")]
        [3, 0.001, True, None, 'criterion']
    """
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def is_number(value: Any) -> bool:
    """Whether it is a Python number, booleans aside."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Whether it is a Python integer of at least 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def check_range(**given: tuple[Any, float, float]) -> None:
    """Raises a ValueError for a Python number outside [low, high); what is traced passes.

    Example:
        >>> check_range(b1=(1.5, 0.0, 1.0))
        Traceback (most recent call last):
        ...
        ValueError: b1 = 1.5, but must be in [0, 1)
    """
    for name, (value, low, high) in given.items():
        if is_number(value) and not low <= value < high:
            bounds = f"in [{low:g}, {high:g})" if high < INFINITY else f"finite, at least {low:g}"
            raise ValueError(f"{name} = {value!r}, but must be {bounds}")


def nearest(name: str, known: Sequence[str]) -> str:
    """What to say of a name that is unknown: the likely one, and all there are, nearest first.

    Example:
        >>> nearest("adan", ["lion", "adam"])
        'did you mean adam? There are adam, lion'
    """
    if not known:
        return "there are none"
    near = difflib.get_close_matches(name, known, n=1)
    ranked = sorted(known, key=lambda k: -difflib.SequenceMatcher(None, name, k).ratio())
    listed = ", ".join(ranked[:20]) + (", …" if len(ranked) > 20 else "")
    return f"did you mean {near[0]}? There are {listed}" if near else f"there are {listed}"
