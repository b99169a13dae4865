"""The root mean square of a leaf in two factors, neither of which overflows or underflows."""

from typing import Any

import jax
import jax.numpy as jnp

from thermolion_optax import _trees


def scaled_rms(leaf: jax.typing.ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Returns (scale, ratio) with RMS = scale · ratio; in at least float32.

    ``scale`` is the largest magnitude, kept within what has a normal reciprocal, since compilers
    divide by a scalar in multiplying by its reciprocal. So ``ratio`` lies in [1/√n, 4] for n
    elements; below it for subnormal numbers alone, 0 for a leaf of zeros or without elements,
    inf or NaN for one that holds such.
    """
    x = jnp.asarray(leaf)
    x = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    tiny = jnp.finfo(x.dtype).tiny
    scale = jnp.clip(jnp.max(jnp.abs(x), initial=0), tiny, 1 / tiny)
    return scale, jnp.sqrt(jnp.sum(jnp.square(x / scale)) / max(x.size, 1))


def check_leaves(owner: str, name: str, tree: Any) -> None:
    """Raises a TypeError unless every leaf is a real floating-point array or number."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        _trees.check_leaf(owner, name, jax.tree_util.keystr(path), leaf)
