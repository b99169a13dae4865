"""An optimizer by name, with overrides, or a user's own by its import path.

    adam                                    one of NAMES at its settings in the paper protocol
    thermolion:boost=0,temperature=0        the same with some settings changed
    my_package.my_module:my_optimizer       a function of your own
    my_package.my_module:my_optimizer:decay=0.5

A function of your own takes `learning_rate` and returns an `optax.GradientTransformation`, or a
pair of one and `eval_params(opt_state, params)`, the parameters to evaluate. It may also take
`key`, `steps_per_epoch` and `total_steps`, which it gets where it names them, and anything that
has a default or comes as an override. `learning_rate` and `key` come traced.
"""

import hashlib
import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import optax

from experiments.optimizers import overrides as texts
from experiments.optimizers.settings import FACTORIES

NAMES: tuple[str, ...] = tuple(FACTORIES)
DEFAULT_LEARNING_RATE = 1e-3
_FROM_RUN = ("key", "steps_per_epoch", "total_steps")
_EMPTY = inspect.Parameter.empty

EvalParams = Callable[[Any, Any], Any]
Built = optax.GradientTransformation | tuple[optax.GradientTransformation, EvalParams]


@dataclass(frozen=True)
class Optimizer:
    """An optimizer that can be trained.

    Attributes:
        name: as the caller wrote it, such as "thermolion:boost=0".
        build: `build(hyperparameters, key, steps_per_epoch, total_steps)` makes the
            transformation, or a pair of it and `eval_params(opt_state, params)`.
            Hyperparameters go before overrides, overrides before defaults; they may be traced.
        hyperparameters: those that a run passes to `build` by default.
        overrides: what the name changes, Python values.
        note: one line on what it is, with its settings.
        source: of one that is imported, the first 16 hex digits of its module's sha256.
    """

    name: str
    build: Callable[[Mapping[str, Any], Any, int, int], Built] = field(repr=False)
    hyperparameters: dict[str, float]
    overrides: dict[str, Any]
    note: str
    source: str | None = None


def resolve(spec: str) -> Optimizer:
    """The optimizer of that name or import path, overrides included.

    Args:
        spec: "name", "name:override=value,…", "package.module:function" or
            "package.module:function:override=value,…". Values are numbers, true, false, none
            and, failing these, text.

    Raises:
        ValueError: an unknown name, override or function, a value that does not fit, or a
            function with a signature that cannot be called with a learning rate.

    Example:
        >>> resolve("thermolion:boost=0").overrides
        {'boost': 0}
        >>> print(resolve("lion:learning_rate=3e-4").note.split("(")[1])
        learning_rate=0.0003, b1=0.9, b2=0.99, weight_decay=0)
    """
    spec = spec.strip()
    head, *rest = spec.split(":")
    owner = f"optimizer {spec!r}"
    if head in FACTORIES:
        factory, title = FACTORIES[head], head
    elif rest and "=" not in rest[0]:
        factory, title = _import(head, rest.pop(0), owner), spec
    else:
        raise ValueError(
            f"{owner} is unknown; {texts.nearest(head, NAMES)}, "
            "or your own as package.module:function"
        )
    if len(rest) > 1 or rest == [""]:
        raise ValueError(f"{owner}: expected one list of overrides, name=value,name=value")
    parameters = _parameters(factory, owner)
    overrides = texts.parse(rest[0], parameters, _open(parameters), owner) if rest else {}
    missing = [
        name
        for name in _open(parameters)
        if parameters[name].default is _EMPTY and name not in {"learning_rate", *overrides}
    ]
    if missing:
        raise ValueError(
            f"{owner} needs {', '.join(missing)}, which have no default: give them in its name, "
            f"{spec}:{missing[0]}=…"
        )
    rate = overrides.get("learning_rate", parameters["learning_rate"].default)
    optimizer = Optimizer(
        name=spec,
        build=partial(_build, owner, factory, parameters, overrides),
        hyperparameters={
            "learning_rate": float(rate) if texts.is_number(rate) else DEFAULT_LEARNING_RATE
        },
        overrides=overrides,
        note=_note(factory, title, parameters, overrides),
        source=None if head in FACTORIES else _source(head),
    )
    if head in FACTORIES:
        # A value that the optimizer refuses should be heard of now, not after other runs.
        optimizer.build(optimizer.hyperparameters, 0, 1, 2)
    return optimizer


def _build(
    owner: str,
    factory: Callable[..., Any],
    parameters: Mapping[str, inspect.Parameter],
    overrides: Mapping[str, Any],
    hyperparameters: Mapping[str, Any],
    key: Any,
    steps_per_epoch: int,
    total_steps: int,
) -> Built:
    """Calls the factory with what it takes and checks what comes back."""
    texts.check_known(hyperparameters, parameters, _open(parameters), owner)
    run = {"key": key, "steps_per_epoch": steps_per_epoch, "total_steps": total_steps}
    arguments = {name: value for name, value in run.items() if name in parameters}
    if parameters["learning_rate"].default is _EMPTY:
        arguments["learning_rate"] = DEFAULT_LEARNING_RATE
    try:
        built = factory(**{**arguments, **overrides, **hyperparameters})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{owner}: {error}") from error
    is_pair = type(built) is tuple and len(built) == 2 and callable(built[1])
    tx = built[0] if is_pair else built
    if not isinstance(tx, optax.GradientTransformation):
        raise ValueError(
            f"{owner} returned {built!r}, expected an optax.GradientTransformation or a pair "
            "of one and eval_params(opt_state, params)"
        )
    return built


def _import(module_name: str, function: str, owner: str) -> Callable[..., Any]:
    """The function of a user's module, with the reason where there is none."""
    if not re.fullmatch(r"\w+(\.\w+)*", module_name) or not function.isidentifier():
        raise ValueError(f"{owner}: expected a name, or an import path package.module:function")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a user's module may fail in any way while it is imported
        hint = ""
        if isinstance(error, ModuleNotFoundError) and module_name.startswith(error.name or "?"):
            hint = (
                "; is its folder on PYTHONPATH? Optimizers by name: "
                f"{texts.nearest(module_name, NAMES)}"
            )
        raise ValueError(
            f"{owner}: cannot import {module_name} ({type(error).__name__}: {error}){hint}"
        ) from error
    if not hasattr(module, function):
        public = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise ValueError(
            f"{owner}: {module_name} has no {function}; {texts.nearest(function, public)}"
        )
    found = getattr(module, function)
    if not callable(found):
        raise ValueError(f"{owner}: {function} is {found!r}, expected a function of learning_rate")
    return found


def _source(module_name: str) -> str | None:
    """A fingerprint of the file of an imported module, so that a change of it can be seen."""
    path = importlib.import_module(module_name).__file__
    return path and hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


def _parameters(factory: Callable[..., Any], owner: str) -> dict[str, inspect.Parameter]:
    """What the factory takes, all of it by name."""
    wanted = "expected f(learning_rate, *, key=None, …)"
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{owner}: its signature cannot be read; {wanted}") from error
    parameters, names = dict(signature.parameters), ", ".join(signature.parameters)
    if "learning_rate" not in parameters:
        raise ValueError(f"{owner} takes no learning_rate, but ({names}); {wanted}")
    if any(p.kind is p.POSITIONAL_ONLY for p in parameters.values()):
        raise ValueError(f"{owner} takes arguments by position only, ({names}); {wanted}")
    return parameters


def _open(parameters: Mapping[str, inspect.Parameter]) -> list[str]:
    """The names that overrides and hyperparameters may set."""
    return [
        name
        for name, p in parameters.items()
        if name not in _FROM_RUN and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]


def _note(
    factory: Callable[..., Any],
    title: str,
    parameters: Mapping[str, inspect.Parameter],
    overrides: Mapping[str, Any],
) -> str:
    """The first line of the factory's documentation, and every setting it runs with."""
    first = (inspect.getdoc(factory) or title).splitlines()[0].rstrip(".")
    defaults = {n: parameters[n].default for n in _open(parameters)}
    settings = {n: v for n, v in {**defaults, **overrides}.items() if v is not _EMPTY}
    text = ", ".join(
        f"{name}={value:g}" if texts.is_number(value) else f"{name}={value}"
        for name, value in settings.items()
    )
    return f"{first} ({text})" if text else first
