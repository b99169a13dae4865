"""A function of a user's own by its import path, and what is said where it does not fit."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.optimizers import overrides as texts

if TYPE_CHECKING:
    import optax

    EvalParams = Callable[[optax.OptState, optax.Params], optax.Params]
    Built = optax.GradientTransformation | tuple[optax.GradientTransformation, EvalParams]


def load(module_name: str, function: str, owner: str, names: tuple[str, ...]) -> Callable[..., Any]:
    """The function of a user's module.

    Args:
        module_name: a dotted path.
        function: its name there.
        owner: whom error messages speak of.
        names: optimizers that the module's name may have been meant for.

    Raises:
        ValueError: the module cannot be imported, or has no such function.
    """
    if not re.fullmatch(r"\w+(\.\w+)*", module_name) or not function.isidentifier():
        raise ValueError(f"{owner}: expected a name, or an import path package.module:function")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a user's module may fail in any way
        hint = ""
        if isinstance(error, ModuleNotFoundError) and module_name.startswith(error.name or "?"):
            hint = (
                "; is its folder on PYTHONPATH? Optimizers by name: "
                f"{texts.nearest(module_name, names)}"
            )
        raise ValueError(f"{owner}: cannot import {module_name} ({reason(error)}){hint}") from error
    if not hasattr(module, function):
        public = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise ValueError(
            f"{owner}: {module_name} has no {function}; {texts.nearest(function, public)}"
        )
    found = getattr(module, function)
    if not callable(found):
        raise ValueError(f"{owner}: {function} is {found!r}, expected a function of learning_rate")
    return found


def source(module_name: str) -> str | None:
    """A fingerprint of the file of an imported module, so that a change of it can be seen."""
    path = importlib.import_module(module_name).__file__
    return path and hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


def parameters(factory: Callable[..., Any], owner: str) -> dict[str, inspect.Parameter]:
    """What a function takes, all of it by name.

    Raises:
        ValueError: it takes no learning rate, or something by position only.
    """
    wanted = "expected f(learning_rate, *, key=None, …)"
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{owner}: its signature cannot be read; {wanted}") from error
    found, names = dict(signature.parameters), ", ".join(signature.parameters)
    if "learning_rate" not in found:
        raise ValueError(f"{owner} takes no learning_rate, but ({names}); {wanted}")
    if any(p.kind is p.POSITIONAL_ONLY for p in found.values()):
        raise ValueError(f"{owner} takes arguments by position only, ({names}); {wanted}")
    return found


def check_built(built: Any, owner: str) -> Built:
    """What a function returned, if it is an optimizer.

    Raises:
        ValueError: it is none.
    """
    import optax

    is_pair = type(built) is tuple and len(built) == 2 and callable(built[1])
    if isinstance(built[0] if is_pair else built, optax.GradientTransformation):
        return built
    raise ValueError(
        f"{owner} returned {_short(repr(built))}, expected an optax.GradientTransformation or a "
        "pair of one and eval_params(opt_state, params)"
    )


def try_out(
    build: Callable[[Mapping[str, Any], Any, int, int], Built],
    hyperparameters: Mapping[str, float],
    owner: str,
    params: Any = None,
    *,
    scheduled: bool = False,
) -> None:
    """Trace two steps and the evaluation, on shapes alone: what would fail in training fails here.

    Args:
        build: makes the optimizer; see `Optimizer.build`.
        hyperparameters: those it is given, traced.
        owner: whom error messages speak of.
        params: a tree like the network's, arrays or `jax.ShapeDtypeStruct`; None is a small one.
        scheduled: give the learning rate as a schedule.

    Raises:
        ValueError: something raises, or returns what is not like the parameters.
    """
    import jax
    import jax.numpy as jnp
    import optax

    if params is None:
        shapes = {"kernel": (3, 3, 2, 4), "bias": (4,), "dense": (5, 4)}
        params = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()}

    def same(what: str, found: Any, given: Any, like: str) -> None:
        """Structure, shapes and dtypes: what a loop over steps needs."""
        if jax.tree.structure(found) != jax.tree.structure(given):
            raise ValueError(
                f"{owner}: {what} is {_short(str(jax.tree.structure(found)))}, expected a tree "
                f"like {like}, {_short(str(jax.tree.structure(given)))}"
            )
        for (path, one), other in zip(
            jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(given), strict=True
        ):
            a, b = (
                (getattr(x, "dtype", None) or jnp.result_type(x), jnp.shape(x))
                for x in (one, other)
            )
            if a != b:
                raise ValueError(
                    f"{owner}: {what}{jax.tree_util.keystr(path)} is {a[0]} {a[1]}, expected "
                    f"{b[0]} {b[1]} as in {like}"
                )

    def steps(values: dict[str, Any], key: Any, params: Any) -> None:
        if scheduled:
            rate = values["learning_rate"]
            values = values | {"learning_rate": lambda count: rate}
        built: Any = build(values, key, 5, 10)
        tx, evaluate = built if type(built) is tuple else (built, None)
        with _told(owner, "init"):
            state = tx.init(params)
        for _ in range(2):
            grads = jax.tree.map(jnp.ones_like, params)
            with _told(owner, "update"):
                updates, after = tx.update(grads, state, params)
            with _told(owner, "adding its updates to the parameters"):
                moved = optax.apply_updates(params, updates)
            same("params + updates", moved, params, "the parameters")
            same("the state after an update", after, state, "the one before")
            params, state = moved, after
        if evaluate is not None:
            with _told(owner, "eval_params(opt_state, params)"):
                evaluated = evaluate(state, params)
            same("what eval_params returned", evaluated, params, "the parameters")

    values = {name: jnp.float32(value) for name, value in hyperparameters.items()}
    jax.eval_shape(steps, values, jax.random.key(0), params)


def reason(error: BaseException) -> str:
    """An exception in one line.

    Example:
        >>> reason(ValueError("no such thing; there are a and b"))
        'ValueError: no such thing; there are a and b'
    """
    text = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {_short(text)}" if text else type(error).__name__


@contextmanager
def _told(owner: str, what: str) -> Iterator[None]:
    """Any exception as a ValueError that says in what it was raised."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise ValueError(f"{owner}: {what} raised {reason(error)}") from error


def _short(text: str, most: int = 200) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
