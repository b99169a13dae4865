"""What an optimizer's state holds of the parameters' shapes: slots, made and checked."""

import jax
import jax.numpy as jnp
import optax
from jax.core import Tracer
from jax.dtypes import canonicalize_dtype
from jax.typing import ArrayLike, DTypeLike

from thermolion_optax._tree_checks import (
    INITIALISED,
    THESE_PARAMETERS,
    check_leaves,
    check_shape,
    check_structure,
)
from thermolion_optax._trees import leaves_with_path, map_leaves


def zeros_like(
    owner: str,
    params: optax.Params,
    dtype: DTypeLike | None = None,
    at_least: DTypeLike | None = None,
) -> optax.Params:
    """Zeros like ``params``: of ``dtype``, else of each leaf's own, promoted to ``at_least``.

    They are laid out like the parameters from the start: ``jnp.zeros_like`` keeps the sharding
    of a concrete array, and of one traced under explicit sharding. Under jit's automatic
    sharding zeros that depend on nothing may lie anywhere, so there they are chosen, element by
    element, by a condition that is always false and that the compiler must not see through.
    """
    check_leaves(owner, "params", params)

    def zeros(leaf: ArrayLike) -> jax.Array:
        x = jnp.asarray(leaf)
        own = x.dtype if at_least is None else jnp.promote_types(x.dtype, at_least)
        made = jnp.zeros_like(x, dtype=own if dtype is None else canonicalize_dtype(dtype))
        if not isinstance(x, Tracer):
            return made
        return jnp.where(jax.lax.optimization_barrier(False), x.astype(made.dtype), made)

    return map_leaves(zeros, params)


def check_initialised(owner: str, slots: optax.Params, **trees: optax.Updates) -> None:
    """Raises unless each tree holds real floats in the structure and shapes of ``slots``."""
    for name, tree in trees.items():
        check_leaves(owner, name, tree)
        check_structure(owner, name, tree, slots, of="the state")
        # Both are walked: a leaf may be masked in either.
        either = {path: (leaf, slot) for path, leaf, slot in leaves_with_path(tree, slots)}
        either |= {path: (leaf, slot) for path, slot, leaf in leaves_with_path(slots, tree)}
        for path, (leaf, slot) in either.items():
            check_shape(owner, name, path, leaf, slot, INITIALISED, THESE_PARAMETERS)


def float32_scalar(value: ArrayLike) -> jax.Array:
    """A float32 scalar of its own buffer, so that donating a state never takes the caller's."""
    return jnp.array(value, dtype=jnp.float32, copy=True)
