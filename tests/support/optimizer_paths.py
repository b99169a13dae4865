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


def thermolion_path(
    start, lr=1e-3, solid=2.0, boost=0.5, decay=1e-2, gate=np.tanh, unbiased=False, eps=1e-8
):
    """The same path of ThermoLion without noise, by its equations in NumPy's float64."""
    theta, m, v, path, b1, b2 = start, 0.0, 0.0, [], 0.9, 0.99
    for t, g in enumerate(GRADS, start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        mean, square = (m / (1 - b1**t), v / (1 - b2**t)) if unbiased else (m, v)
        r = mean / (np.sqrt(square) + eps)
        lam = gate(np.abs(r))
        gain = 1 + boost * (np.sign(m) * np.sign(g) > 0)
        u = (1 - lam) * np.sign(m) * gain + solid * lam * r
        theta = theta - lr * (u + decay * theta)
        path.append(theta)
    return np.array(path)
