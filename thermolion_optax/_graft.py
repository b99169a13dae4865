"""Grafting: the direction of one transformation with the step length of another."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from thermolion_optax import _checks, _states, _tree_checks, _trees
from thermolion_optax._rms import scaled_rms


class GraftState(NamedTuple):
    """State of :func:`graft`.

    Attributes:
        direction: state of the part that gives the direction.
        magnitude: state of the part that gives the norm.
    """

    direction: optax.OptState
    magnitude: optax.OptState


def graft(
    direction: optax.GradientTransformation | None,
    magnitude: optax.GradientTransformation | None,
) -> optax.GradientTransformationExtraArgs:
    r"""Joins, tensor by tensor, the direction of one part and the norm of another.

    .. math::
        u = \frac{\lVert M(g) \rVert}{\lVert D(g) \rVert} \, D(g)

    with the Euclidean norm over a whole leaf. Both parts get the same updates, parameters and
    extra arguments, and each keeps a state of its own. Graft what comes before weight decay and
    learning rate (optax's ``scale_by_...``), and let those follow in the chain: then they act on
    the joint step alone.

    The norms are taken of each leaf divided by its largest magnitude, so they neither overflow
    nor underflow. Where either norm is 0 the step is 0 (processors may take subnormal numbers
    for 0). Where either part is not finite, neither is that leaf's step; others are unharmed.

    To mask leaves, put ``optax.masked`` around the whole; or around both parts with one mask,
    then what it leaves out passes unchanged, integers included. A leaf counts as left out where a
    part that holds an ``optax.masked`` hands on the very array it got; so a wrapper that makes
    new arrays of all leaves hides a mask, and a part that hands on every leaf is taken for the
    identity. On leaves that are sharded by jit the norm is the whole leaf's; inside
    ``jax.shard_map`` it is that of each device's own piece, under ``jax.vmap`` each example's.

    Args:
        direction: the transformation D that gives the direction; None is the gradient itself.
        magnitude: the transformation M that gives the norm; None is the gradient itself.

    Returns:
        A transformation with :class:`GraftState`. Updates have the dtype of the direction's;
        arithmetic is at least float32.

    Raises:
        ValueError: if a leaf is masked in one part only, or a part returns other leaves or
            shapes than it got.
        TypeError: if a part is no transformation, or for leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import graft
        >>> tx = optax.chain(
        ...     graft(optax.scale_by_sign(), optax.identity()),
        ...     optax.scale_by_learning_rate(0.1),
        ... )
        >>> g = jnp.array([3.0, -4.0, 0.0, 0.0])
        >>> updates, _ = tx.update(g, tx.init(g))
        >>> # 5/√2 each, times the learning rate:
        >>> jax.tree.map(lambda u: [round(float(x), 3) for x in u], updates)
        [-0.354, 0.354, -0.0, -0.0]

    References:
        Agarwal et al., Disentangling Adaptive Gradient Methods from Learning Rates
        (arXiv 2002.11803), with a norm for each tensor.
    """
    owner = "graft"
    along = _checks.check_transformation(owner, "direction", direction)
    length = _checks.check_transformation(owner, "magnitude", magnitude)

    def init(params: optax.Params) -> GraftState:
        return GraftState(along.init(params), length.init(params))

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, GraftState]:
        state = _states.check_state(owner, state, GraftState)
        masks = _holds_mask(state.direction), _holds_mask(state.magnitude)
        if not all(masks):  # else some may be left out
            _tree_checks.check_leaves(owner, "updates", updates)
        steps, along_state = along.update(updates, state.direction, params, **extra_args)
        lengths, length_state = length.update(updates, state.magnitude, params, **extra_args)
        for name, returned in (("direction", steps), ("magnitude", lengths)):
            _check_structure(name, returned, updates)
        leaves, treedef = jax.tree_util.tree_flatten_with_path(updates)
        columns = [treedef.flatten_up_to(returned) for returned in (steps, lengths)]
        handed_on = [
            [mask and new is g for (_, g), new in zip(leaves, column, strict=True)]
            for mask, column in zip(masks, columns, strict=True)
        ]
        joined = [
            g if all(same) else _joined(path, g, new, same, [all(some) for some in handed_on])
            for (path, g), new, same in zip(
                leaves, zip(*columns, strict=True), zip(*handed_on, strict=True), strict=True
            )
        ]
        return treedef.unflatten(joined), GraftState(along_state, length_state)

    return optax.GradientTransformationExtraArgs(init, update)


def _joined(
    path: _trees.KeyPath,
    g: ArrayLike,
    returned: Sequence[ArrayLike],
    handed_on: Sequence[bool],
    every: Sequence[bool],
) -> jax.Array:
    """The joint step of a leaf that is not left out by both parts.

    Args:
        path: the leaf's.
        g: what both parts got.
        returned: what the direction and the magnitude made of it.
        handed_on: for each, whether it holds a mask and that is ``g`` itself.
        every: for each, whether that is so of all leaves.
    """
    names = ("direction", "magnitude")
    for number, name in enumerate(names):
        if handed_on[number] and not every[number]:
            raise ValueError(
                f"graft: updates{jax.tree_util.keystr(path)} is masked in {name}, but not in "
                f"{names[1 - number]}. Give both the same mask, or put optax.masked around graft."
            )
    _tree_checks.check_leaf("graft", "updates", path, g)
    for name, new in zip(names, returned, strict=True):
        _tree_checks.check_leaf("graft", f"what {name} returned: updates", path, new)
        if jnp.shape(new) != jnp.shape(g):
            raise ValueError(
                f"graft: what {name} returned has shape {jnp.shape(new)} at "
                f"updates{jax.tree_util.keystr(path)}, but the updates have shape {jnp.shape(g)} "
                "there. A part must keep the shapes."
            )
    return _join(*returned)


def _join(step: ArrayLike, length: ArrayLike) -> jax.Array:
    step = jnp.asarray(step)
    scale, ratio = scaled_rms(step)
    new_scale, new_ratio = scaled_rms(length)
    # Both have as many elements, so the norms are to each other as the root mean squares; and
    # the factors that may be extreme come first and last, where they meet none of the others.
    zero = ratio == 0
    gain = jnp.where(zero, 0 * new_ratio, new_ratio / jnp.where(zero, 1, ratio))
    # The barriers keep XLA from joining the factors with each other or with what made the step.
    held = jax.lax.optimization_barrier
    unit = held(held(step.astype(scale.dtype)) / scale)
    return (unit * gain * new_scale).astype(step.dtype)


def _holds_mask(state: optax.OptState) -> bool:
    """Whether there is an ``optax.masked`` in a part; in ``optax.partition`` it is no mask."""
    kinds = (optax.MaskedState, optax.transforms.PartitionState)
    nodes = jax.tree.leaves(state, is_leaf=lambda node: isinstance(node, kinds))
    return any(isinstance(node, optax.MaskedState) for node in nodes)


def _check_structure(name: str, returned: optax.Updates, updates: optax.Updates) -> None:
    what = f"what {name} returned"
    if jax.tree.structure(returned) != jax.tree.structure(updates):
        # Masked in one of the two alone, where neither is missing to the other way round.
        where = _tree_checks.first_difference("updates", returned, updates, "what it got")
        where = where or _tree_checks.first_difference(
            "what it got: updates", updates, returned, what
        )
        raise ValueError(
            f"graft: {what} does not have the structure of the updates: {where}. To mask leaves, "
            "put optax.masked around graft."
        )
