"""SMES against the equation in float64, and against optax at its special cases."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import oracle
import pytest
from jax import enable_x64

from thermolion_optax import scale_by_smes, smes

STEPS, SIZE = 600, 300


@pytest.fixture(scope="module")
def problem():
    gradients = oracle.gradient_streams(STEPS, SIZE, seed=4)
    # From 0, so that float32 can hold even the steps of a gradient of 1e-15 at alpha = 0.
    return {k: np.zeros(SIZE, np.float32) for k in gradients}, gradients


def run(tx, params, gradients):
    def step(carry, g):
        params, state = carry
        updates, state = tx.update(g, state, params)
        return (optax.apply_updates(params, updates), state), None

    return jax.jit(lambda p, g: jax.lax.scan(step, (p, tx.init(p)), g)[0])(params, gradients)


OTHERS = {"weight_decay": 0.01, "eps": 1e-6, "b2": 0.99}


@pytest.mark.parametrize(
    ("alpha", "others"),
    [*((a, OTHERS) for a in (0.0, 0.25, 0.3, 0.5, 1.0, -0.25, "schedule")), (0.5, {}), (0.25, {})],
)
def test_follows_the_equation(problem, alpha, others):
    params, gradients = problem
    settings = {"learning_rate": 1e-3, **others}
    if alpha == "schedule":
        alpha = optax.linear_schedule(0.5, 0.1, 400)
    finals = [run(smes(alpha=alpha, **settings), params, gradients)[0]]
    if not callable(alpha):
        train = jax.jit(lambda s, a, p, g: run(smes(alpha=a, **s), p, g)[0])
        finals.append(train(settings, alpha, params, gradients))
    for kind in gradients:
        want = oracle.smes(params[kind], gradients[kind], alpha=alpha, **settings)
        moved = np.linalg.norm(want - params[kind])
        assert moved > 0
        for final in finals:  # with alpha concrete, then traced
            error = np.linalg.norm(np.asarray(final[kind], np.float64) - want)
            assert error < 1e-4 * moved, (kind, error / moved)


def test_one_half_is_optax_adam_in_float64(problem):
    """In float32 optax's own bias correction is off by 1e-5: 1 - 0.999^t cancels."""
    with enable_x64(True):
        params, gradients = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), problem)
        ours, adam = (run(tx, params, gradients)[0] for tx in (smes(1e-2, 0.5), optax.adam(1e-2)))
        for kind, b in adam.items():
            assert np.linalg.norm(ours[kind] - b) < 1e-12 * np.linalg.norm(b)


def test_zero_is_sgd_with_bias_corrected_momentum(problem):
    params, gradients = problem
    momentum = optax.chain(optax.ema(0.9, debias=True), optax.scale_by_learning_rate(1e-2))
    ours = run(smes(1e-2, 0.0), params, gradients)[0]
    for kind, b in run(momentum, params, gradients)[0].items():
        assert np.linalg.norm(ours[kind] - b) < 1e-6 * np.linalg.norm(b)  # a few roundings


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 1.0])
def test_a_concrete_alpha_equals_a_traced_one_to_rounding(alpha):
    g = jnp.array([1e-3, -2.0, 0.0, 50.0])

    @jax.jit
    def traced(alpha):
        tx = scale_by_smes(alpha)
        return tx.update(g, tx.init(g))[0]

    tx = scale_by_smes(alpha)
    np.testing.assert_allclose(traced(alpha), tx.update(g, tx.init(g))[0], rtol=3e-6)


@pytest.mark.parametrize("alpha", [-0.5, 0.0, 0.3, 0.5, 2.0])
@pytest.mark.parametrize("eps", [0.0, 1e-8])
def test_zero_gradients_give_zero_steps(alpha, eps):
    tx = smes(0.1, alpha, eps=eps)
    params = jnp.ones(4)
    state = tx.init(params)
    for _ in range(3):
        updates, state = tx.update(jnp.zeros(4), state, params)
        np.testing.assert_array_equal(np.abs(updates), 0)


def test_one_half_compiles_without_a_power():
    g = jnp.ones(1000)
    tx = scale_by_smes(0.5)
    text = jax.jit(tx.update).lower(g, tx.init(g)).as_text()
    # The one power left is that of the scalar bias corrections.
    assert not [line for line in text.splitlines() if "power" in line and "1000" in line]


def test_two_slots():
    params = {"w": jnp.ones((50, 3)), "b": jnp.ones(7)}
    state = smes(1e-3).init(params)
    assert sum(x.size for x in jax.tree.leaves(state)) == 2 * 157 + 1
