"""Every baseline optimizer, a tree to train and a scan that trains it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from thermolion_optax import lookahead, muadam, stochastic_weight_averaging, swats

# Each as a factory of one float hyperparameter, so that it can be traced and injected.
BASELINES = {
    "muadam": lambda learning_rate=0.01: muadam(learning_rate),
    "swats": lambda learning_rate=0.01: swats(learning_rate, tolerance=1e-3),
    "swats_fixed": lambda learning_rate=0.01: swats(learning_rate, switch=4),
    "lookahead": lambda learning_rate=0.01: lookahead(momentum(learning_rate), 3),
    "recopied": lambda learning_rate=0.01: lookahead(momentum(learning_rate), 3, recopy=True),
    "averaging": lambda learning_rate=0.01: stochastic_weight_averaging(momentum(learning_rate), 2),
}
momentum = functools.partial(optax.sgd, momentum=0.9)
each = pytest.mark.parametrize("make", BASELINES.values(), ids=BASELINES.keys())


def params_of(dtype=jnp.float32):
    key = jax.random.key(0)
    return {
        "w": jax.random.normal(key, (3, 4), dtype),
        "scale": jnp.asarray(0.5, dtype),
        "empty": jnp.zeros((0, 2), dtype),
        "frozen": None,
    }


def gradient(params, step):
    """A gradient that depends on the parameters, with a component that changes its sign."""
    return jax.tree.map(lambda p: (p + jnp.sin(1.7 * step)).astype(p.dtype), params)


def train(tx, params, steps=12, state=None, repeats=1):
    """Trains in one compiled scan, each gradient given `repeats` times."""

    @jax.jit
    def run(params, state):
        def body(carry, step):
            params, state = carry
            grads = gradient(params, step)
            for _ in range(repeats):
                updates, state = tx.update(grads, state, params)
                params = optax.apply_updates(params, updates)
            return (params, state), None

        return jax.lax.scan(body, (params, state), jnp.arange(steps))[0]

    return run(params, tx.init(params) if state is None else state)


def assert_trees_close(a, b, rtol=2e-6, atol=1e-7):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(np.asarray(x, float), np.asarray(y, float), rtol, atol)


def assert_finite(tree):
    assert all(bool(jnp.all(jnp.isfinite(x))) for x in jax.tree.leaves(tree))
