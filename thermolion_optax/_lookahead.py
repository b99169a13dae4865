"""Lookahead around any optimizer, in an ordinary training loop."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from thermolion_optax import _checks, _slots, _states, _tree_checks
from thermolion_optax._trees import widen


class LookaheadState(NamedTuple):
    """State of :func:`lookahead`.

    Attributes:
        count: number of fast steps made, int32.
        slow: the slow weights, shaped as the parameters, in at least float32.
        inner_state: state of the inner optimizer.
    """

    count: jax.Array
    slow: optax.Params
    inner_state: optax.OptState


def lookahead(
    inner: optax.GradientTransformation,
    sync_period: ArrayLike = 5,
    slow_step_size: ArrayLike = 0.5,
    *,
    recopy: bool = False,
) -> optax.GradientTransformationExtraArgs:
    r"""Lookahead: every few fast steps, back part of the way to the slow weights.

    .. math::
        \theta &\leftarrow \theta + \mathrm{inner\ update}
            \qquad \text{in every step} \\
        \phi &\leftarrow \phi + \alpha (\theta - \phi), \quad \theta \leftarrow \phi
            \qquad \text{after every } k\text{-th step}

    with the fast weights theta, the slow weights phi (phi = theta at the start), alpha =
    ``slow_step_size`` and k = ``sync_period``.

    The parameters are the fast weights, and the slow ones live in the state, so this is used as
    any other transformation; ``optax.lookahead`` needs pairs of parameters instead. The inner
    state is kept over the synchronisation, as in the paper's experiments by default.

    ``recopy=True`` is the rule that ThermoLion's benchmark runs: phi becomes theta after the
    *first* fast step of each cycle. A cycle of k equal steps then moves the parameters
    1 + alpha (k - 1) steps far rather than alpha k: 3 instead of 2.5 at the defaults.

    Args:
        inner: the fast optimizer, learning rate included.
        sync_period: k, the fast steps from one synchronisation to the next, at least 1.
        slow_step_size: alpha in [0, 1].
        recopy: whether the slow weights are copied anew in each cycle.

    Returns:
        A transformation with :class:`LookaheadState`, whose ``slow`` holds phi in at least float32.
        ``update`` needs ``params``, and its updates must be applied as they are, so let it be the
        last link of a chain. Extra arguments go on to ``inner``. Updates have the dtype of the
        inner ones.

    Raises:
        ValueError: for a hyperparameter out of range, missing ``params``, or a tree unlike that
            given to ``init``.
        TypeError: for an argument of the wrong kind, or leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import lookahead
        >>> tx = lookahead(optax.sgd(1.0), sync_period=2)
        >>> params = jnp.array(0.0)
        >>> state = tx.init(params)
        >>> for _ in range(2):
        ...     updates, state = tx.update(jnp.array(-1.0), state, params)
        ...     params = optax.apply_updates(params, updates)
        >>> jax.tree.map(float, params)  # two steps forward, one back
        1.0

    References:
        Zhang, Lucas, Hinton and Ba (2019), arXiv 1907.08610, Algorithm 1.
    """
    owner = "lookahead"
    fast_optimizer = _checks.check_inner(owner, inner)
    _checks.check_positive_int(owner, "sync_period", sync_period)
    _checks.check_scalar(owner, "slow_step_size", slow_step_size, 0, 1)
    _checks.check_bool(owner, "recopy", recopy)

    def init(params: optax.Params) -> LookaheadState:
        _tree_checks.check_leaves(owner, "params", params)
        return LookaheadState(
            count=jnp.zeros([], jnp.int32),
            # A copy of its own: params and state may both be donated to a jitted step.
            slow=jax.tree.map(lambda p: jnp.array(widen(p), copy=True), params),
            inner_state=fast_optimizer.init(params),
        )

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, LookaheadState]:
        state = _states.check_state(owner, state, LookaheadState)
        if params is None:
            raise ValueError(f"{owner}: params is missing; call update(grads, state, params).")
        _slots.check_initialised(owner, state.slow, updates=updates, params=params)
        fast_updates, inner_state = fast_optimizer.update(
            updates, state.inner_state, params, **extra_args
        )
        _slots.check_initialised(owner, state.slow, **{"inner's updates": fast_updates})
        count = jnp.asarray(optax.safe_increment(state.count))
        period = jnp.maximum(jnp.asarray(sync_period), 1)
        synchronise = count % period == 0
        starts_cycle = state.count % period == 0

        fast = jax.tree.map(lambda p, u: widen(p) + widen(u), params, fast_updates)
        base = jax.tree.map(
            lambda f, s: jnp.where(starts_cycle & recopy, f.astype(s.dtype), s), fast, state.slow
        )
        slow = jax.tree.map(
            lambda f, s: jnp.where(
                synchronise, s + (jnp.asarray(slow_step_size) * (f - s)).astype(s.dtype), s
            ),
            fast,
            base,
        )
        steps = jax.tree.map(
            lambda u, p, s: jnp.where(synchronise, (s - widen(p)).astype(jnp.result_type(u)), u),
            fast_updates,
            params,
            slow,
        )
        return steps, LookaheadState(count, slow, inner_state)

    return optax.GradientTransformationExtraArgs(init, update)
