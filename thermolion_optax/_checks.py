"""Argument checks shared by the transformations: early, and in the caller's own words.

Only concrete Python and NumPy numbers are judged. A traced value or a JAX array
(what ``optax.inject_hyperparams`` hands over) must be a real scalar; its value passes.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

_INJECT = (
    "Under optax.inject_hyperparams, name it in static_args: callables and dtypes that are "
    "not schedules are otherwise called as schedules."
)


def concrete(value: Any) -> float | None:
    """Returns ``value`` as a Python float if it is a Python or NumPy number, else None."""
    if isinstance(value, jax.Array) or callable(value):
        return None
    return float(value)


def check_scalar(
    owner: str,
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_high: bool = False,
    schedule: bool = False,
) -> None:
    """Raises unless ``value`` is a real scalar in [low, high], or [low, high) if ``open_high``."""
    if callable(value):
        if schedule:
            return
        raise TypeError(
            f"{owner}: {name} is a callable ({value!r}), but takes a number. "
            f"To schedule it, wrap {owner} in optax.inject_hyperparams."
        )
    shape, dtype = getattr(value, "shape", ()), getattr(value, "dtype", None)
    is_number = isinstance(value, (int, float)) if dtype is None else _is_real(dtype)
    if not is_number or isinstance(value, bool):
        what = f"{dtype} array" if dtype is not None else f"{type(value).__name__} {value!r}"
        raise TypeError(f"{owner}: {name} is {_article(what)}, but must be a real number.")
    if shape != ():
        raise ValueError(
            f"{owner}: {name} has shape {tuple(shape)}, but must be a scalar. "
            "To try several values at once, use jax.vmap."
        )
    number = concrete(value)
    if number is None:
        return
    # Open means open in float32, too, where the next 2**-25 below 1 is rounded to 1.
    above = number >= high * (1 - 2.0**-25) if open_high else number > high
    if not math.isfinite(number) or number < low or above:
        raise ValueError(
            f"{owner}: {name} = {value!r}, but must be {_range(low, high, open_high)}."
        )


def check_decay(owner: str, name: str, value: Any, *, open_high: bool = True) -> None:
    """Raises unless ``value`` is a real scalar in [0, 1), or [0, 1], of more than 16 bits."""
    check_scalar(owner, name, value, 0, 1, open_high=open_high)
    dtype = getattr(value, "dtype", None)
    if dtype is not None and jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize < 4:
        raise TypeError(
            f"{owner}: {name} is of dtype {dtype}, but must be a Python float or of at least "
            "float32: in 16 bits a decay near 1 becomes another one, or 1. Under "
            "optax.inject_hyperparams, which casts to the parameters' dtype, pass "
            "hyperparam_dtype=jnp.float32."
        )


def check_moment_dtype(owner: str, name: str, dtype: Any) -> None:
    """Raises unless ``dtype`` is None or a real floating-point dtype."""
    if dtype is None:
        return
    if isinstance(dtype, jax.Array):
        raise TypeError(f"{owner}: {name} is an array, but must be a dtype or None. {_INJECT}")
    try:
        floating = jnp.issubdtype(jnp.dtype(dtype), jnp.floating)
    except TypeError:
        floating = False
    if not floating:
        raise TypeError(
            f"{owner}: {name} = {dtype!r}, but must be a real floating-point dtype such as "
            "'bfloat16' or jnp.float32, or None."
        )


def check_callable(owner: str, name: str, value: Any, meaning: str) -> None:
    """Raises unless ``value`` is None or callable."""
    if value is None or callable(value):
        return
    hint = f" {_INJECT}" if isinstance(value, jax.Array) else ""
    raise TypeError(
        f"{owner}: {name} is {_article(type(value).__name__)}, but must be {meaning} or None."
        + hint
    )


def check_mask(owner: str, mask: Any) -> None:
    """Raises where a mask is an array, a number or text, which no tree of booleans is."""
    if hasattr(mask, "dtype") or isinstance(mask, (int, float, str)):
        arrived = isinstance(mask, (bool, np.bool, jax.Array))
        hint = f" {_INJECT}" if arrived else ""
        raise TypeError(
            f"{owner}: mask is {_article(type(mask).__name__)}, but must be a tree of booleans "
            "like the parameters' tree, a callable that makes one, or None." + hint
        )


def check_transformation(
    owner: str, name: str, value: Any
) -> optax.GradientTransformationExtraArgs:
    """Returns ``value`` as a transformation that takes extra arguments; identity for None."""
    if value is None:
        return optax.with_extra_args_support(optax.identity())
    if not (hasattr(value, "init") and hasattr(value, "update")):
        raise TypeError(
            f"{owner}: {name} is {_article(type(value).__name__)}, but must be an "
            "optax.GradientTransformation (with init and update) or None."
        )
    return optax.with_extra_args_support(value)


def check_whole(owner: str, name: str, value: Any) -> None:
    """Raises unless ``value`` is a whole number of at least 1; arrays may be traced and pass."""
    check_scalar(owner, name, value, 1)
    dtype = getattr(value, "dtype", None)
    whole = isinstance(value, int) if dtype is None else jnp.issubdtype(dtype, jnp.integer)
    if not whole:
        raise ValueError(f"{owner}: {name} = {value!r}, but must be a whole number.")


def check_inner(
    owner: str, inner: optax.GradientTransformation
) -> optax.GradientTransformationExtraArgs:
    """Returns the wrapped optimizer as one that takes extra arguments; raises if it is none."""
    if inner is None:
        raise TypeError(
            f"{owner}: inner is None, but must be the optimizer to wrap, such as optax.sgd(1e-2)."
        )
    return check_transformation(owner, "inner", inner)


def _is_real(dtype: Any) -> bool:
    return bool(jnp.issubdtype(dtype, jnp.floating) or jnp.issubdtype(dtype, jnp.integer))


def _article(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


def _range(low: float, high: float, open_high: bool) -> str:
    if low == -math.inf and high == math.inf:
        return "finite"
    if high == math.inf:
        return f"finite and at least {low:g}"
    return f"in [{low:g}, {high:g}), in float32, too" if open_high else f"in [{low:g}, {high:g}]"
