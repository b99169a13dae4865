"""The path that one of the benchmark's optimizers takes, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import enable_x64

from experiments.optimizers import resolve

STEPS = 220
START = np.linspace(-1.0, 1.0, 6)
# Drifting, with scales from 1 down to 1e-7, and one parameter that gets no gradient at all.
NOISES = np.random.default_rng(7).normal(size=(STEPS, 6)) + np.sin(np.arange(STEPS) / 20)[:, None]
GRADS = NOISES * np.array([1.0, 1e-2, 1e-4, 1e-7, 0.0, 3.0])


def run(spec, grads=GRADS, start=START, steps_per_epoch=5, total_steps=60, **hyperparameters):
    """The parameters after every step, and those to evaluate at the end."""
    with enable_x64(True):
        optimizer = resolve(spec)
        built = optimizer.build(
            {**optimizer.hyperparameters, **hyperparameters},
            jax.random.key(0),
            steps_per_epoch,
            total_steps,
        )
        tx, evaluate = built if type(built) is tuple else (built, lambda state, params: params)

        def step(carry, g):
            params, state = carry
            updates, state = tx.update(g, state, params)
            params = optax.apply_updates(params, updates)
            return (params, state), params

        first = jnp.asarray(start)
        (params, state), path = jax.jit(
            lambda: jax.lax.scan(step, (first, tx.init(first)), jnp.asarray(grads))
        )()
        return np.asarray(path), np.asarray(evaluate(state, params))
