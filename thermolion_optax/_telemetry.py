"""What the gate sees: statistics read from an optimizer's state, which is the sensor."""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

import jax
import jax.numpy as jnp
import optax

from thermolion_optax import _checks, _states, _tree_checks, _trees
from thermolion_optax._deviation import noise_std
from thermolion_optax._gate import Gate, SnrGateState, gate_value, snr
from thermolion_optax._noise import ThermalNoiseState
from thermolion_optax._quantiles import quantiles
from thermolion_optax._thermolion import ParameterNoiseState

SNR_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Statistic(TypedDict):
    """One statistic: ``all`` over all elements, ``leaves`` of each leaf, by its path."""

    all: jax.Array
    leaves: dict[str, jax.Array]


class PhaseStatistics(TypedDict):
    """What :func:`phase_statistics` returns; its docstring says what each key is."""

    snr_mean: Statistic
    snr_quantiles: Statistic
    gate_mean: Statistic
    gas_share: Statistic
    alignment_rate: Statistic | None
    zero_gradient_share: Statistic | None
    temperature: Statistic
    noise_std: Statistic


def phase_statistics(
    opt_state: optax.OptState,
    grads: optax.Updates | None = None,
    *,
    gate: Gate | None = None,
) -> PhaseStatistics:
    r"""Reads the phases of every parameter tensor from the state of an optimizer.

    .. math::
        \rho = |m| / (\sqrt{v} + \epsilon), \qquad \lambda = \mathrm{gate}(\rho)

    A pure function of the state, which it finds through any wrapper (chains, masks, partitions,
    injected hyperparameters, ``MultiSteps``, …); the ``opt_state`` of an ``nnx.Optimizer`` and the
    gradients of ``nnx.grad`` serve as they are. It may be called inside jit, scan and vmap (jit
    it: eagerly, every step of it compiles by itself), and costs nothing unless called.

    Args:
        opt_state: the state of any optimizer that contains :func:`scale_by_snr_gate`. Several
            gates are merged by their leaves' paths; a path met again is numbered, "path (2)".
        grads: the latest gradients, of the structure the optimizer got; for the alignment rate and
            the share of zeros.
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
        - ``zero_gradient_share``: share of gradients that are exactly 0; likewise None. It tells a
          dead network (nearly 1) from one that is done (the ratios fall in both).
        - ``temperature``: T_t of the last update (before the first one, T_0), 0 once the noise
          is off or where there is none inside the gate (noise beside it is not seen). "all" is the
          largest of the gates'.
        - ``noise_std``: sigma_t in the gradient's units, before the gate's factor 1 - lambda.
          "all" is the root mean square over the elements. Where several noises act inside one
          gate, or one on some leaves only, the first is reported, for every leaf.

        Leaves without elements have no statistics, and gradients that are left out (None) no
        alignment. Sharded leaves are counted where they lie; inside ``jax.shard_map`` the
        statistics are those of a device's own piece. The quantiles are found by counting, so
        JAX's derivatives of them are 0: do not train on them.

    Raises:
        ValueError: if the state holds no gate, several runs' states stacked (use ``jax.vmap``),
            or ``grads`` does not fit it.
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
    owner, hint = "phase_statistics", "Pass the gradients that the optimizer got."
    _checks.check_callable(owner, "gate", gate, "the gate of the optimizer")
    # What a framework has wrapped (Flax NNX) is taken out of its wrappers, whichever they are.
    opt_state, grads = (
        _tree_checks.unwrap(owner, name, tree)
        for name, tree in (("opt_state", opt_state), ("grads", grads))
    )
    gates = _find_gates(opt_state)
    if not gates:
        raise ValueError(
            "phase_statistics: found no SnrGateState in opt_state (a "
            f"{type(opt_state).__name__}). Pass the state of an optimizer that contains "
            "scale_by_snr_gate or thermolion, as its init or update returned it."
        )
    ratios, aligned, zero, temperatures, std = {}, {}, {}, {}, {}
    for state, noise in gates:
        _states.check_single(owner, state.telemetry_eps)
        _tree_checks.check_structure(owner, "nu", state.nu, state.mu, of="the state's mu")
        trees = [state.mu, state.nu]
        if grads is not None:
            _tree_checks.check_structure(
                owner, "grads", grads, state.mu, of="the state's mu", hint=hint
            )
            trees.append(grads)
        for path, m, v, *g in _trees.leaves_with_path(*trees):
            if jnp.size(m) == 0:
                continue
            name = _new_name(jax.tree_util.keystr(path), ratios)
            m, v = _trees.widen(m), _trees.widen(v)
            ratios[name] = snr(m, v, state.telemetry_eps).astype(jnp.float32)
            for x in g:
                if _trees.is_masked(x):  # left out of this update
                    continue
                _tree_checks.check_leaf(owner, "grads", path, x)
                _tree_checks.check_shape(owner, "grads", path, x, m, "the state's mu has", hint)
                aligned[name] = jnp.sign(m) * jnp.sign(x) > 0
                zero[name] = jnp.asarray(x) == 0
            off = 0.0, 0.0
            found = (
                off
                if noise is None
                else (noise.telemetry_temperature, noise.telemetry_variance_floor)
            )
            temperature, floor = (jnp.asarray(x, jnp.float32) for x in found)
            temperatures[name] = temperature
            std[name] = noise_std(v, temperature, floor).astype(jnp.float32)

    lambdas = {
        name: jnp.broadcast_to(gate_value(owner, gate, r), r.shape) for name, r in ratios.items()
    }
    gas = {name: x < 0.5 for name, x in lambdas.items()}
    sizes = {name: r.size for name, r in ratios.items()}
    largest = _largest(std.values())
    # Squared in units of the largest, or it would overflow where no deviation does.
    relative = {name: jnp.square(x / jnp.where(largest > 0, largest, 1)) for name, x in std.items()}
    return {
        "snr_mean": _means(ratios, sizes),
        "snr_quantiles": _quantiles(ratios),
        "gate_mean": _means(lambdas, sizes),
        "gas_share": _means(gas, sizes),
        "alignment_rate": None if grads is None else _means(aligned, sizes),
        "zero_gradient_share": None if grads is None else _means(zero, sizes),
        "temperature": {"all": _largest(temperatures.values()), "leaves": temperatures},
        "noise_std": {"all": largest * jnp.sqrt(_means(relative, sizes)["all"]), "leaves": std},
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


def _new_name(path: str, taken: Mapping[str, Any]) -> str:
    if path not in taken:
        return path
    number = 2
    while f"{path} ({number})" in taken:
        number += 1
    return f"{path} ({number})"


def _means(leaves: dict[str, jax.Array], sizes: dict[str, int]) -> Statistic:
    means = {name: jnp.mean(x, dtype=jnp.float32) for name, x in leaves.items()}
    total = sum(sizes[name] for name in leaves)
    weighted = [mean * (sizes[name] / total) for name, mean in means.items()]
    return {"all": sum(weighted, jnp.zeros([], jnp.float32)), "leaves": means}


def _quantiles(leaves: dict[str, jax.Array]) -> Statistic:
    if not leaves:
        return {"all": jnp.zeros(len(SNR_QUANTILES), jnp.float32), "leaves": {}}
    *each, together = quantiles([*leaves.values()], SNR_QUANTILES)
    return {"all": together, "leaves": dict(zip(leaves, each, strict=True))}


def _largest(scalars: Iterable[jax.Array]) -> jax.Array:
    return jnp.max(jnp.stack([jnp.zeros([], jnp.float32), *scalars]))
