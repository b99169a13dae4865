"""Both aliases, a small tree to train, and the loop around them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from thermolion_optax import smes, thermolion

ALIASES = {
    "thermolion": lambda **kw: thermolion(**({"learning_rate": 1e-3} | kw)),
    "smes": lambda **kw: smes(**({"learning_rate": 1e-2} | kw)),
}
every_alias = pytest.mark.parametrize("make", ALIASES.values(), ids=ALIASES)
PARAMS = {"w": jnp.array([[1.0, -2.0], [0.5, 3.0]]), "b": jnp.array([0.1, -0.1, 0.0])}
GRADS = jax.tree.map(lambda p: jnp.cos(3 * p), PARAMS)


def steps(tx, params, count, grad_of=lambda p: jax.tree.map(jnp.cos, p), **extra):
    @jax.jit
    def step(params, state):
        updates, state = tx.update(grad_of(params), state, params, **extra)
        return optax.apply_updates(params, updates), state

    state = tx.init(params)
    for _ in range(count):
        params, state = step(params, state)
    return params, state


def close(a, b, rtol=1e-6, atol=1e-8):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=atol), a, b)
