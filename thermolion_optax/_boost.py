"""The alignment boost: longer steps where the update and the gradient agree."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from thermolion_optax import _checks, _slots, _states, _tree_checks, _trees
from thermolion_optax._moments import moving_average, store


class AlignmentBoostState(NamedTuple):
    """State of :func:`alignment_boost`.

    Attributes:
        count: updates so far, int32 scalar; the 0-based argument of a schedule.
        average: with ``decay``, the running average of the incoming updates, shaped like them,
            at least float32; else None.
    """

    count: jax.Array
    average: Any  # optax.Updates or None, which optax's types do not know in a state


def alignment_boost(
    boost: optax.ScalarOrSchedule = 0.5, *, decay: ArrayLike | None = None
) -> optax.GradientTransformationExtraArgs:
    r"""Multiplies the updates by 1 + boost where their sign equals the gradient's.

    .. math::
        u \leftarrow u \cdot (1 + A), \qquad
        A = \mathrm{boost} \cdot [\mathrm{sign}(u)\,\mathrm{sign}(g) > 0]

    The gradient g comes as the extra argument ``grad``: :func:`scale_by_snr_gate` gives it to
    its branches, and anybody may with ``tx.update(g, state, params, grad=g)``. It may be a
    whole tree where the updates are masked.

    With ``decay`` the transformation keeps an average of its incoming updates instead,
    :math:`a \leftarrow \mathrm{decay}\, a + (1 - \mathrm{decay})\, u`, and boosts where
    :math:`\mathrm{sign}(a) = \mathrm{sign}(u)`. So it works first in any plain chain, where
    the incoming updates are the gradients, at the price of one slot of the parameters' size.

    Args:
        boost: the relative gain, at least 0, or a schedule of the 0-based step.
        decay: decay of the average in [0, 1); None takes ``grad`` instead.

    Returns:
        A transformation with :class:`AlignmentBoostState`; updates keep their dtype.

    Raises:
        ValueError: for a value out of range, if there is neither ``grad`` nor ``decay``, or for
            a tree that does not fit the updates.
        TypeError: for an argument of the wrong kind or leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import alignment_boost
        >>> tx = optax.chain(optax.scale_by_sign(), alignment_boost(0.5))
        >>> g = jnp.array([2.0, -0.1])
        >>> updates, _ = tx.update(g, tx.init(g), grad=jnp.array([1.0, 1.0]))
        >>> jax.tree.map(lambda u: u.tolist(), updates)
        [1.5, -1.0]

    References:
        ThermoLion (arXiv 2512.01881), Eq. 5.
    """
    owner = "alignment_boost"
    boost = _checks.scalar_or_schedule(owner, "boost", boost, 0)
    if decay is not None:
        _checks.check_decay(owner, "decay", decay)

    def init(params: optax.Params) -> AlignmentBoostState:
        average = None if decay is None else _slots.zeros_like(owner, params, at_least=jnp.float32)
        return AlignmentBoostState(jnp.zeros([], jnp.int32), average)

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        *,
        grad: optax.Updates | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, AlignmentBoostState]:
        del params, extra_args
        state = _states.check_state(owner, state, AlignmentBoostState)
        _tree_checks.check_leaves(owner, "updates", updates)
        if decay is None:
            _check_gradient(owner, grad, updates)
            reference, average = grad, None
        else:
            _check_average(owner, state.average, updates)
            average_with = functools.partial(moving_average, decay)
            grads = _trees.map_leaves(_trees.widen, updates)  # in float16 small ones would be lost
            reference = _trees.map_leaves(lambda g, a: average_with(a, g), grads, state.average)
            average = store(reference, state.average)

        gain = boost(state.count) if callable(boost) else boost

        def lengthen(u: ArrayLike, g: ArrayLike) -> jax.Array:
            u = jnp.asarray(u)
            dtype = _trees.compute_dtype(u)
            aligned = jnp.sign(u) * g > 0  # u * g could underflow
            factor = jnp.where(aligned, 1 + jnp.asarray(gain, dtype), jnp.ones((), dtype))
            return (u.astype(dtype) * factor).astype(u.dtype)

        count = jnp.asarray(optax.safe_increment(state.count))
        return _trees.map_leaves(lengthen, updates, reference), AlignmentBoostState(count, average)

    return optax.GradientTransformationExtraArgs(init, update)


def _check_gradient(owner: str, grad: optax.Updates | None, updates: optax.Updates) -> None:
    if grad is None:
        raise ValueError(
            f"{owner}: found no gradient to compare the updates with. Either pass "
            "it, tx.update(g, state, params, grad=g) (inside scale_by_snr_gate this is "
            "done for you), or give decay=0.9, and it keeps its own average of the updates."
        )
    _tree_checks.check_structure(owner, "grad", grad, updates, hint=_tree_checks.LIKE_UPDATES)
    for path, u, g in _trees.leaves_with_path(updates, grad):
        _tree_checks.check_leaf(owner, "grad", path, g)
        _tree_checks.check_shape(owner, "grad", path, g, u, "the updates have")


def _check_average(owner: str, average: optax.Updates | None, updates: optax.Updates) -> None:
    _tree_checks.check_structure(owner, "the state's average", average, updates)
    hint = _tree_checks.THESE_PARAMETERS
    for path, u, a in _trees.leaves_with_path(updates, average):
        _tree_checks.check_shape(owner, "updates", path, u, a, _tree_checks.INITIALISED, hint)
