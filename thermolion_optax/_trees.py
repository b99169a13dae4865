"""Trees with holes: leaves, dtypes and paths, where optax leaves out part of a tree.

``optax.masked`` and ``optax.partition`` put a ``MaskedNode`` where a transformation has
nothing to do, filtered models hold ``None`` there. Both are holes: they pass through.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.core import Tracer
from jax.experimental.shard_alike import shard_alike

LIKE_UPDATES = "It must be a tree like the updates."
OF_THESE_PARAMETERS = "Call tx.init with the parameters that these gradients belong to."


def is_hole(x: Any) -> bool:
    """Whether ``x`` stands for a leaf that is left out."""
    return x is None or isinstance(x, optax.MaskedNode)


class Flat(NamedTuple):
    """A tree taken apart: its leaves (holes among them), their paths, and its structure."""

    leaves: list[Any]
    paths: list[str]
    treedef: Any

    def build(self, leaves: Sequence[Any]) -> Any:
        """The tree again, with new leaves."""
        return jax.tree.unflatten(self.treedef, leaves)

    def align(
        self,
        owner: str,
        name: str,
        tree: Any,
        of: str = "the updates",
        way_out: str = "Call tx.init with the same tree (and the same mask) that tx.update gets.",
    ) -> list[Any]:
        """The subtrees of ``tree`` at this tree's leaves; raises where they do not fit.

        ``of`` says what this tree is, ``way_out`` what to do where they do not fit.

        Where this tree has a hole the other may hold anything, so whole trees serve beside
        masked ones.
        """
        try:
            return self.treedef.flatten_up_to(tree)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"{owner}: {name} does not have the structure of {of}. "
                f"Found {jax.tree.structure(tree)}, expected {self.treedef}. {way_out}"
            ) from error


def flatten(tree: Any) -> Flat:
    """Takes ``tree`` apart, holes as leaves."""
    flat, treedef = jax.tree_util.tree_flatten_with_path(tree, is_leaf=is_hole)
    return Flat([leaf for _, leaf in flat], [jax.tree_util.keystr(p) for p, _ in flat], treedef)


def check_leaf(owner: str, name: str, path: str, leaf: Any) -> None:
    """Raises a TypeError unless ``leaf`` is a real floating-point array or number."""
    where = f"{name}{path}"
    if isinstance(leaf, (float, int, complex)) and not isinstance(leaf, bool):
        leaf = jnp.asarray(leaf, complex if isinstance(leaf, complex) else float)
    dtype = getattr(leaf, "dtype", None)
    if dtype is None or not hasattr(leaf, "shape"):
        raise TypeError(
            f"{owner}: {where} is of type {type(leaf).__name__}, but must be an array of real "
            "floating-point numbers. Filter the tree (for equinox: "
            "eqx.filter(model, eqx.is_inexact_array)), or mask the leaf with optax.masked."
        )
    if jnp.issubdtype(dtype, jnp.complexfloating):
        raise TypeError(
            f"{owner}: {where} is complex ({dtype}), but a sign and a signal-to-noise ratio are "
            "defined for real numbers only. Split it into real and imaginary part, e.g. with "
            "optax.contrib.split_real_and_imaginary."
        )
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(
            f"{owner}: {where} has dtype {dtype}, but must be floating point. "
            "Mask the leaf with optax.masked, or leave it out of the tree."
        )


def check_shape(owner: str, name: str, x: Any, like: Any, has: str, way_out: str = "") -> None:
    """Raises a ValueError unless ``x`` has the shape of ``like``; a hole has none.

    The message goes "``name`` has shape (1,), but ``has`` shape (3,) there.", and the way out.
    """
    found, wanted = ("nothing" if is_hole(a) else f"shape {jnp.shape(a)}" for a in (x, like))
    if found != wanted:
        raise ValueError(
            f"{owner}: {name} has {found}, but {has} {wanted} there. {way_out}".rstrip()
        )


def zeros(owner: str, params: Any, dtype: Any = None, at_least: Any = None) -> Any:
    """Zeros like ``params``: of ``dtype``, else of each leaf's own, promoted to ``at_least``.

    They are laid out like the parameters from the start: ``zeros_like`` keeps the sharding of
    a concrete array, and of one traced under explicit sharding; under jit's automatic sharding,
    where zeros depend on nothing, ``shard_alike`` ties the two.
    """
    flat = flatten(params)

    def zero(path: str, leaf: Any) -> Any:
        if is_hole(leaf):
            return leaf
        check_leaf(owner, "params", path, leaf)
        own = jnp.result_type(float if isinstance(leaf, int) else leaf)
        if at_least is not None:
            own = jnp.promote_types(own, at_least)
        x = jnp.asarray(leaf, own) if isinstance(leaf, int) else jnp.asarray(leaf)
        made = jnp.zeros_like(x, dtype=own if dtype is None else dtype)
        return shard_alike(x, made)[1] if isinstance(x, Tracer) else made

    return flat.build([zero(p, x) for p, x in zip(flat.paths, flat.leaves, strict=True)])


def work_dtype(*arrays: Any) -> Any:
    """The dtype to compute in: that of the arrays together, but at least float32."""
    return jnp.promote_types(jnp.result_type(*arrays), jnp.float32)


def scalar(value: Any) -> jax.Array:
    """A float32 scalar of its own buffer, so that donating a state never takes the caller's."""
    return jnp.array(value, dtype=jnp.float32, copy=True)
