"""What the baseline optimizers share beyond the checks of the whole library."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from thermolion_optax import _checks, _trees


def check_whole(owner: str, name: str, value: Any) -> None:
    """Raises unless ``value`` is a whole number of at least 1; arrays may be traced and pass."""
    _checks.check_scalar(owner, name, value, 1)
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
    return _checks.check_transformation(owner, "inner", inner)


def check_tree(owner: str, name: str, tree: Any) -> None:
    """Raises a TypeError unless every leaf is a real floating-point array or number."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        where = jax.tree_util.keystr(path)
        if jnp.issubdtype(getattr(leaf, "dtype", type(leaf)), jnp.complexfloating):
            raise TypeError(
                f"{owner}: {name}{where} is complex, but must be real. Split it into real and "
                "imaginary part, e.g. with optax.contrib.split_real_and_imaginary."
            )
        _trees.check_leaf(owner, name, where, leaf)


def check_fits(owner: str, updates: Any, slots: Any) -> None:
    """Raises a ValueError unless ``updates`` have the structure and shapes of the state's slots."""
    flat = _trees.flatten(slots)
    given = flat.align(owner, "updates", updates, of="the state")
    for path, slot, u in zip(flat.paths, flat.leaves, given, strict=True):
        if not _trees.is_hole(slot):
            has = "the state was initialised with"
            _trees.check_shape(owner, f"updates{path}", u, slot, has, _trees.OF_THESE_PARAMETERS)


def widen(leaf: Any) -> jax.Array:
    """The leaf in its own precision, but in at least float32."""
    return jnp.asarray(leaf).astype(_trees.work_dtype(leaf))


def wide_zeros(leaf: Any) -> jax.Array:
    """Zeros of the leaf's shape and sharding, in at least float32."""
    return jnp.zeros_like(leaf, dtype=_trees.work_dtype(leaf))


def like(leaf: jax.Array, value: Any) -> jax.Array:
    """A scalar in the leaf's dtype, so that a product with it keeps that dtype."""
    return jnp.asarray(value, leaf.dtype)
