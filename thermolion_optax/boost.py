"""The alignment boost: longer steps where the update and the gradient agree."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from thermolion_optax import _checks, _trees


class AlignmentBoostState(NamedTuple):
    """State of :func:`alignment_boost`.

    Attributes:
        count: updates so far, int32 scalar; the 0-based argument of a schedule.
        average: with ``decay``, the running average of the incoming updates, shaped like them,
            at least float32; else None.
    """

    count: jax.Array
    average: Any


def alignment_boost(
    boost: optax.ScalarOrSchedule = 0.5, *, decay: jax.typing.ArrayLike | None = None
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
        >>> import jax.numpy as jnp, optax
        >>> from thermolion_optax import alignment_boost
        >>> tx = optax.chain(optax.scale_by_sign(), alignment_boost(0.5))
        >>> g = jnp.array([2.0, -0.1])
        >>> updates, _ = tx.update(g, tx.init(g), grad=jnp.array([1.0, 1.0]))
        >>> updates.tolist()
        [1.5, -1.0]

    References:
        ThermoLion (arXiv 2512.01881), Eq. 5.
    """
    owner = "alignment_boost"
    _checks.check_scalar(owner, "boost", boost, 0, schedule=True)
    if decay is not None:
        _checks.check_scalar(owner, "decay", decay, 0, 1, open_high=True)

    def init(params):
        average = None if decay is None else _trees.zeros(owner, params, at_least=jnp.float32)
        return AlignmentBoostState(jnp.zeros([], jnp.int32), average)

    def update(updates, state, params=None, *, grad=None, **extra):
        del params, extra
        flat = _trees.flatten(updates)
        if decay is None:
            if grad is None:
                raise ValueError(
                    "alignment_boost: found no gradient to compare the updates with. Either pass "
                    "it, tx.update(g, state, params, grad=g) (inside scale_by_snr_gate this is "
                    "done for you), or give decay=0.9, and it keeps its own average of the updates."
                )
            others, average = flat.align(owner, "grad", grad, way_out=_trees.LIKE_UPDATES), None
        else:
            averages = flat.align(owner, "the state's average", state.average)
            others = [
                _average(owner, path, decay, a, u)
                for path, a, u in zip(flat.paths, averages, flat.leaves, strict=True)
            ]
            average = flat.build(others)

        gain = boost(state.count) if callable(boost) else boost
        boosted = [
            u if _trees.is_hole(u) else _boost(owner, path, u, g, gain)
            for path, u, g in zip(flat.paths, flat.leaves, others, strict=True)
        ]
        count = jnp.asarray(optax.safe_increment(state.count))
        return flat.build(boosted), AlignmentBoostState(count, average)

    return optax.GradientTransformationExtraArgs(init, update)


def _average(owner: str, path: str, decay: Any, average: Any, u: Any) -> Any:
    if _trees.is_hole(u):
        return average
    _trees.check_leaf(owner, "updates", path, u)
    has = "the state was initialised with"
    _trees.check_shape(owner, f"updates{path}", u, average, has, _trees.OF_THESE_PARAMETERS)
    return (decay * average + (1 - decay) * jnp.asarray(u)).astype(average.dtype)


def _boost(owner: str, path: str, u: Any, g: Any, gain: Any) -> jax.Array:
    _trees.check_leaf(owner, "updates", path, u)
    u = jnp.asarray(u)
    _trees.check_leaf(owner, "grad", path, g)
    _trees.check_shape(owner, f"grad{path}", g, u, "the updates have")
    aligned = jnp.sign(u) * g > 0  # u * g could underflow
    dtype = _trees.work_dtype(u)
    factor = jnp.where(aligned, 1 + jnp.asarray(gain, dtype), jnp.ones((), dtype))
    return (u.astype(dtype) * factor).astype(u.dtype)
