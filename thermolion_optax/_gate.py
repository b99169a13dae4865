"""The signal-to-noise gate: a mixture of two phases, each an optax transformation."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike, DTypeLike

from thermolion_optax import _checks, _slots, _states, _tree_checks, _trees
from thermolion_optax._moments import cast_like_adam, check_updates, divide, store, update_moments

Gate = Callable[[jax.Array], ArrayLike]


class SnrGateState(NamedTuple):
    """State of :func:`scale_by_snr_gate`: two slots of the parameters' size, one scalar.

    Attributes:
        mu: the first moment m, shaped and sharded like the parameters.
        nu: the second moment v, likewise.
        telemetry_eps: the eps of the last update, float32 scalar, so that phase_statistics can
            compute the ratio again; nothing follows from setting it.
        gas: the state of the gas branch.
        solid: the state of the solid branch.
    """

    mu: optax.Updates
    nu: optax.Updates
    telemetry_eps: jax.Array
    gas: optax.OptState
    solid: optax.OptState


def scale_by_snr_gate(
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.99,
    eps: ArrayLike = 1e-8,
    *,
    gas: optax.GradientTransformation | None = None,
    solid: optax.GradientTransformation | None = None,
    exponent: ArrayLike = 0.5,
    gate: Gate | None = None,
    mu_dtype: DTypeLike | None = None,
    nu_dtype: DTypeLike | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""Mixes a sign step and a magnitude step by each parameter's signal-to-noise ratio.

    .. math::
        m &\leftarrow b_1 m + (1 - b_1) g, \qquad v \leftarrow b_2 v + (1 - b_2) g^2 \\
        \rho &= |m| / (\sqrt{v} + \epsilon), \qquad \lambda = \mathrm{gate}(\rho) \\
        u &= (1 - \lambda)\, \mathrm{gas}(\mathrm{sign}(m))
             + \lambda\, \mathrm{solid}(m / (v^{\mathrm{exponent}} + \epsilon))

    There is no bias correction. ``gas`` and ``solid`` receive ``grad``, ``mu`` and ``nu`` as
    extra arguments (these override same-named ones from outside; all others are passed on),
    so a branch needs no moments of its own. Where a denominator is 0 the ratio is 0, so that
    zero gradients give zero steps for every eps.

    Derivatives of the update itself (meta-gradients) are NaN where v = 0, since a root's is
    infinite there. To differentiate, start v above 0, with
    ``optax.tree.set(state, nu=jax.tree.map(lambda v: jnp.full_like(v, 1e-30), state.nu))``.

    Args:
        b1: decay of the first moment, in [0, 1).
        b2: decay of the second moment, in [0, 1).
        eps: added to the root, in the units of the gradient; at least 0.
        gas: transformation of sign(m); None passes it through.
        solid: transformation of m / (v^exponent + eps); None passes it through.
        exponent: power of v in the solid phase. 0.5 is ThermoLion's; others make the solid
            phase that of SMES. The ratio rho always has the square root.
        gate: maps rho >= 0 (an array of at least float32) to lambda in [0, 1]; None is tanh.
        mu_dtype: dtype in which m is stored; None is the parameter's.
        nu_dtype: dtype in which v is stored; None is the parameter's, but at least float32
            (a bfloat16 v is biased at b2 = 0.99 and never falls again at b2 = 0.999: its
            increments are below half a unit in the last place). Not float16, in which the squares
            of gradients below 2e-4 are 0.

    Returns:
        A transformation with :class:`SnrGateState`. Arithmetic is at least float32. Updates
        have the dtype of gradient, parameter and stored m together.

    Raises:
        ValueError: for a hyperparameter out of range, or a tree unlike that given to ``init``.
        TypeError: for an argument of the wrong kind, or leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import scale_by_snr_gate
        >>> tx = optax.chain(optax.clip_by_global_norm(1.0), scale_by_snr_gate(), optax.scale(-0.1))
        >>> params = {"w": jnp.array([1.0, -2.0])}
        >>> state = tx.init(params)
        >>> updates, state = tx.update({"w": jnp.array([0.3, -0.3])}, state, params)
        >>> jax.tree.map(lambda u: [round(float(x), 4) for x in u], updates)
        {'w': [-0.1, 0.1]}

    References:
        ThermoLion (arXiv 2512.01881), Eq. 1-6; solid exponent: SMES (arXiv 2405.18498).
    """
    owner = "scale_by_snr_gate"
    return snr_gate(owner, b1, b2, eps, gas, solid, exponent, gate, mu_dtype, nu_dtype)


def snr_gate(
    owner: str,
    b1: ArrayLike,
    b2: ArrayLike,
    eps: ArrayLike,
    gas: optax.GradientTransformation | None,
    solid: optax.GradientTransformation | None,
    exponent: ArrayLike,
    gate: Gate | None,
    mu_dtype: DTypeLike | None,
    nu_dtype: DTypeLike | None,
) -> optax.GradientTransformationExtraArgs:
    """The gate of ``owner``, whom its errors name."""
    _checks.check_decay(owner, "b1", b1)
    _checks.check_decay(owner, "b2", b2)
    _checks.check_scalar(owner, "eps", eps, 0)
    _checks.check_scalar(owner, "exponent", exponent)
    _checks.check_callable(owner, "gate", gate, "a function of the ratio rho")
    _checks.check_moment_dtype(owner, "mu_dtype", mu_dtype)
    _checks.check_moment_dtype(owner, "nu_dtype", nu_dtype, of_squares=True)
    gas = _checks.check_transformation(owner, "gas", gas)
    solid = _checks.check_transformation(owner, "solid", solid)

    def init(params: optax.Params) -> SnrGateState:
        mu = _slots.zeros_like(owner, params, mu_dtype)
        nu = _slots.zeros_like(owner, params, nu_dtype, at_least=jnp.float32)
        # The branches are given steps of the compute dtype, so what they keep is of that dtype.
        wide = _trees.map_leaves(
            lambda *leaves: jnp.asarray(leaves[0], _trees.compute_dtype(*leaves)), params, mu, nu
        )
        return SnrGateState(
            mu=mu,
            nu=nu,
            telemetry_eps=_slots.float32_scalar(eps),
            gas=gas.init(wide),
            solid=solid.init(wide),
        )

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, SnrGateState]:
        state = _states.check_state(owner, state, SnrGateState)
        check_updates(owner, updates, state.mu, state.nu, params)

        mu, nu = update_moments(updates, state.mu, state.nu, b1, b2)  # Eq. 1, Eq. 2
        rho = _trees.map_leaves(lambda m, v: snr(m, v, eps), mu, nu)  # Eq. 3
        sign = _trees.map_leaves(jnp.sign, mu)
        if _checks.concrete(exponent) == 0.5:
            # XLA's CPU compiler will not duplicate a division: were m / (sqrt(v) + eps) used
            # twice, it would be written to memory. With rho as its one consumer, and the
            # signed ratio rebuilt from it, a leaf's whole update is one kernel.
            ratio = _trees.map_leaves(jnp.multiply, rho, sign)
        else:
            ratio = _trees.map_leaves(
                lambda m, v: divide(m, jnp.power(v, jnp.asarray(exponent, v.dtype)), eps), mu, nu
            )

        extra_args |= {"grad": updates, "mu": mu, "nu": nu}
        gas_step, gas_state = gas.update(sign, state.gas, params, **extra_args)  # Eq. 5, Eq. 7
        solid_step, solid_state = solid.update(ratio, state.solid, params, **extra_args)
        _check_branch(owner, "gas", gas_step, updates)
        _check_branch(owner, "solid", solid_step, updates)

        def mixture(rho: jax.Array, gas_step: jax.Array, solid_step: jax.Array) -> jax.Array:
            lam = gate_value(owner, gate, rho)  # Eq. 4
            return (1 - lam) * gas_step + lam * solid_step  # Eq. 6

        steps = _trees.map_leaves(mixture, rho, gas_step, solid_step)
        return cast_like_adam(steps, updates, state.mu, params), SnrGateState(
            mu=store(mu, state.mu),
            nu=store(nu, state.nu),
            telemetry_eps=_slots.float32_scalar(eps),
            gas=gas_state,
            solid=solid_state,
        )

    return optax.GradientTransformationExtraArgs(init, update)


def snr(mu: jax.Array, nu: jax.Array, eps: ArrayLike) -> jax.Array:
    """The signal-to-noise ratio rho = |m| / (sqrt(v) + eps), 0 where the denominator is 0."""
    return jnp.abs(divide(mu, jnp.sqrt(nu), eps))


def gate_value(owner: str, gate: Gate | None, rho: jax.Array) -> jax.Array:
    """Lambda = gate(rho) in rho's dtype, shaped like rho or a scalar; tanh where it is None."""
    found = jnp.tanh(rho) if gate is None else gate(rho)
    lam = _checks.returned_array(owner, "gate", found, "lambda in [0, 1]")
    if lam.shape not in ((), rho.shape):
        raise ValueError(
            f"{owner}: gate returned shape {lam.shape} for a ratio of shape "
            f"{rho.shape}, but must act on each element alone (or return a scalar)."
        )
    return lam.astype(rho.dtype)


def _check_branch(owner: str, branch: str, returned: Any, updates: optax.Updates) -> None:
    """Raises unless a branch returned leaves like those it got, or one number for a leaf."""
    name = f"what the {branch} branch returned"
    _tree_checks.check_structure(owner, name, returned, updates, hint=_tree_checks.LIKE_UPDATES)
    for path, u, step in _trees.leaves_with_path(updates, returned):
        _tree_checks.check_leaf(owner, name, path, step)
        if jnp.shape(step) != ():
            _tree_checks.check_shape(owner, name, path, step, u, "the branch got")
