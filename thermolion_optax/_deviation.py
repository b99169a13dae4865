"""The noise's standard deviation: of a tensor's mean second moment, wherever floats can tell it."""

import math

import jax
import jax.numpy as jnp
from jax import lax

from thermolion_optax import _trees


# Jitted so that leaves of one shape are traced and lowered once.
@jax.jit
def noise_std(nu: jax.Array, temperature: jax.Array, variance_floor: jax.Array) -> jax.Array:
    """Eq. 7: the noise's standard deviation for a tensor's second moment, a scalar.

    Computed in at least float32. A moment that has overflowed is left out of the mean, or one
    gradient beyond the root of the largest number would make noise of every element of its tensor.
    """
    nu = _trees.widen(nu)
    mean = jnp.zeros([], nu.dtype) if nu.size == 0 else _mean(nu)
    # Chosen, not multiplied: a NaN must not outlast the cut-off.
    variance = jnp.where(temperature > 0, temperature * mean + variance_floor, 0)
    # A deviation may be within range where its square is not; the floor is then nothing beside it.
    beyond = jnp.isinf(variance)
    square, gain = jnp.where(beyond, mean, variance), jnp.where(beyond, temperature, 1)
    return _root(square) * _root(gain)


@jax.custom_jvp
def _root(x: jax.Array) -> jax.Array:
    """The square root, whose derivative at 0 is 0 here and not infinite.

    A select behind the root would say so, too; but XLA would fuse it, and all that leads to it,
    into every leaf's kernel, and compile all that again for each.
    """
    return jnp.sqrt(x)


@_root.defjvp
def _root_jvp(primals, tangents):
    root, (dot,) = jnp.sqrt(*primals), tangents
    zero = root == 0
    return root, jnp.where(zero, 0, dot / jnp.where(zero, 1, 2 * root))


def _mean(nu: jax.Array) -> jax.Array:
    """The mean of the numbers that are not infinite, also where their sum would be."""
    mean = jnp.mean(nu)
    return lax.cond(jnp.isinf(mean), _finite_mean, lambda _: mean, nu)


@jax.custom_jvp
def _finite_mean(nu: jax.Array) -> jax.Array:
    """As ``_mean``, in one pass that divides by the size before it adds up.

    Weights tell numbers from partial sums, which have none. (Dividing or selecting in front of a
    plain sum would be stored, a parameter's size, by XLA's CPU compiler.)
    """
    nu = jnp.atleast_1d(nu)
    zero = jnp.zeros([], nu.dtype)
    weight = 1 / jnp.asarray(math.prod(nu.shape), nu.dtype)

    def weighted(x, weight, left_out):
        infinite = jnp.isinf(x)
        part = jnp.where(weight > 0, jnp.where(infinite, 0, x * weight), x)
        return part, left_out + jnp.where(infinite, weight, 0)

    def add(one, other):
        (part, left_out), (part_2, left_out_2) = weighted(*one), weighted(*other)
        return part + part_2, jnp.zeros_like(part), left_out + left_out_2

    operands = nu, jnp.broadcast_to(weight, nu.shape), jnp.zeros_like(nu)
    total = lax.reduce(operands, (zero, zero, zero), add, tuple(range(nu.ndim)))
    mean, left_out = weighted(*total)  # a sum of one number may be that number, with its weight
    return mean / jnp.maximum(1 - left_out, weight)


@_finite_mean.defjvp
def _finite_mean_jvp(primals, tangents):
    (nu,), (dot,) = primals, tangents
    finite = jnp.isfinite(nu)
    return _finite_mean(nu), jnp.sum(jnp.where(finite, dot, 0)) / jnp.maximum(jnp.sum(finite), 1)
