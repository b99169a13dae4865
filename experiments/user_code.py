"""What a user names by import path, package.module:name, with errors for people."""

import difflib
import hashlib
import importlib
import re
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_HINT_ON_TRACED_VALUES = (
    "; hyperparameters and arrays have no value while a program is compiled: use jax.numpy and "
    "jnp.where on them, not float(), int() or a Python if"
)
_OF_TRACED_VALUES = {
    "ConcretizationTypeError",
    "NonConcreteBooleanIndexError",
    "TracerArrayConversionError",
    "TracerBoolConversionError",
    "TracerIntegerConversionError",
}


def load(module_name: str, name: str, owner: str, names: tuple[str, ...] = ()) -> Any:
    """The attribute ``name`` of a module that is imported.

    Args:
        module_name: such as "package.module".
        name: of the attribute.
        owner: what error messages name, such as "network 'mine:net'".
        names: those that need no import, one of which may have been meant.

    Raises:
        ValueError: no import path, a module that cannot be imported, or no such attribute.

    Example:
        >>> load("math", "tau", "the constant")
        6.283185307179586
    """
    if not re.fullmatch(r"\w+(\.\w+)*", module_name) or not name.isidentifier():
        raise ValueError(f"{owner}: expected a name, or an import path package.module:function")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a user's module may fail in any way
        hint = ""
        if isinstance(error, ModuleNotFoundError) and module_name.startswith(error.name or "?"):
            hint = "; is its folder on PYTHONPATH?"
            hint += f" By name {nearest(module_name, names)}" if names else ""
        raise ValueError(f"{owner}: cannot import {module_name} ({reason(error)}){hint}") from error
    if not hasattr(module, name):
        public = [n for n in vars(module) if not n.startswith("_")]
        raise ValueError(f"{owner}: {module_name} has no {name}; {nearest(name, public)}")
    return getattr(module, name)


def fingerprint(module_name: str) -> str | None:
    """First 16 hex digits of the sha256 of an imported module's file; None where it has none."""
    path = getattr(importlib.import_module(module_name), "__file__", None)
    return path and hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint for an unknown name: the likely one, and all there are, nearest first.

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


@contextmanager
def reported_as(what: str) -> Iterator[None]:
    """Anything that a user's code raises, sys.exit included, as a ValueError that says where.

    Example:
        >>> with reported_as("optimizer 'mine:f': init"):
        ...     _ = {}["conv1"]
        Traceback (most recent call last):
        ...
        ValueError: optimizer 'mine:f': init raised KeyError: 'conv1'
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        raise ValueError(f"{what} raised {reason(error)}") from error


def reason(error: BaseException) -> str:
    """An exception in one line, with the line of the user's file that it came through.

    Example:
        >>> reason(ValueError("no such thing; there are a and b"))
        'ValueError: no such thing; there are a and b'
    """
    kind, text = type(error).__name__, shortened(message(error))
    hint = _HINT_ON_TRACED_VALUES if kind in _OF_TRACED_VALUES else ""
    return (f"{kind}: {text}" if text else kind) + _place(error) + hint


def reason_and_place(error: BaseException) -> str:
    """An exception in one line, none of it cut off, with the place it came from."""
    place = _place(error, anywhere=True)
    return f"{type(error).__name__}: {message(error) or 'no message'}{place}"


def _place(error: BaseException, *, anywhere: bool = False) -> str:
    """The deepest line of a user's file, else, where that serves, the deepest of all."""
    frames = traceback.extract_tb(error.__traceback__)
    found = [frame for frame in frames if _is_users(frame.filename)] or (frames if anywhere else [])
    return f" ({Path(found[-1].filename).name}, line {found[-1].lineno})" if found else ""


def _is_users(file: str) -> bool:
    """Whether it is neither ours, nor Python's, nor of an installed package."""
    if file.startswith("<") or {"site-packages", "dist-packages"} & {*Path(file).parts}:
        return False
    here = Path(__file__).parent
    others = (sysconfig.get_path("stdlib"), here, here.parent / "thermolion_optax")
    return not any(Path(file).is_relative_to(one) for one in others)


def message(error: BaseException) -> str:
    r"""The line of an exception's text that says what is wrong: the first.

    What a host callback raises reaches JAX as the text of its traceback: there the line below the
    frames.

    Example:
        >>> text = 'callback: Traceback (most recent call last):\n  File "mine.py", line 3, in f'
        >>> message(RuntimeError(text + "\nValueError: too few rows\nof three"))
        'ValueError: too few rows'
    """
    text = str(error).strip()
    if text.split("\n")[0].endswith("Traceback (most recent call last):"):
        text = re.split(r'^  File ".*\n(?:    .*\n)*', text, flags=re.MULTILINE)[-1]
    return text.split("\n")[0]


def shortened(text: str, most: int = 200) -> str:
    """A text, cut to at most ``most`` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"
