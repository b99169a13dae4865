"""SMES: SGD and Adam as two values of the second moment's exponent."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike, DTypeLike

from thermolion_optax import _checks, _slots, _states, _tree_checks, _trees
from thermolion_optax._moments import (
    bias_correction,
    cast_like_adam,
    check_updates,
    divide,
    safe_divide,
    store,
    update_moments,
)
from thermolion_optax._weight_decay import decayed_weights


class SmesState(NamedTuple):
    """State of :func:`scale_by_smes`.

    Attributes:
        count: updates so far, int32 scalar.
        mu: the first moment, shaped and sharded like the parameters.
        nu: the second moment, likewise.
        nu_max: with ``amsgrad``, the largest bias-corrected second moment so far, likewise;
            else None.
    """

    count: jax.Array
    mu: optax.Updates
    nu: optax.Updates
    nu_max: Any = None  # optax.Updates or None, which optax's types do not know in a state


def scale_by_smes(
    alpha: optax.ScalarOrSchedule = 0.5,
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.999,
    eps: ArrayLike = 1e-8,
    *,
    amsgrad: bool = False,
    mu_dtype: DTypeLike | None = None,
    nu_dtype: DTypeLike | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""Divides the momentum by the second moment to the power alpha.

    .. math::
        u = \hat m / (\hat v^{\alpha} + \epsilon), \qquad
        \hat m = m / (1 - b_1^t), \quad \hat v = v / (1 - b_2^t)

    with m and v the moving averages of g and g^2. alpha = 0 is SGD with (bias-corrected)
    momentum, alpha = 1/2 is Adam. The step has the units of g^(1 - 2 alpha), so the learning
    rate must be tuned anew for each alpha. Where a denominator is 0 the step is 0.

    With ``amsgrad`` the largest :math:`\hat v` so far stands in the place of
    :math:`\hat v`. At eps = 0 this is Padam with Adam's bias corrections (Padam adds its eps
    inside the power), and at alpha = 1/2 AMSGrad.

    Derivatives of the update itself (meta-gradients) are NaN where v = 0, since a root's is
    infinite there. To differentiate, start v above 0, with
    ``optax.tree.set(state, nu=jax.tree.map(lambda v: jnp.full_like(v, 1e-30), state.nu))``.

    Args:
        alpha: the exponent, any finite number (negative ones too), or a schedule of the 0-based
            step. Concrete 0, 1/4, 1/2 and 1 cost roots instead of a power.
        b1: decay of the first moment, in [0, 1).
        b2: decay of the second moment, in [0, 1).
        eps: added to the power of v; at least 0.
        amsgrad: whether to divide by the largest second moment so far, a Python bool. It costs
            one more slot of the parameters' size, stored as v is.
        mu_dtype: dtype in which m is stored; None is the parameter's.
        nu_dtype: dtype in which v is stored; None is the parameter's, but at least float32.

    Returns:
        A transformation with :class:`SmesState`. Arithmetic is at least float32. Updates have
        the dtype of gradient, parameter and stored m together.

    Raises:
        ValueError: for a hyperparameter out of range, a tree unlike that given to ``init``, or a
            state made with the other ``amsgrad``.
        TypeError: for an argument of the wrong kind, or leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from thermolion_optax import scale_by_smes
        >>> g = jnp.array([4.0, -0.25])
        >>> for alpha in (0.0, 0.25, 0.5):
        ...     tx = scale_by_smes(alpha)
        ...     updates, _ = tx.update(g, tx.init(g))
        ...     print(jax.tree.map(lambda u: [round(float(x), 3) for x in u], updates))
        [4.0, -0.25]
        [2.0, -0.5]
        [1.0, -1.0]

    References:
        SMES (arXiv 2405.18498); alpha = p with AMSGrad's maximum is Padam (arXiv 1806.06763);
        scheduled alpha: Natural Spectral Fusion (arXiv 2509.04713).
    """
    return _scale_by_smes("scale_by_smes", alpha, b1, b2, eps, amsgrad, mu_dtype, nu_dtype)


def smes(
    learning_rate: optax.ScalarOrSchedule,
    alpha: optax.ScalarOrSchedule = 0.5,
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.999,
    eps: ArrayLike = 1e-8,
    *,
    amsgrad: bool = False,
    weight_decay: optax.ScalarOrSchedule = 0.0,
    mask: optax.MaskOrFn = None,
    mu_dtype: DTypeLike | None = None,
    nu_dtype: DTypeLike | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""SMES: from SGD with momentum (alpha = 0) to Adam (alpha = 1/2) and beyond.

    .. math::
        \theta \leftarrow \theta - \eta \left(\hat m / (\hat v^{\alpha} + \epsilon)
        + \mathrm{weight\_decay} \cdot \theta\right)

    Derivatives of the update itself (meta-gradients) are NaN where v = 0: see
    :func:`scale_by_smes` for the workaround.

    Args:
        learning_rate: the step size eta >= 0, or a schedule. Its useful size depends on alpha.
        alpha: the exponent, any finite number, or a schedule of the 0-based step.
        b1: decay of the first moment, in [0, 1).
        b2: decay of the second moment, in [0, 1).
        eps: added to the power of v; at least 0.
        amsgrad: whether to divide by the largest second moment so far (see
            :func:`scale_by_smes`), a Python bool.
        weight_decay: decoupled weight decay, at least 0, or a schedule; unless 0, ``update``
            needs ``params``.
        mask: tree of booleans (or a callable giving it) saying which parameters decay.
        mu_dtype: dtype in which m is stored; None is the parameter's.
        nu_dtype: dtype in which v is stored; None is the parameter's, but at least float32.

    Returns:
        The transformation. Under ``optax.inject_hyperparams`` name those of ``mask``,
        ``mu_dtype`` and ``nu_dtype`` that you set in ``static_args``; with parameters of 16 bits
        pass ``hyperparam_dtype=jnp.float32``, too, or the decays would be rounded to 16 bits
        (b2 = 0.999 to 1), which is a TypeError.

    Raises:
        ValueError: for a hyperparameter out of range, missing ``params``, trees that differ, or
            a state made with the other ``amsgrad``.
        TypeError: for an argument of the wrong kind or leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import smes
        >>> tx = smes(0.1, alpha=optax.linear_schedule(0.5, 0.0, 100))
        >>> w = jnp.array([1.0])
        >>> updates, state = tx.update(jnp.array([2.0]), tx.init(w), w)
        >>> jax.tree.map(lambda u: round(float(u[0]), 4), updates)
        -0.1

    References:
        SMES (arXiv 2405.18498).
    """
    learning_rate = _checks.scalar_or_schedule("smes", "learning_rate", learning_rate, 0)
    return _states.chain(
        "smes",
        _scale_by_smes("smes", alpha, b1, b2, eps, amsgrad, mu_dtype, nu_dtype),
        decayed_weights("smes", weight_decay, mask),
        _states.scale_by_learning_rate("smes", learning_rate),
    )


def _scale_by_smes(
    owner: str,
    alpha: optax.ScalarOrSchedule,
    b1: ArrayLike,
    b2: ArrayLike,
    eps: ArrayLike,
    amsgrad: bool,
    mu_dtype: DTypeLike | None,
    nu_dtype: DTypeLike | None,
) -> optax.GradientTransformationExtraArgs:
    alpha = _checks.scalar_or_schedule(owner, "alpha", alpha)
    _checks.check_decay(owner, "b1", b1)
    _checks.check_decay(owner, "b2", b2)
    _checks.check_scalar(owner, "eps", eps, 0)
    _checks.check_moment_dtype(owner, "mu_dtype", mu_dtype)
    _checks.check_moment_dtype(owner, "nu_dtype", nu_dtype, of_squares=True)

    if not isinstance(amsgrad, bool):
        raise TypeError(
            f"{owner}: amsgrad is of type {type(amsgrad).__name__}, but must be a Python bool: the "
            "state's structure depends on it, so it cannot be traced."
        )

    def init(params: optax.Params) -> SmesState:
        def second_moment() -> optax.Params:
            return _slots.zeros_like(owner, params, nu_dtype, at_least=jnp.float32)

        return SmesState(
            count=jnp.zeros([], jnp.int32),
            mu=_slots.zeros_like(owner, params, mu_dtype),
            nu=second_moment(),
            nu_max=second_moment() if amsgrad else None,
        )

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, SmesState]:
        del extra_args
        state = _states.check_state(owner, state, SmesState)
        check_updates(owner, updates, state.mu, state.nu, params)
        count = jnp.asarray(optax.safe_increment(state.count))
        mu, nu = update_moments(updates, state.mu, state.nu, b1, b2)
        exponent = alpha(state.count) if callable(alpha) else alpha
        v_hats, nu_max = _trees.map_leaves(lambda v: _unbias(v, b2, count), nu), None
        _check_nu_max(owner, amsgrad, state.nu_max, updates)
        if amsgrad:
            v_hats = _trees.map_leaves(_maximum, v_hats, state.nu_max)
            nu_max = store(v_hats, state.nu_max)

        def step(m: jax.Array, v_hat: jax.Array) -> jax.Array:
            return divide(_unbias(m, b1, count), _power(v_hat, exponent), eps)

        steps = cast_like_adam(_trees.map_leaves(step, mu, v_hats), updates, state.mu, params)
        return steps, SmesState(count, store(mu, state.mu), store(nu, state.nu), nu_max)

    return optax.GradientTransformationExtraArgs(init, update)


def _check_nu_max(owner: str, amsgrad: bool, nu_max: Any, updates: optax.Updates) -> None:
    """Raises unless the state holds a maximum where, and only where, ``amsgrad`` is on."""
    if amsgrad is (nu_max is None):
        raise ValueError(
            f"{owner}: the state was initialised with amsgrad = {not amsgrad}, but this "
            f"transformation has amsgrad = {amsgrad}. Call tx.init anew."
        )
    if amsgrad:
        _tree_checks.check_structure(owner, "the state's nu_max", nu_max, updates)


def _maximum(v_hat: jax.Array, so_far: jax.Array) -> jax.Array:
    return jnp.maximum(v_hat, so_far.astype(v_hat.dtype))


def _unbias(moment: jax.Array, decay: ArrayLike, count: jax.Array) -> jax.Array:
    correction = bias_correction(decay, count, moment.dtype)
    # A factor, no divisor: XLA joins two divisions into one, though not in a sharded program,
    # whose last bits would then differ.
    if _checks.concrete(decay) is not None:
        return moment * (1 / correction)
    # 0 only for a traced decay that is 1.
    return moment * safe_divide(jnp.ones_like(correction), correction)


def _power(nu: jax.Array, exponent: ArrayLike) -> jax.Array:
    match _checks.concrete(exponent):
        case 0.0:
            return jnp.ones_like(nu)
        case 0.25:
            return jnp.sqrt(jnp.sqrt(nu))
        case 0.5:
            return jnp.sqrt(nu)
        case 1.0:
            return nu
        case _:
            return jnp.power(nu, jnp.asarray(exponent, nu.dtype))
