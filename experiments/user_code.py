"""What a user names by import path, package.module:name, with errors for people."""

import difflib
import hashlib
import importlib
import re
from pathlib import Path
from typing import Any


def load(module_name: str, name: str, owner: str, names: tuple[str, ...] = ()) -> Any:
    """The attribute ``name`` of a module that is imported.

    Args:
        module_name: such as "package.module".
        name: of the attribute.
        owner: whom error messages speak of, such as "network 'mine:net'".
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
    except Exception as error:  # a user's module may fail in any way while it is imported
        hint = ""
        if isinstance(error, ModuleNotFoundError) and module_name.startswith(error.name or "?"):
            hint = "; is its folder on PYTHONPATH?"
            hint += f" There are also, by name: {', '.join(names)}" if names else ""
        raise ValueError(
            f"{owner}: cannot import {module_name} ({type(error).__name__}: {error}){hint}"
        ) from error
    if not hasattr(module, name):
        public = [n for n in vars(module) if not n.startswith("_")]
        near = difflib.get_close_matches(name, public, n=1)
        there = f"did you mean {near[0]}?" if near else f"there are {', '.join(public) or 'none'}"
        raise ValueError(f"{owner}: {module_name} has no {name}; {there}")
    return getattr(module, name)


def fingerprint(module_name: str) -> str | None:
    """First 16 hex digits of the sha256 of an imported module's file; None where it has none."""
    path = importlib.import_module(module_name).__file__
    return path and hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
