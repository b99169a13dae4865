"""Trees to graft on, parts that return what they are told to, and the equation in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from thermolion_optax import graft

RNG = np.random.default_rng(0)
PARAMS = {"w": jnp.asarray(RNG.normal(size=(16, 6)), jnp.float32), "b": jnp.ones(8)}
GRADS = jax.tree.map(lambda p: jnp.cos(3 * p), PARAMS)


def returning(tree):
    """A part that returns this tree, whatever it gets."""
    return optax.stateless(lambda updates, params: tree)


def joined(direction, magnitude, jit=True):
    tx = graft(returning(direction), returning(magnitude))
    update = jax.jit(tx.update) if jit else tx.update
    return update(direction, tx.init(direction))[0]


def oracle(direction, magnitude):
    d, m = np.asarray(direction, np.float64), np.asarray(magnitude, np.float64)
    norm = np.linalg.norm(d)
    return d * (np.linalg.norm(m) / norm if norm else 0.0)
