"""ThermoLion: the whole optimizer, composed of its parts."""

from typing import Any, Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike, DTypeLike

from thermolion_optax import _checks, _states, _tree_checks, _trees
from thermolion_optax._boost import alignment_boost
from thermolion_optax._gate import Gate, SnrGateState, gate_value, snr, snr_gate
from thermolion_optax._keys import check_key
from thermolion_optax._noise import Normal, ThermalNoiseState, thermal_noise
from thermolion_optax._weight_decay import decayed_weights


class ParameterNoiseState(NamedTuple):
    """State of :func:`thermolion` with ``noise_units="parameter"``.

    Attributes:
        inner: the state of the noise-free chain; its first part is a ``SnrGateState``.
        noise: the state of the noise that is added after the learning rate.
    """

    inner: optax.OptState
    noise: ThermalNoiseState


def thermolion(
    learning_rate: optax.ScalarOrSchedule = 1e-3,
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.99,
    eps: ArrayLike = 1e-8,
    *,
    solid_scale: ArrayLike = 2.0,
    boost: optax.ScalarOrSchedule = 0.5,
    temperature: optax.ScalarOrSchedule = 1.0,
    temperature_decay: ArrayLike = 0.99,
    weight_decay: optax.ScalarOrSchedule = 1e-2,
    mask: optax.MaskOrFn = None,
    exponent: ArrayLike = 0.5,
    gate: Gate | None = None,
    noise_units: Literal["learning_rate", "parameter"] = "learning_rate",
    mu_dtype: DTypeLike | None = None,
    nu_dtype: DTypeLike | None = None,
    key: ArrayLike = 0,
    normal: Normal | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""ThermoLion: sign steps ("gas") where the gradient is noise, else magnitude steps ("solid").

    The default key of its noise is always 0: two models then draw the same noise. Give each
    its own, ``key=jax.random.fold_in(jax.random.key(0), 1)``.

    .. math::
        m &\leftarrow b_1 m + (1 - b_1) g, \qquad v \leftarrow b_2 v + (1 - b_2) g^2 \\
        r &= m / (\sqrt{v} + \epsilon), \qquad \lambda = \tanh |r| \\
        u &= (1 - \lambda) \left[\mathrm{sign}(m) (1 + A) + \sigma_t \xi\right]
             + \mathrm{solid\_scale} \cdot \lambda r \\
        \theta &\leftarrow \theta - \eta\, (u + \mathrm{weight\_decay} \cdot \theta)

    with A from :func:`alignment_boost` and :math:`\sigma_t` from :func:`thermal_noise`. It is

    ``optax.chain(scale_by_snr_gate(b1, b2, eps, gas=optax.chain(alignment_boost(boost),
    thermal_noise(temperature, temperature_decay)), solid=optax.scale(solid_scale)),
    optax.add_decayed_weights(weight_decay, mask), optax.scale_by_learning_rate(learning_rate))``

    The defaults are the authors' released code. A step has nearly a fixed size: the factor of
    :math:`\eta\,\mathrm{sign}(m)` stays within [0.88, 1.88] for stationary gradients, but
    without bias correction it rises to 4.2 around step 13. At equal learning rates ThermoLion
    therefore takes larger steps than Adam: start at a quarter of Adam's, and tune.

    Every number may be a Python float, a scalar array or traced; the decays, of at least
    float32.

    Derivatives of the update itself (meta-gradients) are NaN where v = 0: see
    :func:`scale_by_snr_gate` for the workaround.

    Args:
        learning_rate: the step size eta >= 0, in the parameters' units; or a schedule.
        b1: decay of the first moment, in [0, 1).
        b2: decay of the second moment, in [0, 1).
        eps: added to the root of v; at least 0.
        solid_scale: the factor of the solid phase, at least 0.
        boost: gain of the gas phase where momentum and gradient agree, at least 0; or a schedule.
        temperature: T_0 of the noise, at least 0; or a schedule. A Python or NumPy 0
            leaves it out of the program.
        temperature_decay: factor of the temperature a step, in [0, 1]; see :func:`thermal_noise`
            on factors next to 1.
        weight_decay: decoupled weight decay, at least 0; or a schedule. Only where it is a
            Python or NumPy 0 may ``params`` be left out of ``update``.
        mask: tree of booleans (or a callable that gives it from the parameters) saying which
            parameters decay; None is all.
        exponent: power of v in the solid phase; others than 0.5 make it that of SMES.
        gate: maps rho to lambda; None is tanh.
        noise_units: "learning_rate" multiplies the noise by the learning rate, as released;
            "parameter" adds N(0, T_t mean(v) (1 - lambda)^2) to the parameters themselves, to
            the letter of Eq. 6, with neither floor nor cut-off.
        mu_dtype: dtype in which m is stored; None is the parameter's.
        nu_dtype: dtype in which v is stored; None is the parameter's, but at least float32.
        key: an int of 32 bits or a PRNG key for the noise. The state keeps its words.
        normal: ``f(key, shape)`` giving normal numbers, such as ``jax.random.normal``; None is
            the library's generator.

    Returns:
        The transformation; its state is the chain's tuple, a :class:`SnrGateState` first (with
        ``noise_units="parameter"``, a :class:`ParameterNoiseState` around it). Updates have the
        gradients' shapes. Under ``optax.inject_hyperparams`` name those of ``mask``, ``gate``,
        ``normal``, ``mu_dtype`` and ``nu_dtype`` that you set in ``static_args``; with parameters
        of 16 bits pass ``hyperparam_dtype=jnp.float32``, too, or every decay would be rounded
        to 16 bits (0.999 to 1), which is a TypeError.

    Raises:
        ValueError: for a hyperparameter out of range, missing ``params``, or trees that differ.
        TypeError: for an argument of the wrong kind or leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import thermolion
        >>> def loss(w):
        ...     return jnp.sum((w - 3.0) ** 2)
        >>> tx = thermolion(optax.cosine_decay_schedule(0.1, 200))
        >>> w = jnp.zeros(3)
        >>> state = tx.init(w)
        >>> @jax.jit
        ... def step(w, state):
        ...     updates, state = tx.update(jax.grad(loss)(w), state, w)
        ...     return optax.apply_updates(w, updates), state
        >>> for _ in range(200):
        ...     w, state = step(w, state)
        >>> bool(loss(w) < 1e-2)
        True

    References:
        ThermoLion (arXiv 2512.01881), Eq. 1-7, and the authors' released code.
    """
    owner = "thermolion"
    learning_rate = _checks.scalar_or_schedule(owner, "learning_rate", learning_rate, 0)
    _checks.check_scalar(owner, "solid_scale", solid_scale, 0)
    boost = _checks.scalar_or_schedule(owner, "boost", boost, 0)
    temperature = _checks.scalar_or_schedule(owner, "temperature", temperature, 0)
    _checks.check_decay(owner, "temperature_decay", temperature_decay, open_high=False)
    _checks.check_callable(owner, "normal", normal, "a function of (key, shape)")
    check_key(owner, key)
    if not isinstance(noise_units, str) or noise_units not in ("learning_rate", "parameter"):
        raise ValueError(
            f"{owner}: noise_units = {_tree_checks.shown(noise_units)}, but must be "
            "'learning_rate' or 'parameter'."
        )

    in_chain = noise_units == "learning_rate"
    # Eq. 6 to the letter has neither floor nor cut-off.
    limits = {} if in_chain else {"floor": 0.0, "cutoff": 0.0}
    noise = thermal_noise(temperature, temperature_decay, key=key, normal=normal, **limits)
    boosted, solid = alignment_boost(boost), optax.scale(solid_scale)
    gas = optax.chain(boosted, noise) if in_chain else boosted
    chain = _states.chain(
        owner,
        snr_gate(owner, b1, b2, eps, gas, solid, exponent, gate, mu_dtype, nu_dtype),
        decayed_weights(owner, weight_decay, mask),
        _states.scale_by_learning_rate(owner, learning_rate),
    )
    return chain if in_chain else _parameter_noise(chain, noise, eps, gate)


def _parameter_noise(
    chain: optax.GradientTransformationExtraArgs,
    noise: optax.GradientTransformationExtraArgs,
    eps: ArrayLike,
    gate: Gate | None,
) -> optax.GradientTransformationExtraArgs:
    """Adds (1 - lambda) sigma xi after the learning rate, which may be 0 or traced."""

    def init(params: optax.Params) -> ParameterNoiseState:
        return ParameterNoiseState(chain.init(params), cast(ThermalNoiseState, noise.init(params)))

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, ParameterNoiseState]:
        state = _states.check_state("thermolion", state, ParameterNoiseState)
        steps, inner = chain.update(updates, state.inner, params, **extra_args)
        gate_state = cast(tuple[SnrGateState, ...], inner)[0]
        mu, nu = gate_state.mu, gate_state.nu
        zeros = _trees.map_leaves(
            lambda _, m, v: jnp.zeros_like(v, dtype=_trees.compute_dtype(m, v)), steps, mu, nu
        )
        noise_step, noise_state = noise.update(zeros, state.noise, nu=nu)

        def add(step: jax.Array, m: jax.Array, v: jax.Array, xi: jax.Array) -> jax.Array:
            lam = gate_value("thermolion", gate, snr(m.astype(xi.dtype), v.astype(xi.dtype), eps))
            return (step + (1 - lam) * xi).astype(step.dtype)

        steps = _trees.map_leaves(add, steps, mu, nu, noise_step)
        return steps, ParameterNoiseState(inner, cast(ThermalNoiseState, noise_state))

    return optax.GradientTransformationExtraArgs(init, update)
