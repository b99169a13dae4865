"""Trees whose leaves may be masked: maps, checks, zeros and dtypes.

``optax.masked`` and ``optax.partition`` put a ``MaskedNode`` where a transformation has nothing
to do, filtered models hold ``None`` there. Both are masked leaves: they pass through, and what
another tree holds in their place does not matter, so whole trees serve beside masked ones.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.core import Tracer
from jax.experimental.shard_alike import shard_alike
from jax.typing import ArrayLike, DTypeLike

SAME_MASK = "Call tx.init with the same tree (and the same mask) that tx.update gets."
LIKE_UPDATES = "It must be a tree like the updates."
INITIALISED = "the state was initialised with"
THESE_PARAMETERS = "Call tx.init with the parameters that these gradients belong to."

KeyPath = tuple[Any, ...]


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


def check_structure(
    owner: str,
    name: str,
    tree: Any,
    reference: Any,
    of: str = "the updates",
    hint: str = SAME_MASK,
) -> None:
    """Raises a ValueError unless ``tree`` fits ``reference``, which the message calls ``of``."""
    treedef = jax.tree.structure(reference, is_leaf=is_masked)
    try:
        treedef.flatten_up_to(tree)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{owner}: {name} does not have the structure of {of}. "
            f"Found {jax.tree.structure(tree)}, expected {treedef}. {hint}"
        ) from error


def check_leaves(owner: str, name: str, tree: Any) -> None:
    """Raises a TypeError unless every leaf is masked or a real floating-point array or number."""
    for path, leaf in leaves_with_path(tree):
        check_leaf(owner, name, path, leaf)


def check_leaf(owner: str, name: str, path: KeyPath, leaf: Any) -> None:
    """Raises a TypeError unless ``leaf`` is a real floating-point array or number."""
    if isinstance(leaf, (float, int, complex)) and not isinstance(leaf, bool):
        leaf = jnp.asarray(leaf, complex if isinstance(leaf, complex) else float)
    dtype = getattr(leaf, "dtype", None)
    if dtype is not None and hasattr(leaf, "shape") and jnp.issubdtype(dtype, jnp.floating):
        return
    where = f"{owner}: {name}{jax.tree_util.keystr(path)}"
    if dtype is None or not hasattr(leaf, "shape"):
        raise TypeError(
            f"{where} is of type {type(leaf).__name__}, but must be an array of real "
            "floating-point numbers. Filter the tree (for equinox: "
            "eqx.filter(model, eqx.is_inexact_array)), or mask the leaf with optax.masked."
        )
    if jnp.issubdtype(dtype, jnp.complexfloating):
        raise TypeError(
            f"{where} is complex ({dtype}), but must be real. Split it into real and imaginary "
            "part, e.g. with optax.contrib.split_real_and_imaginary."
        )
    raise TypeError(
        f"{where} has dtype {dtype}, but must be floating point. "
        "Mask the leaf with optax.masked, or leave it out of the tree."
    )


def check_shape(
    owner: str, name: str, path: KeyPath, leaf: Any, like: Any, has: str, hint: str = ""
) -> None:
    """Raises a ValueError unless ``leaf`` has the shape of ``like``; a masked leaf has none.

    The message goes "``name`` has shape (1,), but ``has`` shape (3,) there.", and the hint.
    """
    found, expected = (None if is_masked(x) else jnp.shape(x) for x in (leaf, like))
    if found != expected:
        what, wanted = ("nothing" if s is None else f"shape {s}" for s in (found, expected))
        raise ValueError(
            f"{owner}: {name}{jax.tree_util.keystr(path)} has {what}, but {has} {wanted} there. "
            f"{hint}".rstrip()
        )


def check_initialised(owner: str, updates: optax.Updates, slots: optax.Params) -> None:
    """Raises unless ``updates`` are real floats with the structure and shapes of ``slots``."""
    check_leaves(owner, "updates", updates)
    check_structure(owner, "updates", updates, slots, of="the state")
    for path, slot, u in leaves_with_path(slots, updates):
        check_shape(owner, "updates", path, u, slot, INITIALISED, THESE_PARAMETERS)


def zeros_like(
    owner: str,
    params: optax.Params,
    dtype: DTypeLike | None = None,
    at_least: DTypeLike | None = None,
) -> optax.Params:
    """Zeros like ``params``: of ``dtype``, else of each leaf's own, promoted to ``at_least``.

    They are laid out like the parameters from the start: ``jnp.zeros_like`` keeps the sharding
    of a concrete array, and of one traced under explicit sharding; under jit's automatic
    sharding, where zeros depend on nothing, ``shard_alike`` ties the two.
    """
    check_leaves(owner, "params", params)

    def zeros(leaf: ArrayLike) -> jax.Array:
        own = jnp.result_type(float if isinstance(leaf, int) else leaf)
        if at_least is not None:
            own = jnp.promote_types(own, at_least)
        x = jnp.asarray(leaf, own) if isinstance(leaf, int) else jnp.asarray(leaf)
        made = jnp.zeros_like(x, dtype=own if dtype is None else dtype)
        return shard_alike(x, made)[1] if isinstance(x, Tracer) else made

    return map_leaves(zeros, params)


def compute_dtype(*arrays: ArrayLike) -> jnp.dtype:
    """The dtype to compute in: that of the arrays together, but at least float32."""
    return jnp.promote_types(jnp.result_type(*arrays), jnp.float32)


def widen(leaf: ArrayLike) -> jax.Array:
    """The leaf in its own precision, but in at least float32."""
    return jnp.asarray(leaf, compute_dtype(leaf))


def float32_scalar(value: ArrayLike) -> jax.Array:
    """A float32 scalar of its own buffer, so that donating a state never takes the caller's."""
    return jnp.array(value, dtype=jnp.float32, copy=True)
