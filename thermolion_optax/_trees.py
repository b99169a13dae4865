"""Trees whose leaves may be masked: maps over them, their paths, dtypes to compute in.

``optax.masked`` and ``optax.partition`` put a ``MaskedNode`` where a transformation has nothing
to do, filtered models hold ``None`` there. Both are masked leaves: they pass through, and what
another tree holds in their place does not matter, so whole trees serve beside masked ones.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.typing import ArrayLike

KeyPath = jax.tree_util.KeyPath


def is_masked(leaf: Any) -> bool:
    """Whether ``leaf`` stands for one that is left out."""
    return leaf is None or isinstance(leaf, optax.MaskedNode)


def map_leaves(f: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """``jax.tree.map`` that leaves the masked leaves of ``tree`` as they are."""
    return jax.tree.map(
        lambda leaf, *others: leaf if is_masked(leaf) else f(leaf, *others),
        tree,
        *rest,
        is_leaf=is_masked,
    )


def leaves_with_path(tree: Any, *rest: Any) -> Iterator[tuple[Any, ...]]:
    """(path, leaf, what each other tree holds there), for every leaf that is not masked."""
    leaves, treedef = jax.tree_util.tree_flatten_with_path(tree, is_leaf=is_masked)
    columns = [treedef.flatten_up_to(other) for other in rest]
    for (path, leaf), *others in zip(leaves, *columns, strict=True):
        if not is_masked(leaf):
            yield path, leaf, *others


def paths(tree: Any) -> Any:
    """A tree like ``tree`` that holds each leaf's path, masked leaves included."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: jax.tree_util.keystr(path), tree, is_leaf=is_masked
    )


def is_array(x: Any) -> bool:
    """Whether ``x`` is an array, or a scalar of NumPy, that JAX computes with."""
    return isinstance(x, jax.Array | np.ndarray | np.generic) or hasattr(x, "__jax_array__")


def compute_dtype(*arrays: ArrayLike) -> jnp.dtype:
    """The dtype to compute in: that of the arrays together, but at least float32."""
    return jnp.promote_types(jnp.result_type(*arrays), jnp.float32)


def widen(leaf: ArrayLike) -> jax.Array:
    """The leaf in its own precision, but in at least float32."""
    return jnp.asarray(leaf, compute_dtype(leaf))
