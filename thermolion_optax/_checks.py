"""Argument checks shared by the transformations: early, and in the caller's own words.

Every number that can be read is judged: of Python, of NumPy, or in a JAX array outside of jit. A
traced value (what ``optax.inject_hyperparams`` hands over in a jitted step) must be a real scalar;
its value passes.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.core import Tracer

from thermolion_optax._tree_checks import article, shown
from thermolion_optax._trees import is_array

NAME_IT_STATIC = (
    "Under optax.inject_hyperparams, name it in static_args: callables and dtypes that are "
    "not schedules are otherwise called as schedules."
)


def concrete(value: Any) -> float | None:
    """Returns ``value`` as a Python float if it is a Python or NumPy number, else None.

    By it programs are specialised, so that a JAX scalar gives the same one in jit and outside.
    """
    return None if isinstance(value, jax.Array) else _read(value)


def _read(value: Any) -> float | None:
    """Returns ``value`` as a Python float if it is a number that can be read, else None."""
    if callable(value) or isinstance(value, Tracer):
        return None
    if isinstance(value, jax.Array):
        return float(np.asarray(value)) if value.is_fully_addressable else None
    try:
        return float(value)
    except OverflowError:  # an integer beyond the floats
        return math.inf


def check_scalar(
    owner: str,
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_high: bool = False,
) -> None:
    """Raises unless ``value`` is a real scalar in [low, high], or [low, high) if ``open_high``."""
    if callable(value):
        raise TypeError(
            f"{owner}: {name} is a callable ({shown(value)}), but takes a number. "
            f"To schedule it, wrap {owner} in optax.inject_hyperparams."
        )
    _check_real(owner, name, value)
    number = _read(value)
    if number is None:
        return
    # Open means open in float32, too, where the next 2**-25 below 1 is rounded to 1.
    above = number >= high * (1 - 2.0**-25) if open_high else number > high
    if not math.isfinite(number) or number < low or above:
        raise ValueError(
            f"{owner}: {name} = {shown(value)}, but must be {_range(low, high, open_high)}."
        )
    whole = isinstance(value, int | np.integer)
    largest = np.iinfo(np.int32).max if whole else float(jnp.finfo(jnp.result_type(float)).max)
    if abs(number) > largest:
        raise ValueError(
            f"{owner}: {name} = {shown(value)}, but must be at most {largest:g} in magnitude, the "
            f"largest {'integer (write it as a float)' if whole else 'number'} that JAX holds."
        )


def scalar_or_schedule(
    owner: str, name: str, value: Any, low: float = -math.inf, high: float = math.inf
) -> optax.ScalarOrSchedule:
    """Returns ``value``: a number like ``check_scalar``'s, or a schedule that must return one.

    A schedule's results are checked for what is known while tracing, their kind and shape.
    """
    if not callable(value):
        check_scalar(owner, name, value, low, high)
        return value

    def checked(count: Any) -> Any:
        found = value(count)
        _check_real(owner, f"what the schedule {name} returned", found)
        return found

    return checked


def _check_real(owner: str, name: str, value: Any) -> None:
    """Raises unless ``value`` is a scalar of a kind that JAX computes with as a real number."""
    array: Any = value if is_array(value) else None
    is_number = isinstance(value, (int, float)) if array is None else is_real(array.dtype)
    if not is_number or isinstance(value, bool):
        what = f"{type(value).__name__} {shown(value)}" if array is None else f"{array.dtype} array"
        raise TypeError(f"{owner}: {name} is {article(what)}, but must be a real number.")
    if array is not None and array.shape != ():
        raise ValueError(
            f"{owner}: {name} has shape {array.shape}, but must be a scalar. "
            "To try several values at once, use jax.vmap."
        )


def check_decay(owner: str, name: str, value: Any, *, open_high: bool = True) -> None:
    """Raises unless ``value`` is a real scalar in [0, 1), or [0, 1], of more than 16 bits."""
    dtype = getattr(value, "dtype", None)
    if dtype is not None and jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize < 4:
        raise TypeError(
            f"{owner}: {name} is of dtype {dtype}, but must be a Python float or of at least "
            "float32: in 16 bits a decay near 1 becomes another one, or 1. Under "
            "optax.inject_hyperparams, which casts to the parameters' dtype, pass "
            "hyperparam_dtype=jnp.float32."
        )
    check_scalar(owner, name, value, 0, 1, open_high=open_high)


def check_moment_dtype(owner: str, name: str, dtype: Any, *, of_squares: bool = False) -> None:
    """Raises unless ``dtype`` is None or a real floating-point dtype, and holds small squares."""
    if dtype is None:
        return
    if is_array(dtype):
        raise TypeError(
            f"{owner}: {name} is an array, but must be a dtype or None. {NAME_IT_STATIC}"
        )
    try:
        floating = jnp.issubdtype(jnp.dtype(dtype), jnp.floating)
        floating = floating and jnp.finfo(dtype).bits >= 16
    except (TypeError, ValueError):
        floating = False
    if not floating:
        raise TypeError(
            f"{owner}: {name} = {shown(dtype)}, but must be a real floating-point dtype of at "
            "least 16 bits, such as 'bfloat16' or jnp.float32, or None."
        )
    if of_squares and jnp.finfo(dtype).tiny > jnp.finfo(jnp.float32).tiny:
        raise TypeError(
            f"{owner}: {name} = {shown(dtype)}, but must be a dtype that holds small squares, such "
            "as 'bfloat16' or jnp.float32, or None: of gradients below 2e-4 it would keep 0, and "
            "steps would be far too large."
        )


def check_callable(owner: str, name: str, value: Any, meaning: str) -> None:
    """Raises unless ``value`` is None or callable."""
    if value is None or callable(value):
        return
    hint = f" {NAME_IT_STATIC}" if isinstance(value, jax.Array) else ""
    raise TypeError(
        f"{owner}: {name} is {article(type(value).__name__)}, but must be {meaning} or None." + hint
    )


def check_bool(owner: str, name: str, value: Any) -> None:
    """Raises unless ``value`` is a boolean, which may be traced."""
    if not is_bool(value):
        raise TypeError(
            f"{owner}: {name} is {article(type(value).__name__)} ({shown(value)}), but must be "
            "True or False."
        )


def is_bool(value: Any) -> bool:
    """Whether ``value`` is a single boolean, traced or not."""
    if isinstance(value, bool):
        return True
    dtype = getattr(value, "dtype", None)
    return dtype == np.bool and getattr(value, "shape", None) == ()


def returned_array(owner: str, name: str, value: Any, wanted: str) -> jax.Array:
    """Returns what the callable ``name`` returned as an array; raises unless of real numbers."""
    try:
        array = jnp.asarray(value) if value is not None else None
    except (TypeError, ValueError):
        array = None
    if array is None or not (is_real(array.dtype) or array.dtype == bool):
        what = shown(value) if array is None else f"an array of {array.dtype}"
        raise TypeError(f"{owner}: {name} returned {what}, but must return {wanted}.")
    return array


def check_transformation(
    owner: str, name: str, value: Any
) -> optax.GradientTransformationExtraArgs:
    """Returns ``value`` as a transformation that takes extra arguments; identity for None."""
    if value is None:
        return optax.with_extra_args_support(optax.identity())
    parts = getattr(value, "init", None), getattr(value, "update", None)
    if isinstance(value, type) or not all(map(callable, parts)):
        raise TypeError(
            f"{owner}: {name} is {article(type(value).__name__)}, but must be an "
            "optax.GradientTransformation (with init and update) or None."
        )
    return optax.with_extra_args_support(value)


def check_positive_int(owner: str, name: str, value: Any) -> None:
    """Raises unless ``value`` is a whole number of at least 1; arrays may be traced and pass."""
    check_scalar(owner, name, value, 1)
    dtype = getattr(value, "dtype", None)
    whole = isinstance(value, int) if dtype is None else jnp.issubdtype(dtype, jnp.integer)
    if not whole:
        raise ValueError(f"{owner}: {name} = {shown(value)}, but must be a whole number.")


def check_inner(
    owner: str, inner: optax.GradientTransformation
) -> optax.GradientTransformationExtraArgs:
    """Returns the wrapped optimizer as one that takes extra arguments; raises if it is none."""
    if inner is None:
        raise TypeError(
            f"{owner}: inner is None, but must be the optimizer to wrap, such as optax.sgd(1e-2)."
        )
    return check_transformation(owner, "inner", inner)


def is_real(dtype: Any) -> bool:
    """Whether JAX computes in ``dtype`` as with real numbers: not so with 8-bit floats."""
    if jnp.issubdtype(dtype, jnp.floating):
        return jnp.finfo(dtype).bits >= 16
    return bool(jnp.issubdtype(dtype, jnp.integer))


def _range(low: float, high: float, open_high: bool) -> str:
    if low == -math.inf and high == math.inf:
        return "finite"
    if high == math.inf:
        return f"finite and at least {low:g}"
    return f"in [{low:g}, {high:g}), in float32, too" if open_high else f"in [{low:g}, {high:g}]"
