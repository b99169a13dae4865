"""MuAdam against its equations in NumPy float64."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import enable_x64

from thermolion_optax import muadam, scale_by_muadam


def oracle(theta, grads, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for g in grads:
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        theta = theta - lr * (b1 * m + (1 - b1) * g) / (np.sqrt(v) + eps)
    return theta, m, v


def gradients(scale, steps=250):
    rng = np.random.default_rng(3)
    return scale * rng.normal(size=(steps, 5)) * np.array([1.0, 1e-3, 0.0, 10.0, 1.0])


@pytest.mark.parametrize("scale", [1.0, 1e-6])
@pytest.mark.parametrize("settings", [{}, {"lr": 0.1, "b1": 0.5, "b2": 0.9, "eps": 1e-3}])
def test_equals_the_equations_in_float64(scale, settings):
    start, grads = np.linspace(-1, 1, 5), gradients(scale)
    named = {"learning_rate": settings.get("lr", 1e-3)}
    named |= {k: x for k, x in settings.items() if k != "lr"}
    with enable_x64(True):
        tx = muadam(**named)
        params = jnp.asarray(start)
        state = tx.init(params)

        def step(carry, g):
            updates, state = tx.update(g, carry[1])
            return (optax.apply_updates(carry[0], updates), state), None

        (params, state), _ = jax.lax.scan(step, (params, state), jnp.asarray(grads))
        theta, m, v = oracle(start, grads, **settings)
        np.testing.assert_allclose(params, theta, rtol=1e-12)
        np.testing.assert_allclose(state[0].mu, m, rtol=1e-12)
        np.testing.assert_allclose(state[0].nu, v, rtol=1e-12)
        assert int(state[0].count) == len(grads)


def test_float32_stays_near_float64():
    start, grads = np.linspace(-1, 1, 5), gradients(1e-2)
    tx = muadam(1e-3)
    params = jnp.asarray(start, jnp.float32)
    state = tx.init(params)
    update = jax.jit(tx.update)
    for g in grads:
        updates, state = update(jnp.asarray(g, jnp.float32), state)
        params = optax.apply_updates(params, updates)
    np.testing.assert_allclose(params, oracle(start, grads)[0], rtol=2e-5, atol=2e-6)


def test_without_gradient_noise_it_is_sign_descent_times_its_uncorrected_ratio():
    tx = scale_by_muadam()
    for g in (1e-3, -1.0, 1e3):  # without eps the ratio knows no scale
        step, _ = tx.update(jnp.float32(g), tx.init(jnp.float32(0)))
        np.testing.assert_allclose(step, np.sign(g) * 0.19 / np.sqrt(1e-3), rtol=4e-4)


def test_differs_from_optax_nadam_by_the_bias_correction_alone():
    # At b1 = b2 = 0 both are g / (|g| + eps).
    g = jnp.array([0.3, -2.0])
    ours, theirs = muadam(0.1, b1=0.0, b2=0.0), optax.nadam(0.1, b1=0.0, b2=0.0)
    a, _ = ours.update(g, ours.init(g), g)
    b, _ = theirs.update(g, theirs.init(g), g)
    np.testing.assert_allclose(a, b, rtol=1e-6)
