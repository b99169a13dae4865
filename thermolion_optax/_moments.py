"""The two moments of a gradient, and what every rule makes of them: one place for all."""

import math

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike, DTypeLike

from thermolion_optax import _checks, _tree_checks, _trees


def check_updates(
    owner: str,
    updates: optax.Updates,
    mu: optax.Updates,
    nu: optax.Updates,
    params: optax.Params | None,
) -> None:
    """Raises unless updates, moments and (where given) params fit each other."""
    if updates is None:
        raise TypeError(f"{owner}: updates is None, but must be the gradients, a tree of arrays.")
    _tree_checks.check_structure(owner, "the state's mu", mu, updates)
    _tree_checks.check_structure(owner, "the state's nu", nu, updates)
    for path, g, m in _trees.leaves_with_path(updates, mu):
        _tree_checks.check_leaf(owner, "updates", path, g)
        _tree_checks.check_shape(
            owner, "updates", path, g, m, _tree_checks.INITIALISED, _tree_checks.THESE_PARAMETERS
        )
    if params is not None:
        _tree_checks.check_structure(owner, "params", params, updates)
        hint = "Pass the parameters that these gradients belong to."
        for path, g, p in _trees.leaves_with_path(updates, params):
            if not _trees.is_masked(p):
                _tree_checks.check_leaf(owner, "params", path, p)
            _tree_checks.check_shape(owner, "params", path, p, g, "the updates have", hint)


def update_moments(
    updates: optax.Updates, mu: optax.Updates, nu: optax.Updates, b1: ArrayLike, b2: ArrayLike
) -> tuple[optax.Updates, optax.Updates]:
    """M <- b1 m + (1 - b1) g and v <- b2 v + (1 - b2) g^2, in the compute dtype."""

    def first(g: ArrayLike, m: ArrayLike, v: ArrayLike) -> jax.Array:
        dtype = _trees.compute_dtype(g, m, v)
        return moving_average(b1, jnp.asarray(m, dtype), jnp.asarray(g, dtype))

    def second(g: ArrayLike, m: ArrayLike, v: ArrayLike) -> jax.Array:
        dtype = _trees.compute_dtype(g, m, v)
        return moving_average(b2, jnp.asarray(v, dtype), jnp.square(jnp.asarray(g, dtype)))

    return _trees.map_leaves(first, updates, mu, nu), _trees.map_leaves(second, updates, mu, nu)


def moving_average(decay: ArrayLike, old: jax.Array, new: jax.Array) -> jax.Array:
    """Decay old + (1 - decay) new, in the dtype of ``old``."""
    # A Python float keeps 1 - decay exact to double precision; a traced one is as it came.
    if not isinstance(decay, float | int):
        decay = jnp.asarray(decay, old.dtype)
    return decay * old + (1 - decay) * new


def power_of_decay(decay: ArrayLike, count: jax.Array, dtype: DTypeLike) -> jax.Array:
    """decay^count, to the precision of ``dtype`` also where the decay is nearer to 1 than that."""
    return jnp.exp(_exponent(decay, count, dtype))


def bias_correction(decay: ArrayLike, count: jax.Array, dtype: DTypeLike) -> jax.Array:
    """1 - decay^count without the cancellation that a decay near 1 brings."""
    return -jnp.expm1(_exponent(decay, count, dtype))


def _exponent(decay: ArrayLike, count: jax.Array, dtype: DTypeLike) -> jax.Array:
    """Count log(decay); the logarithm of a plain number is taken in double precision."""
    known = _checks.concrete(decay)
    if known is not None:
        log = jnp.asarray(math.log(known) if known > 0 else -math.inf, dtype)
    else:
        # The difference from 1 is exact where it is small.
        wide = jnp.promote_types(jnp.result_type(decay), dtype)
        log = jnp.log1p(jnp.asarray(decay, wide) - 1).astype(dtype)
    return count.astype(dtype) * log


def store(moments: optax.Updates, slots: optax.Updates) -> optax.Updates:
    """The moments in the dtype of the slots they came from; a masked leaf's slot stays as it is."""
    return jax.tree.map(
        lambda moment, slot: slot if _trees.is_masked(moment) else moment.astype(slot.dtype),
        moments,
        slots,
        is_leaf=_trees.is_masked,
    )


def cast_like_adam(
    steps: optax.Updates,
    updates: optax.Updates,
    mu: optax.Updates,
    params: optax.Params | None,
    *scalars: ArrayLike,
) -> optax.Updates:
    """The steps in the dtype that ``optax.adamw`` gives: gradient, stored m and params together.

    What the steps were multiplied by already counts, too.
    """
    trees = (updates, mu) if params is None else (updates, mu, params)
    return _trees.map_leaves(
        lambda u, *like: u.astype(jnp.result_type(*like, *scalars)), steps, *trees
    )


def divide(numerator: jax.Array, root: jax.Array, eps: ArrayLike) -> jax.Array:
    """Numerator / (root + eps), 0 where the denominator is 0."""
    # In the precision of the root, also for a traced eps of another dtype.
    denominator = root + (eps if isinstance(eps, float | int) else jnp.asarray(eps, root.dtype))
    known = _checks.concrete(eps)
    # Positive also on a processor that takes subnormal numbers for 0: the root is never below 0.
    if known is not None and known >= float(jnp.finfo(jnp.float32).tiny):
        return numerator / denominator
    return safe_divide(numerator, denominator)


def safe_divide(numerator: jax.Array, denominator: jax.Array) -> jax.Array:
    """The quotient, 0 where the denominator is 0."""
    zero = denominator == 0
    return jnp.where(zero, 0, numerator / jnp.where(zero, 1, denominator))
