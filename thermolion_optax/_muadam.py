"""MuAdam: Nesterov-Adam without bias correction, as ThermoLion's benchmark runs it."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike, DTypeLike

from thermolion_optax import _checks, _slots, _states, _trees
from thermolion_optax._moments import (
    cast_like_adam,
    check_updates,
    divide,
    moving_average,
    store,
    update_moments,
)
from thermolion_optax._weight_decay import decayed_weights


def scale_by_muadam(
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.999,
    eps: ArrayLike = 1e-8,
    *,
    mu_dtype: DTypeLike | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""Rescales updates by Nesterov-Adam's rule without bias correction.

    .. math::
        m &\leftarrow b_1 m + (1 - b_1) g, \qquad v \leftarrow b_2 v + (1 - b_2) g^2 \\
        u &= (b_1 m + (1 - b_1) g) / (\sqrt{v} + \epsilon)

    with m = v = 0 before the first step. Where the denominator is 0 the step is 0.

    Derivatives of the update itself (meta-gradients) are NaN where v = 0: see
    :func:`scale_by_smes` for the workaround.

    Args:
        b1: decay of the first moment, in [0, 1).
        b2: decay of the second moment, in [0, 1).
        eps: added to the root of v, in the units of the gradient; at least 0.
        mu_dtype: dtype in which m is stored; None is the parameter's.

    Returns:
        A transformation whose state is an ``optax.ScaleByAdamState``. Arithmetic and v are at least
        float32. Updates have the dtype of gradient, parameter and stored m together.

    Raises:
        ValueError: for a hyperparameter out of range, or a tree unlike that given to ``init``.
        TypeError: for an argument of the wrong kind, or leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import scale_by_muadam
        >>> tx = scale_by_muadam()
        >>> step, _ = tx.update(jnp.array(2.0), tx.init(jnp.array(0.0)))
        >>> # 0.19 / sqrt(0.001), whatever the gradient's size:
        >>> jax.tree.map(lambda u: round(float(u), 3), step)
        6.008

    References:
        The benchmark released with ThermoLion (arXiv 2512.01881).
    """
    return _scale_by_muadam("scale_by_muadam", b1, b2, eps, mu_dtype)


def _scale_by_muadam(
    owner: str, b1: ArrayLike, b2: ArrayLike, eps: ArrayLike, mu_dtype: DTypeLike | None
) -> optax.GradientTransformationExtraArgs:
    _checks.check_decay(owner, "b1", b1)
    _checks.check_decay(owner, "b2", b2)
    _checks.check_scalar(owner, "eps", eps, 0)
    _checks.check_moment_dtype(owner, "mu_dtype", mu_dtype)

    def init(params: optax.Params) -> optax.ScaleByAdamState:
        return optax.ScaleByAdamState(
            count=jnp.zeros([], jnp.int32),
            mu=_slots.zeros_like(owner, params, mu_dtype),
            nu=_slots.zeros_like(owner, params, at_least=jnp.float32),
        )

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, optax.ScaleByAdamState]:
        del extra_args
        state = _states.check_state(owner, state, optax.ScaleByAdamState)
        check_updates(owner, updates, state.mu, state.nu, params)
        mu, nu = update_moments(updates, state.mu, state.nu, b1, b2)

        def step(m: jax.Array, v: jax.Array, g: ArrayLike) -> jax.Array:
            return divide(moving_average(b1, m, jnp.asarray(g, m.dtype)), jnp.sqrt(v), eps)

        steps = cast_like_adam(_trees.map_leaves(step, mu, nu, updates), updates, state.mu, params)
        count = jnp.asarray(optax.safe_increment(state.count))
        return steps, optax.ScaleByAdamState(count, store(mu, state.mu), store(nu, state.nu))

    return optax.GradientTransformationExtraArgs(init, update)


def muadam(
    learning_rate: optax.ScalarOrSchedule = 1e-3,
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.999,
    eps: ArrayLike = 1e-8,
    *,
    weight_decay: optax.ScalarOrSchedule = 0.0,
    mask: optax.MaskOrFn = None,
    mu_dtype: DTypeLike | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""Nesterov-Adam without bias correction, the rule that ThermoLion's benchmark calls MuAdam.

    .. math::
        m &\leftarrow b_1 m + (1 - b_1) g, \qquad v \leftarrow b_2 v + (1 - b_2) g^2 \\
        \theta &\leftarrow \theta - \eta \left((b_1 m + (1 - b_1) g) / (\sqrt{v} + \epsilon)
        + \mathrm{weight\_decay} \cdot \theta\right)

    The ThermoLion paper cites Muon for it, but no matrix is orthogonalised here; Muon itself is
    ``optax.contrib.muon``. Without bias correction the first steps are large: 6.0 eta for any
    gradient at the defaults.

    Derivatives of the update itself (meta-gradients) are NaN where v = 0: see
    :func:`scale_by_smes` for the workaround.

    Args:
        learning_rate: the step size eta >= 0, in the parameters' units; or a schedule of the
            0-based step.
        b1: decay of the first moment, in [0, 1).
        b2: decay of the second moment, in [0, 1).
        eps: added to the root of v, in the units of the gradient; at least 0.
        weight_decay: decoupled weight decay, at least 0, or a schedule; unless 0, ``update``
            needs ``params``.
        mask: tree of booleans (or a callable giving it) saying which parameters decay.
        mu_dtype: dtype in which m is stored; None is the parameter's.

    Returns:
        The transformation; its state is the chain's tuple, an ``optax.ScaleByAdamState`` first.
        Arithmetic and v are at least float32. Updates have the dtype of gradient, parameter and
        stored m together. Under ``optax.inject_hyperparams`` name those of ``mask`` and
        ``mu_dtype`` that you set in ``static_args``; with parameters of 16 bits pass
        ``hyperparam_dtype=jnp.float32``, too, or every decay would be rounded to 16 bits (0.999
        to 1), which is a TypeError.

    Raises:
        ValueError: for a hyperparameter out of range, missing ``params`` where parameters decay, or
            trees that differ.
        TypeError: for an argument of the wrong kind, or leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import muadam
        >>> tx = muadam(1e-3)
        >>> params = jnp.array([1.0, -1.0])
        >>> state = tx.init(params)
        >>> updates, state = tx.update(params, state, params)
        >>> params = optax.apply_updates(params, updates)
        >>> jax.tree.map(lambda p: [round(float(x), 4) for x in p], params)
        [0.994, -0.994]

    References:
        The benchmark released with ThermoLion (arXiv 2512.01881), in whose text it is "Muon".
    """
    learning_rate = _checks.scalar_or_schedule("muadam", "learning_rate", learning_rate, 0)
    return _states.chain(
        "muadam",
        _scale_by_muadam("muadam", b1, b2, eps, mu_dtype),
        decayed_weights("muadam", weight_decay, mask),
        _states.scale_by_learning_rate("muadam", learning_rate),
    )
