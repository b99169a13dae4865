"""The library's normal numbers, as its transformation gives them."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from thermolion_optax import _generator, thermal_noise

N = 2**20
# The greatest of N standard normal numbers passes 5.3; 6.5 is passed once in ten thousand tests.
WORST_OF_N = 6.5


@functools.partial(jax.jit, static_argnums=0, static_argnames="path")
def noise(shape, step=0, key=0, path="w"):
    """The transformation's standard normal numbers for one leaf at one (0-based) step."""
    tx = thermal_noise(1.0, 1.0, floor=0.0, cutoff=0.0, key=key)
    state = tx.init({path: jnp.zeros(shape)})._replace(count=jnp.asarray(step, jnp.int32))
    return tx.update({path: jnp.zeros(shape)}, state, nu={path: jnp.ones(shape)})[0][path]


def leaf_streams(shape, count):
    """Those of many leaves at one step, named as layers are, float64, shape (count, *shape)."""
    paths = [f"['layer{i}']['w']" for i in range(count)]
    words = np.stack(_generator.seeds(jnp.zeros(2, jnp.uint32), jnp.int32(0), paths))
    return np.asarray(jax.vmap(lambda s: _generator.normal(s, shape))(words), np.float64)


def streams(shape, steps=(0,), keys=(0,), path="w"):
    """Those of several steps and keys, float64, shape (keys, steps, *shape)."""
    one = jax.vmap(jax.vmap(lambda k, t: noise(shape, t, k, path=path), (None, 0)), (0, None))
    return np.asarray(jax.jit(one)(jnp.asarray(keys), jnp.asarray(steps)), np.float64)


def largest_correlation(x, y):
    """The greatest correlation of x with y shifted by any lag, in standard errors."""
    products = np.fft.ifft(np.fft.fft(x) * np.conj(np.fft.fft(y))).real
    if x is y:
        products = products[1:]
    return np.abs(products).max() / (x.std() * y.std() * math.sqrt(x.size))
