"""Variants by name: ThermoLion with other gates or unbiased averages, SMES with a cyclic alpha."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

import thermolion_optax
from experiments.optimizers.types import Key, Scalar

GATES = ("tanh", "tensor_mean", "permuted")


def gate_of(name: float | str) -> Callable[[jax.Array], jax.Array] | None:
    """The function λ of ρ by its name, for `scale_by_snr_gate`.

        tanh           tanh ρ, ThermoLion's own
        tensor_mean    the tensor's mean of tanh ρ, for all of its elements
        permuted       tanh ρ of another parameter of the tensor, always the same one: λ keeps its
                       distribution and how long it lasts, and loses what it knows of its parameter
        a number       that constant, in [0, 1]

    A gate sees one tensor at a time and nothing but its ρ, so tensors of one shape share the
    permutation; no harm, since λ comes from within the tensor.

    Raises:
        ValueError: no such gate.

    Example:
        >>> gate_of("tensor_mean")(jnp.array([0.0, 100.0])).tolist()
        [0.5, 0.5]
    """
    if isinstance(name, int | float) and not isinstance(name, bool) and 0 <= name <= 1:
        return lambda rho: jnp.full_like(rho, name)
    if name not in GATES or not isinstance(name, str):
        raise ValueError(f"gate = {name!r}, but must be {', '.join(GATES)} or a constant in [0, 1]")
    # None is the library's own tanh, fused into the update.
    return {"tanh": None, "tensor_mean": _tensor_mean, "permuted": _permuted}[name]


def _tensor_mean(rho: jax.Array) -> jax.Array:
    return jnp.full_like(rho, jnp.tanh(rho).mean())


def _permuted(rho: jax.Array) -> jax.Array:
    return jnp.tanh(rho).ravel()[permutation(rho.size)].reshape(rho.shape)


def permutation(size: int) -> np.ndarray:
    """A fixed permutation of 0 … size - 1, one cycle: nothing stays in place (but a lone element).

    Example:
        >>> permutation(5).tolist() == permutation(5).tolist()
        True
    """
    # Bit generators keep their streams from one NumPy to the next; `permutation` need not.
    round_trip = np.argsort(np.random.PCG64(size).random_raw(size), kind="stable")
    places = np.empty(size, np.int32)
    places[round_trip] = np.roll(round_trip, -1)
    return places


def part(name: str, argument: str, key: Key) -> optax.GradientTransformation:
    """ThermoLion or Adam at its settings here, before weight decay and learning rate.

    Raises:
        ValueError: another name; ``argument`` is what the message calls it.
    """
    if name not in ("thermolion", "adam"):
        raise ValueError(f"{argument} = {name!r}, but must be 'thermolion' or 'adam'")
    if name == "adam":
        return optax.scale_by_adam()  # b1 0.9, b2 0.999, eps 1e-8
    # At a rate of 1 the whole is minus what comes before the rate.
    step = thermolion_optax.thermolion(1.0, weight_decay=0.0, key=key)
    return optax.chain(step, optax.scale(-1.0))


def unbiased(decay: Scalar) -> optax.Schedule:
    """The decay of step t = count + 1 that makes a plain average the bias-corrected one."""
    return lambda count: decay * (1 - decay**count) / (1 - decay ** (count + 1))


def swinging(mean: Scalar, cycles: int, steps: int) -> optax.Schedule:
    """A number that swings as a cosine between twice its mean, at the start, and 0.

    Example:
        >>> alpha = swinging(0.25, cycles=2, steps=100)
        >>> [round(float(alpha(count)), 3) for count in (0, 25, 50, 100)]
        [0.5, 0.0, 0.5, 0.5]
    """
    return lambda count: mean * (1 + jnp.cos(2 * jnp.pi * cycles * count / steps))
