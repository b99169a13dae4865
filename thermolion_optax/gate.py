"""The signal-to-noise gate: a mixture of two phases, each an optax transformation."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from thermolion_optax import _checks, _trees
from thermolion_optax._moments import add_eps, advance, is_positive, safe_divide


class SnrGateState(NamedTuple):
    """State of :func:`scale_by_snr_gate`: two slots of the parameters' size, one scalar.

    Attributes:
        mu: the first moment m, shaped and sharded like the parameters.
        nu: the second moment v, likewise.
        eps: the eps in use, float32 scalar, so that telemetry can compute the ratio again.
        gas: the state of the gas branch.
        solid: the state of the solid branch.
    """

    mu: optax.Updates
    nu: optax.Updates
    eps: jax.Array
    gas: optax.OptState
    solid: optax.OptState


def scale_by_snr_gate(
    b1: jax.typing.ArrayLike = 0.9,
    b2: jax.typing.ArrayLike = 0.99,
    eps: jax.typing.ArrayLike = 1e-8,
    *,
    gas: optax.GradientTransformation | None = None,
    solid: optax.GradientTransformation | None = None,
    exponent: jax.typing.ArrayLike = 0.5,
    gate: Callable[[jax.Array], jax.typing.ArrayLike] | None = None,
    mu_dtype: Any = None,
    nu_dtype: Any = None,
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
            increments are below half a unit in the last place).

    Returns:
        A transformation with :class:`SnrGateState`. Arithmetic is at least float32. Updates
        have the dtype of gradient, parameter and stored m together.

    Raises:
        ValueError: for a hyperparameter out of range, or a tree unlike that given to ``init``.
        TypeError: for an argument of the wrong kind, or leaves that are not real floats.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> from thermolion_optax import scale_by_snr_gate
        >>> tx = optax.chain(optax.clip_by_global_norm(1.0), scale_by_snr_gate(), optax.scale(-0.1))
        >>> params = {"w": jnp.array([1.0, -2.0])}
        >>> state = tx.init(params)
        >>> updates, state = tx.update({"w": jnp.array([0.3, -0.3])}, state, params)
        >>> [round(float(x), 4) for x in updates["w"]]
        [-0.1, 0.1]

    References:
        ThermoLion (arXiv 2512.01881), Eq. 1-6; solid exponent: SMES (arXiv 2405.18498).
    """
    owner = "scale_by_snr_gate"
    _checks.check_scalar(owner, "b1", b1, 0, 1, open_high=True)
    _checks.check_scalar(owner, "b2", b2, 0, 1, open_high=True)
    _checks.check_scalar(owner, "eps", eps, 0)
    _checks.check_scalar(owner, "exponent", exponent)
    _checks.check_callable(owner, "gate", gate, "a function of the ratio rho")
    _checks.check_moment_dtype(owner, "mu_dtype", mu_dtype)
    _checks.check_moment_dtype(owner, "nu_dtype", nu_dtype)
    gas = _checks.check_transformation(owner, "gas", gas)
    solid = _checks.check_transformation(owner, "solid", solid)

    def init(params):
        return SnrGateState(
            mu=_trees.zeros(owner, params, mu_dtype),
            nu=_trees.zeros(owner, params, nu_dtype, at_least=jnp.float32),
            eps=_trees.scalar(eps),
            gas=gas.init(params),
            solid=solid.init(params),
        )

    def update(updates, state, params=None, **extra):
        moments = advance(owner, updates, state.mu, state.nu, params, b1, b2)
        rho = moments.map(lambda m, v: snr(m, v, eps), moments.mu, moments.nu)
        sign = moments.map(jnp.sign, moments.mu)
        if _checks.concrete(exponent) == 0.5:
            # XLA's CPU compiler will not duplicate a division: were m / (sqrt(v) + eps) used
            # twice, it would be written to memory. With rho as its one consumer, and the
            # signed ratio rebuilt from it, a leaf's whole update is one kernel.
            magnitude = moments.map(jnp.multiply, rho, sign)
        else:
            magnitude = moments.map(
                lambda m, v: _power_ratio(m, v, exponent, eps), moments.mu, moments.nu
            )

        extra |= {
            "grad": updates,
            "mu": moments.tree(moments.mu),
            "nu": moments.tree(moments.nu),
        }
        from_gas, gas_state = gas.update(moments.tree(sign), state.gas, params, **extra)
        from_solid, solid_state = solid.update(
            moments.tree(magnitude), state.solid, params, **extra
        )
        mixed = moments.map(
            lambda r, x, y, dtype: mix(gate, r, x, y).astype(dtype),
            rho,
            _returned(owner, "gas", moments.flat, from_gas),
            _returned(owner, "solid", moments.flat, from_solid),
            moments.dtypes,
        )
        mu, nu = moments.stored()
        return moments.tree(mixed), SnrGateState(mu, nu, _trees.scalar(eps), gas_state, solid_state)

    return optax.GradientTransformationExtraArgs(init, update)


def _returned(owner: str, branch: str, flat: _trees.Flat, tree: Any) -> list[Any]:
    """The leaves that a branch returned; raises unless they are like those it got."""
    name = f"what the {branch} branch returned"
    leaves = flat.align(owner, name, tree, way_out=_trees.LIKE_UPDATES)
    for path, leaf, got in zip(flat.paths, flat.leaves, leaves, strict=True):
        if _trees.is_hole(leaf):
            continue
        _trees.check_leaf(owner, name, path, got)
        if jnp.shape(got) != ():  # one number for all elements is fine
            _trees.check_shape(owner, f"{name}{path}", got, leaf, "the branch got")
    return leaves


def snr(mu: jax.Array, nu: jax.Array, eps: Any) -> jax.Array:
    """The ratio rho = |m| / (sqrt(v) + eps), 0 where the denominator is 0."""
    return jnp.abs(safe_divide(mu, add_eps(jnp.sqrt(nu), eps), is_positive(eps)))


def _power_ratio(mu: jax.Array, nu: jax.Array, exponent: Any, eps: Any) -> jax.Array:
    power = jnp.power(nu, jnp.asarray(exponent, nu.dtype))
    return safe_divide(mu, add_eps(power, eps), is_positive(eps))


def mix(gate: Callable | None, rho: jax.Array, gas: jax.Array, solid: jax.Array) -> jax.Array:
    """(1 - lambda) gas + lambda solid, with lambda = gate(rho), tanh where ``gate`` is None."""
    gated = to_lambda(gate, rho)
    return (1 - gated) * gas + gated * solid


def to_lambda(gate: Callable | None, rho: jax.Array) -> jax.Array:
    """Lambda = gate(rho) in rho's dtype, shaped like rho or a scalar; tanh where it is None."""
    found = jnp.tanh(rho) if gate is None else gate(rho)
    if found is None:
        raise TypeError("scale_by_snr_gate: gate returned None, but must return lambda in [0, 1].")
    gated = jnp.asarray(found)
    if gated.shape not in ((), rho.shape):
        raise ValueError(
            f"scale_by_snr_gate: gate returned shape {gated.shape} for a ratio of shape "
            f"{rho.shape}, but must act on each element alone (or return a scalar)."
        )
    return gated.astype(rho.dtype)
