"""What the gate sees: statistics read from an optimizer's state, which is the sensor."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from thermolion_optax import _checks, _trees
from thermolion_optax._thermolion import ParameterNoiseState
from thermolion_optax.gate import SnrGateState, snr, to_lambda
from thermolion_optax.noise import ThermalNoiseState, noise_std

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def phase_statistics(
    opt_state: Any,
    grads: Any = None,
    *,
    gate: Callable[[jax.Array], jax.typing.ArrayLike] | None = None,
) -> dict[str, dict[str, Any] | None]:
    r"""Reads the phases of every parameter tensor from the state of an optimizer.

    .. math::
        \rho = |m| / (\sqrt{v} + \epsilon), \qquad \lambda = \mathrm{gate}(\rho)

    A pure function of the state, which it finds through any wrapper (chains, masks, partitions,
    injected hyperparameters, ``MultiSteps``, ``nnx.Optimizer.opt_state``, …). It may be called
    inside jit, scan and vmap (jit it: eagerly, every step of it compiles by itself), and costs
    nothing unless called.

    Args:
        opt_state: the state of any optimizer that contains :func:`scale_by_snr_gate`. Several
            gates are merged by their leaves' paths; a path met again is numbered, "path (2)".
        grads: the latest gradients, of the structure the optimizer got; for the alignment rate.
        gate: the custom gate, where one was given to the optimizer (functions are not stored).

    Returns:
        A dict with these keys; each value is ``{"all": x, "leaves": {path: x}}``, "all" being
        over all elements, with float32 arrays of shape () unless said otherwise:

        - ``snr_mean``: mean of rho.
        - ``snr_quantiles``: quantiles 0.05, 0.25, 0.5, 0.75 and 0.95 of rho, shape (5,).
        - ``gate_mean``: mean of lambda.
        - ``gas_share``: share of elements with lambda < 1/2.
        - ``alignment_rate``: share with sign(m) sign(g) > 0; None in place of the dict
          without ``grads``.
        - ``temperature``: T_t of the last update (before the first one, T_0), 0 once the noise
          is off or where there is none. "all" is the largest of the gates'.
        - ``noise_std``: sigma_t in the gradient's units, before the gate's factor 1 - lambda.
          "all" is the root mean square over the elements. Where several noises act inside one
          gate, or one on some leaves only, the first is reported, for every leaf.

        Leaves without elements have no statistics.

    Raises:
        ValueError: if the state holds no gate, or ``grads`` does not fit it.
        TypeError: for gradients that are not real floats.

    Example:
        >>> import jax.numpy as jnp
        >>> from thermolion_optax import phase_statistics, thermolion
        >>> tx = thermolion(1e-3)
        >>> params = {"w": jnp.ones(4)}
        >>> grads = {"w": jnp.array([1.0, -2.0, 3.0, 0.0])}
        >>> _, state = tx.update(grads, tx.init(params), params)
        >>> statistics = phase_statistics(state, grads)
        >>> round(float(statistics["snr_mean"]["all"]), 3)
        0.75
        >>> float(statistics["gas_share"]["leaves"]["['w']"])
        0.25

    References:
        ThermoLion (arXiv 2512.01881), Eq. 3, 4 and 7.
    """
    owner, way_out = "phase_statistics", "Pass the gradients that the optimizer got."
    _checks.check_callable(owner, "gate", gate, "the gate of the optimizer")
    gates = _find_gates(opt_state)
    if not gates:
        raise ValueError(
            "phase_statistics: found no SnrGateState in opt_state (a "
            f"{type(opt_state).__name__}). Pass the state of an optimizer that contains "
            "scale_by_snr_gate or thermolion, as its init or update returned it."
        )
    ratios, aligned, heat, std = {}, {}, {}, {}
    for state, noise in gates:
        mu = _trees.flatten(state.mu)
        nu_leaves = mu.align(owner, "nu", state.nu)
        g_leaves = [None] * len(nu_leaves)
        if grads is not None:
            g_leaves = mu.align(owner, "grads", grads, of="the state's mu", way_out=way_out)
        for path, m, v, g in zip(mu.paths, mu.leaves, nu_leaves, g_leaves, strict=True):
            if _trees.is_hole(m) or jnp.size(_array(m)) == 0:
                continue
            name = _new_name(path, ratios)
            m, v = _array(m).astype(jnp.float32), _array(v).astype(jnp.float32)
            ratios[name] = snr(m, v, state.eps)
            if g is not None:
                g = _array(g)
                _trees.check_leaf(owner, "grads", path, g)
                _trees.check_shape(owner, f"grads{path}", g, m, "the state's mu has", way_out)
                aligned[name] = jnp.sign(m) * jnp.sign(g) > 0
            temperature, floor = (0.0, 0.0) if noise is None else (noise.temperature, noise.floor)
            heat[name] = jnp.asarray(_array(temperature), jnp.float32)
            std[name] = noise_std(v, heat[name], jnp.asarray(_array(floor), jnp.float32))

    lambdas = {name: jnp.broadcast_to(to_lambda(gate, r), r.shape) for name, r in ratios.items()}
    gas = {name: x < 0.5 for name, x in lambdas.items()}
    sizes = {name: r.size for name, r in ratios.items()}
    variance = {name: jnp.square(x) for name, x in std.items()}
    return {
        "snr_mean": _means(ratios, sizes),
        "snr_quantiles": {
            "all": _quantiles(ratios.values()),
            "leaves": {name: _quantiles([r]) for name, r in ratios.items()},
        },
        "gate_mean": _means(lambdas, sizes),
        "gas_share": _means(gas, sizes),
        "alignment_rate": None if grads is None else _means(aligned, sizes),
        "temperature": {"all": _largest(heat.values()), "leaves": heat},
        "noise_std": {"all": jnp.sqrt(_means(variance, sizes)["all"]), "leaves": std},
    }


def _find_gates(tree: Any) -> list[tuple[SnrGateState, ThermalNoiseState | None]]:
    """Every gate state in ``tree``, each with the noise that acts on it."""
    kinds = (SnrGateState, ParameterNoiseState)
    found = []
    for node in jax.tree.leaves(tree, is_leaf=lambda x: isinstance(x, kinds)):
        if isinstance(node, ParameterNoiseState):
            found += [(gate, node.noise) for gate, _ in _find_gates(node.inner)]
        elif isinstance(node, SnrGateState):
            branches = (node.gas, node.solid)
            inside = jax.tree.leaves(branches, is_leaf=lambda x: isinstance(x, ThermalNoiseState))
            noises = [x for x in inside if isinstance(x, ThermalNoiseState)]
            found += [(node, noises[0] if noises else None), *_find_gates(branches)]
    return found


def _array(x: Any) -> Any:
    """The array itself, where a framework has wrapped it (a Flax NNX Variable has [...])."""
    return x if isinstance(x, jax.Array | float) or not hasattr(x, "get_value") else x.get_value()


def _new_name(path: str, taken: Mapping[str, Any]) -> str:
    if path not in taken:
        return path
    number = 2
    while f"{path} ({number})" in taken:
        number += 1
    return f"{path} ({number})"


def _means(leaves: dict[str, jax.Array], sizes: dict[str, int]) -> dict[str, Any]:
    means = {name: jnp.mean(x, dtype=jnp.float32) for name, x in leaves.items()}
    total = sum(sizes[name] for name in leaves)
    weighted = [mean * (sizes[name] / total) for name, mean in means.items()]
    return {"all": sum(weighted, jnp.zeros([], jnp.float32)), "leaves": means}


def _quantiles(arrays: Any) -> jax.Array:
    flat = [x.ravel() for x in arrays]
    if not flat:
        return jnp.zeros(len(QUANTILES), jnp.float32)
    return jnp.quantile(jnp.concatenate(flat), jnp.array(QUANTILES, jnp.float32))


def _largest(scalars: Any) -> jax.Array:
    return jnp.max(jnp.stack([jnp.zeros([], jnp.float32), *scalars]))
