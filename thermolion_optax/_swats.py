"""SWATS: Adam that switches to SGD, by Keskar and Socher's criterion or after a fixed step."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike, DTypeLike

from thermolion_optax import _checks, _slots, _states, _trees
from thermolion_optax._moments import (
    bias_correction,
    cast_like_adam,
    check_updates,
    divide,
    safe_divide,
    store,
    update_moments,
)
from thermolion_optax._trees import map_leaves
from thermolion_optax._weight_decay import decayed_weights


class SwatsState(NamedTuple):
    """State of :func:`swats`.

    Attributes:
        count: number of updates made, int32 scalar.
        mu: Adam's first moment; after the switch SGD's, from 0. Shaped as the parameters, of their
            dtype or ``mu_dtype``.
        nu: Adam's second moment, kept as it was at the switch. Shaped as the parameters, in at
            least float32.
        projection_average: λ, the running average of the projected SGD learning rate, float32
            scalar (as those below; float64 under x64).
        switch_step: the 1-based number of the last Adam step; 0 while Adam is still at work; int32.
        sgd_learning_rate: the learning rate SGD started with; 0 before the switch.
        switch_learning_rate: ``learning_rate`` at the switch; 0 before it.
    """

    count: jax.Array
    mu: optax.Updates
    nu: optax.Updates
    projection_average: jax.Array
    switch_step: jax.Array
    sgd_learning_rate: jax.Array
    switch_learning_rate: jax.Array


def swats(
    learning_rate: optax.ScalarOrSchedule = 1e-3,
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.999,
    eps: ArrayLike = 1e-8,
    *,
    switch: Literal["criterion"] | ArrayLike = "criterion",
    tolerance: ArrayLike = 1e-9,
    weight_decay: optax.ScalarOrSchedule = 0.0,
    mask: optax.MaskOrFn = None,
    mu_dtype: DTypeLike | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""Adam first, then SGD: the switch comes by itself, or after a fixed number of steps.

    .. math::
        m &\leftarrow b_1 m + (1 - b_1) g, \qquad v \leftarrow b_2 v + (1 - b_2) g^2 \\
        p &= -\eta\, \frac{\sqrt{1 - b_2^k}}{1 - b_1^k}\, \frac{m}{\sqrt{v} + \epsilon},
            \qquad \theta \leftarrow \theta + p

    is Adam's phase in step k, with eps beside the uncorrected root in both variants.

    ``switch="criterion"`` is Keskar and Socher's Algorithm 1. The SGD step whose projection on p is
    p itself has the learning rate gamma, and its running average decides:

    .. math::
        \gamma &= p \cdot p / (-p \cdot g), \qquad
        \lambda \leftarrow b_2 \lambda + (1 - b_2) \gamma, \qquad
        \Lambda = \lambda / (1 - b_2^k) \\
        &\text{switch after step } k > 1 \text{ when } \Lambda > 0 \text{ and }
        |\Lambda - \gamma| < \mathrm{tolerance} \\
        m &\leftarrow b_1 m + (1 - b_1) g, \qquad \theta \leftarrow \theta - \Lambda m

    where the last line is SGD's, with m = 0 at the switch and Lambda as it was there (the
    algorithm's momentum is m / (1 - b1), and its learning rate (1 - b1) Lambda). The dot
    products run over the whole tree; gamma and lambda stay as they are where p · g = 0.
    Lambda > 0 is not written in the algorithm; a negative one would climb. Where
    ``learning_rate`` is a schedule, it goes on after the switch: Lambda is scaled by
    eta / (eta at the switch).

    ``switch=n`` is Adam for n steps and then plain SGD, without momentum and with the same eta:
    what ThermoLion's benchmark runs with n = 300, so that its 60 steps are all Adam's.

    Derivatives of the update itself (meta-gradients) are NaN where v = 0: see
    :func:`scale_by_smes` for the workaround.

    Args:
        learning_rate: the step size eta >= 0, in the parameters' units; or a schedule of the
            0-based step.
        b1: decay of the first moment and momentum of the criterion's SGD, in [0, 1).
        b2: decay of the second moment and of lambda, in [0, 1).
        eps: added to the root of v, in the units of the gradient; at least 0. 1e-9 in the SWATS
            paper.
        switch: "criterion", or the number of Adam steps, at least 1.
        tolerance: how near Lambda and gamma must be, in units of a learning rate; at least 0. The
            SWATS paper uses its eps, 1e-9; on noisy gradients that may take many epochs or never
            come.
        weight_decay: decoupled weight decay, at least 0, or a schedule: eta · weight_decay · theta
            is subtracted in both phases, with the eta of ``learning_rate``. Not part of the
            papers; unless 0, ``update`` needs ``params``.
        mask: tree of booleans (or a callable giving it) saying which parameters decay.
        mu_dtype: dtype in which m is stored; None is the parameter's.

    Returns:
        A transformation with :class:`SwatsState`, which tells ``switch_step`` and
        ``sgd_learning_rate``. Under ``optax.masked`` or ``optax.partition`` the criterion sees the
        group's own leaves, inside ``jax.shard_map`` a device's own piece. Arithmetic and v are at
        least float32. Updates have the dtype of gradient, parameter, stored m, learning rate and
        weight decay together (a scheduled rate's counts not). Under ``optax.inject_hyperparams``
        name those of ``mask`` and ``mu_dtype`` that you set in ``static_args``; with parameters
        of 16 bits pass ``hyperparam_dtype=jnp.float32``, too, or every decay would be rounded to
        16 bits (0.999 to 1), which is a TypeError.

    Raises:
        ValueError: for a hyperparameter out of range, an unknown ``switch``, missing ``params``
            where parameters decay, or trees that differ.
        TypeError: for an argument of the wrong kind, or leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import swats
        >>> tx = swats(0.1, switch=2)
        >>> params = jnp.array(1.0)
        >>> state = tx.init(params)
        >>> for _ in range(2):
        ...     updates, state = tx.update(params, state)
        ...     params = optax.apply_updates(params, updates)
        >>> updates, state = tx.update(params, state)
        >>> jax.tree.map(lambda u: round(float(u), 4), updates)  # 0.1 times the gradient, 0.8
        -0.08

    References:
        Keskar and Socher (2017), arXiv 1712.07628, Algorithm 1.
    """
    owner = "swats"
    learning_rate = _checks.scalar_or_schedule(owner, "learning_rate", learning_rate, 0)
    _checks.check_decay(owner, "b1", b1)
    _checks.check_decay(owner, "b2", b2)
    _checks.check_scalar(owner, "eps", eps, 0)
    _checks.check_scalar(owner, "tolerance", tolerance, 0)
    _checks.check_moment_dtype(owner, "mu_dtype", mu_dtype)
    weight_decay = _checks.scalar_or_schedule(owner, "weight_decay", weight_decay, 0)
    decay = decayed_weights(owner, weight_decay, mask)
    decays = _checks.concrete(weight_decay) != 0
    by_criterion = isinstance(switch, str)
    if by_criterion and switch != "criterion":
        raise ValueError(
            f"{owner}: switch = {switch!r}, but must be 'criterion' or a number of Adam steps."
        )
    if not by_criterion:
        _checks.check_positive_int(owner, "switch", switch)

    def init(params: optax.Params) -> SwatsState:
        mu = _slots.zeros_like(owner, params, mu_dtype)
        decay.init(params)  # raises where the mask does not fit
        first_rate = (
            learning_rate(jnp.zeros([], jnp.int32)) if callable(learning_rate) else learning_rate
        )
        zero = jnp.zeros_like(first_rate, dtype=jnp.result_type(float))
        decided = jnp.zeros([], jnp.int32)
        if by_criterion:
            # What is decided from all leaves must from the start vary over the axes of
            # jax.shard_map that any of them varies over, or no scan could carry the state.
            for leaf in jax.tree.leaves(params):
                zero += jnp.zeros_like(leaf, dtype=zero.dtype).sum()
            decided = zero.astype(jnp.int32)
        return SwatsState(
            count=jnp.zeros([], jnp.int32),
            mu=mu,
            nu=_slots.zeros_like(owner, params, at_least=jnp.float32),
            # Copies: a donated state may not hold one buffer twice.
            projection_average=jnp.array(zero, copy=True),
            switch_step=decided,
            sgd_learning_rate=jnp.array(zero, copy=True),
            switch_learning_rate=jnp.array(zero, copy=True),
        )

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, SwatsState]:
        del extra_args
        state = _states.check_state(owner, state, SwatsState)
        check_updates(owner, updates, state.mu, state.nu, params)
        scalar = state.sgd_learning_rate.dtype
        given_rate = learning_rate(state.count) if callable(learning_rate) else learning_rate
        rate = jnp.asarray(given_rate, scalar)
        count = jnp.asarray(optax.safe_increment(state.count))
        sgd = state.switch_step > 0
        grads = map_leaves(_trees.widen, updates)

        mu, nu = update_moments(updates, state.mu, state.nu, b1, b2)
        nu = map_leaves(lambda v, old: jnp.where(sgd, old, v), nu, state.nu)
        correction1 = bias_correction(b1, count, scalar)
        correction2 = bias_correction(b2, count, scalar)
        adam_rate = rate * jnp.sqrt(correction2) / correction1
        adam_step = map_leaves(
            lambda m, v: -like(m, adam_rate) * divide(m, jnp.sqrt(v), eps), mu, nu
        )

        if by_criterion:
            gamma, usable = _projected_rate(adam_step, grads, scalar)
            average = jnp.where(
                usable & ~sgd,
                b2 * state.projection_average + (1 - b2) * gamma,
                state.projection_average,
            ).astype(scalar)
            estimate = average / correction2
            near = jnp.abs(estimate - gamma) < tolerance
            fires = ~sgd & usable & near & (estimate > 0) & (count > 1)
            sgd_rate = state.sgd_learning_rate * safe_divide(rate, state.switch_learning_rate)
            sgd_step = map_leaves(lambda m: -like(m, sgd_rate) * m, mu)
        else:
            average, estimate = state.projection_average, rate
            fires = ~sgd & (count >= jnp.asarray(switch))
            sgd_step = map_leaves(lambda g: -like(g, rate) * g, grads)

        steps = map_leaves(lambda a, s: jnp.where(sgd, s, a), adam_step, sgd_step)
        wd = weight_decay(state.count) if callable(weight_decay) else weight_decay
        # As in optax, an array's dtype counts, but a scheduled rate takes that of the updates.
        own = [] if callable(learning_rate) else [given_rate]
        own += [wd] if decays else []
        steps = cast_like_adam(steps, updates, state.mu, params, *own)
        if decays:
            steps = _decay(owner, steps, params, wd, mask, rate)
        return steps, SwatsState(
            count=count,
            mu=store(map_leaves(lambda m: jnp.where(fires, 0, m), mu), state.mu),
            nu=store(nu, state.nu),
            projection_average=average,
            switch_step=jnp.where(fires, count, state.switch_step),
            sgd_learning_rate=jnp.where(fires, estimate, state.sgd_learning_rate),
            switch_learning_rate=jnp.where(fires, rate, state.switch_learning_rate),
        )

    return optax.GradientTransformationExtraArgs(init, update)


def _decay(
    owner: str,
    steps: optax.Updates,
    params: optax.Params | None,
    weight_decay: ArrayLike,
    mask: optax.MaskOrFn,
    rate: jax.Array,
) -> optax.Updates:
    """The steps less η · weight_decay · θ, where the mask says so."""
    # As a schedule, whose values are not judged: outside of jit a number's would be.
    decay = decayed_weights(owner, lambda _: weight_decay, mask)
    zeros = map_leaves(jnp.zeros_like, steps)
    decayed, _ = decay.update(zeros, decay.init(zeros if params is None else params), params)
    return map_leaves(lambda s, d: (s - like(s, rate) * d).astype(s.dtype), steps, decayed)


def like(leaf: jax.Array, value: ArrayLike) -> jax.Array:
    """A scalar in the leaf's dtype, so that a product with it keeps that dtype."""
    return jnp.asarray(value, leaf.dtype)


def _projected_rate(
    step: optax.Updates, grads: optax.Updates, dtype: DTypeLike
) -> tuple[jax.Array, jax.Array]:
    """γ = p·p / (-p·g) over the whole tree, and whether it is a number to go by."""

    def dot(a: optax.Updates, b: optax.Updates) -> jax.Array:
        products = jax.tree.map(lambda x, y: jnp.sum(x * y, dtype=dtype), a, b)
        return jax.tree.reduce(jnp.add, products, jnp.zeros([], dtype))

    along = dot(step, grads)
    gamma = safe_divide(dot(step, step), -along)
    return gamma, (along != 0) & jnp.isfinite(gamma)
