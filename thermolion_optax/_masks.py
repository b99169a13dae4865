"""Checks of the masks that users give: trees of booleans, or callables that make them."""

from typing import Any

import jax
import numpy as np
import optax
from jax.core import Tracer

from thermolion_optax._checks import NAME_IT_STATIC, is_bool
from thermolion_optax._tree_checks import article, first_difference, shown


def check_mask(owner: str, mask: Any) -> optax.MaskOrFn:
    """Returns ``mask``, or, where it is a callable, one that checks the tree it makes.

    Raises a TypeError unless each leaf is a boolean; a bare one is what
    ``optax.inject_hyperparams`` makes of a callable.
    """
    if mask is None:
        return None
    if callable(mask) and jax.tree_util.all_leaves([mask]):

        def checked(tree: Any) -> Any:
            made = mask(tree)
            name = "what the callable mask returned"
            _check_flags(owner, name, made)
            if jax.tree.leaves(tree):
                check_prefix(owner, name, made, tree, "the parameters")
            return made

        return checked
    if hasattr(mask, "dtype") or isinstance(mask, (int, float, str)):
        arrived = isinstance(mask, (bool, np.bool, jax.Array))
        hint = f" {NAME_IT_STATIC}" if arrived else ""
        raise TypeError(
            f"{owner}: mask is {article(type(mask).__name__)}, but must be a tree of booleans "
            "like the parameters' tree, a callable that makes one, or None." + hint
        )
    _check_flags(owner, "mask", mask)
    return mask


def _check_flags(owner: str, name: str, mask: Any) -> None:
    for path, flag in jax.tree_util.tree_leaves_with_path(mask):
        if not is_bool(flag) or isinstance(flag, Tracer):
            raise TypeError(
                f"{owner}: {name}{jax.tree_util.keystr(path)} is "
                f"{article(type(flag).__name__)} ({shown(flag)}), but must be a boolean, True "
                "where the parameter decays."
            )


def check_prefix(owner: str, name: str, prefix: Any, tree: Any, of: str) -> None:
    """Raises a ValueError unless ``prefix`` has the structure of the beginning of ``tree``."""
    where = first_difference(of, tree, prefix, name, prefix=True)
    if where is not None:
        raise ValueError(
            f"{owner}: {name} does not have the structure of {of}: {where}. It must be a tree "
            "like theirs or the beginning of it, with a boolean for each leaf or subtree."
        )
