"""Stochastic weight averaging around any optimizer; the average is read through any wrapper."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from thermolion_optax import _checks, _slots, _states, _tree_checks, _trees
from thermolion_optax._trees import is_masked, widen


class StochasticWeightAveragingState(NamedTuple):
    """State of :func:`stochastic_weight_averaging`.

    Attributes:
        count: number of updates made, int32.
        averaged: number of parameter vectors in the average, int32.
        average: their equal average, shaped as the parameters, in at least float32; zeros
            before the first.
        inner_state: state of the inner optimizer.
    """

    count: jax.Array
    averaged: jax.Array
    average: optax.Params
    inner_state: optax.OptState


def stochastic_weight_averaging(
    inner: optax.GradientTransformation,
    start_step: ArrayLike,
    period: ArrayLike = 1,
) -> optax.GradientTransformationExtraArgs:
    r"""Keeps the equal average of the parameters that ``inner`` visits, beside training itself.

    .. math::
        a \leftarrow a + (\theta_t - a) / (n + 1), \qquad n \leftarrow n + 1

    after the updates t = start_step, start_step + period, …, with the new parameters
    :math:`\theta_t = \theta_{t-1} + \mathrm{update}`. Training is ``inner``'s alone.

    Args:
        inner: the optimizer that trains, learning rate included.
        start_step: the first update after which parameters are averaged, counted from 1.
        period: updates from one average to the next, at least 1; an epoch's steps for SWA as
            published.

    Returns:
        A transformation with :class:`StochasticWeightAveragingState`, whose average is at least
        float32; :func:`averaged_params` reads it. ``update`` needs ``params``, and its updates must
        be applied as they are, so let it be the last link of a chain. Extra arguments go on to
        ``inner``. Updates have the dtype of the inner ones.

    Raises:
        ValueError: for a hyperparameter out of range, missing ``params``, or a tree unlike that
            given to ``init``.
        TypeError: for an argument of the wrong kind, or leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import averaged_params, stochastic_weight_averaging
        >>> tx = stochastic_weight_averaging(optax.sgd(1.0), start_step=2, period=2)
        >>> params = jnp.array(0.0)
        >>> state = tx.init(params)
        >>> for _ in range(4):
        ...     updates, state = tx.update(jnp.array(-1.0), state, params)
        ...     params = optax.apply_updates(params, updates)
        >>> jax.tree.map(float, (params, averaged_params(state, params)))  # the average of 2 and 4
        (4.0, 3.0)

    References:
        Izmailov et al. (2018), arXiv 1803.05407, Algorithm 1.
    """
    owner = "stochastic_weight_averaging"
    trainer = _checks.check_inner(owner, inner)
    _checks.check_positive_int(owner, "start_step", start_step)
    _checks.check_positive_int(owner, "period", period)

    def init(params: optax.Params) -> StochasticWeightAveragingState:
        return StochasticWeightAveragingState(
            count=jnp.zeros([], jnp.int32),
            averaged=jnp.zeros([], jnp.int32),
            average=_slots.zeros_like(owner, params, at_least=jnp.float32),
            inner_state=trainer.init(params),
        )

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, StochasticWeightAveragingState]:
        state = _states.check_state(owner, state, StochasticWeightAveragingState)
        if params is None:
            raise ValueError(f"{owner}: params is missing; call update(grads, state, params).")
        _slots.check_initialised(owner, state.average, updates=updates, params=params)
        steps, inner_state = trainer.update(updates, state.inner_state, params, **extra_args)
        _slots.check_initialised(owner, state.average, **{"inner's updates": steps})
        count = jnp.asarray(optax.safe_increment(state.count))
        since = count - jnp.asarray(start_step)
        joins = (since >= 0) & (since % jnp.maximum(jnp.asarray(period), 1) == 0)
        # apply_updates rounds to the parameters' dtype: the average is of what is trained.
        average = jax.tree.map(
            lambda a, p: jnp.where(joins, a + (widen(p) - a) / (state.averaged + 1), a).astype(
                a.dtype
            ),
            state.average,
            optax.apply_updates(params, steps),
        )
        return steps, StochasticWeightAveragingState(
            count, state.averaged + joins.astype(jnp.int32), average, inner_state
        )

    return optax.GradientTransformationExtraArgs(init, update)


def averaged_params(opt_state: optax.OptState, params: optax.Params) -> optax.Params:
    r"""Reads the averaged parameters from an optimizer's state, through any wrapper.

    .. math::
        a = \frac{1}{n} \sum_{i=0}^{n-1} \theta_{\mathrm{start\_step} + i \cdot \mathrm{period}}

    A pure function that may be called inside jit, scan and vmap. ``params`` come back as they are
    before the first average, and where a wrapper such as ``optax.masked`` kept leaves from being
    averaged; with ``optax.partition``, each group's own average is taken. The state and parameters
    of Flax NNX serve as they are: ``averaged_params(optimizer.opt_state, nnx.state(model,
    nnx.Param))`` returns what ``nnx.update(model, …)`` takes.

    Args:
        opt_state: the state of an optimizer with ``stochastic_weight_averaging`` somewhere in it.
        params: the parameters in training, a tree of real floating-point arrays.

    Returns:
        A tree like ``params``, of its shapes and dtypes.

    Raises:
        ValueError: for a state that holds no average, or one unlike ``params``.
        TypeError: for leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import averaged_params, stochastic_weight_averaging
        >>> tx = optax.chain(
        ...     optax.clip(1.0), stochastic_weight_averaging(optax.sgd(1.0), start_step=1)
        ... )
        >>> params = {"w": jnp.array([1.0, 2.0])}
        >>> state = tx.init(params)
        >>> for _ in range(2):  # to [0, 1], then [-1, 0]
        ...     updates, state = tx.update({"w": jnp.ones(2)}, state, params)
        ...     params = optax.apply_updates(params, updates)
        >>> jax.tree.map(lambda p: p.tolist(), averaged_params(state, params))
        {'w': [-0.5, 0.5]}

    References:
        Izmailov et al. (2018), arXiv 1803.05407, Algorithm 1.
    """

    def is_average(node: Any) -> bool:
        return isinstance(node, StochasticWeightAveragingState)

    owner, averaged = "averaged_params", "the average in opt_state"
    opt_state = _tree_checks.unwrap(owner, "opt_state", opt_state)
    result = _tree_checks.unwrap(owner, "params", params)
    found = [s for s in jax.tree.leaves(opt_state, is_leaf=is_average) if is_average(s)]
    if not found:
        raise ValueError(
            f"{owner}: opt_state (of type {type(opt_state).__name__}) holds no average; wrap the "
            "optimizer with stochastic_weight_averaging."
        )
    for state in found:
        _states.check_single(owner, state.averaged)
        hint = "Pass the parameters that the optimizer trains."
        _tree_checks.check_structure(owner, "params", result, state.average, averaged, hint)
        for path, average, current in _trees.leaves_with_path(state.average, result):
            if not is_masked(current):
                _tree_checks.check_leaf(owner, "params", path, current)
            _tree_checks.check_shape(
                owner, "params", path, current, average, f"{averaged} has", hint
            )

        def pick(average: Any, current: Any, state: Any = state) -> Any:
            # Masked: ``current`` is the leaf or subtree that this average leaves alone.
            if is_masked(average):
                return current
            current = jnp.asarray(current)
            return jnp.where(state.averaged > 0, average.astype(current.dtype), current)

        result = jax.tree.map(pick, state.average, result, is_leaf=is_masked)
    # In the caller's own wrappers.
    return jax.tree.unflatten(jax.tree.structure(params), jax.tree.leaves(result))
