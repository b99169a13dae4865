"""SWATS against Algorithm 1 in NumPy float64, and its two phases against PyTorch."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import enable_x64

from thermolion_optax import SwatsState, swats

CURVATURE = np.array([1.0, 0.3, 3.0, 0.1, 2.0])
START = np.array([1.0, -2.0, 0.5, 3.0, -1.0])


def noise(steps, scale, seed=5):
    return scale * np.random.default_rng(seed).normal(size=(steps, 5))


def algorithm_1(theta, noises, alpha=1e-3, b1=0.9, b2=0.999, eps=1e-8, tolerance=1e-9):
    """Keskar and Socher's Algorithm 1, on a quadratic with noise; also their λ, k and Λ."""
    m, a, lam, v, big_lambda, switched = 0.0, 0.0, 0.0, 0.0, 0.0, 0
    for k, xi in enumerate(noises, start=1):
        g = CURVATURE * theta + xi
        if switched:
            v = b1 * v + g
            theta = theta - (1 - b1) * big_lambda * v
            continue
        m = b1 * m + (1 - b1) * g
        a = b2 * a + (1 - b2) * g**2
        p = -alpha * np.sqrt(1 - b2**k) / (1 - b1**k) * m / (np.sqrt(a) + eps)
        theta = theta + p
        if p @ g != 0:
            gamma = (p @ p) / -(p @ g)
            lam = b2 * lam + (1 - b2) * gamma
            estimate = lam / (1 - b2**k)
            if k > 1 and estimate > 0 and abs(estimate - gamma) < tolerance:
                switched, big_lambda = k, estimate
    return theta, lam, switched, big_lambda


def fixed_switch(theta, noises, n, alpha=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    m, a = 0.0, 0.0
    for k, xi in enumerate(noises, start=1):
        g = CURVATURE * theta + xi
        m = b1 * m + (1 - b1) * g
        a = b2 * a + (1 - b2) * g**2
        adam = alpha * np.sqrt(1 - b2**k) / (1 - b1**k) * m / (np.sqrt(a) + eps)
        theta = theta - (adam if k <= n else alpha * g)
    return theta


def run(tx, noises, start=START, split=None):
    """Trains on the same quadratic; `split` makes a tree of two leaves of the five numbers."""
    curvature = jnp.asarray(CURVATURE)

    def step(carry, xi):
        params, state = carry
        flat = jnp.concatenate(jax.tree.leaves(params))
        g = jax.tree.unflatten(
            jax.tree.structure(params),
            jnp.split(curvature * flat + xi, cuts) if cuts else [curvature * flat + xi],
        )
        updates, state = tx.update(g, state, params)
        return (optax.apply_updates(params, updates), state), None

    cuts = [split] if split else []
    params = jnp.split(jnp.asarray(start), cuts) if cuts else [jnp.asarray(start)]
    (params, state), _ = jax.lax.scan(step, (params, tx.init(params)), jnp.asarray(noises))
    return np.concatenate([np.asarray(p) for p in params]), state


@pytest.mark.parametrize("scale", [0.0, 0.1, 1.0])
@pytest.mark.parametrize(
    "settings",
    [
        {"tolerance": 1e-4},
        {"alpha": 0.05, "b2": 0.99, "tolerance": 1e-3},
        {"alpha": 0.02, "b1": 0.5, "eps": 1e-4, "tolerance": 1e-5},
    ],
)
def test_criterion_is_algorithm_1(scale, settings):
    noises = noise(400, scale)
    theta, lam, switched, rate = algorithm_1(START, noises, **settings)
    named = {"learning_rate": settings.get("alpha", 1e-3)}
    named |= {k: x for k, x in settings.items() if k != "alpha"}
    with enable_x64(True):
        params, state = run(swats(**named), noises)
        assert int(state.switch_step) == switched
        np.testing.assert_allclose(params, theta, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(state.projection_average, lam, rtol=1e-9)
        np.testing.assert_allclose(state.sgd_learning_rate, rate, rtol=1e-9)


def test_the_cases_above_do_switch():
    found = [
        algorithm_1(START, noise(400, scale), alpha=alpha, b2=b2, tolerance=tolerance)[2]
        for scale, alpha, b2, tolerance in [
            (0.0, 1e-3, 0.999, 1e-4),
            (0.1, 0.05, 0.99, 1e-3),
            (1.0, 0.05, 0.99, 1e-3),
        ]
    ]
    assert all(1 < k < 350 for k in found), found


def test_dot_products_run_over_the_whole_tree():
    noises = noise(400, 0.1)
    with enable_x64(True):
        tx = swats(0.05, b2=0.99, tolerance=1e-3)
        whole, state = run(tx, noises)
        parts, split_state = run(tx, noises, split=2)
    np.testing.assert_allclose(parts, whole, rtol=1e-12)
    assert int(split_state.switch_step) == int(state.switch_step) > 1


def test_float32_switches_where_float64_does():
    noises = noise(400, 0.1)
    theta, _, switched, rate = algorithm_1(START, noises, alpha=0.05, b2=0.99, tolerance=1e-3)
    params, state = run(swats(0.05, b2=0.99, tolerance=1e-3), noises)
    assert int(state.switch_step) == switched
    np.testing.assert_allclose(state.sgd_learning_rate, rate, rtol=1e-4)
    np.testing.assert_allclose(params, theta, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("n", [1, 100, 300, 1000])
def test_fixed_switch_is_adam_and_then_plain_sgd(n):
    noises = noise(400, 0.5)
    with enable_x64(True):
        params, state = run(swats(0.01, switch=n), noises)
    np.testing.assert_allclose(params, fixed_switch(START, noises, n, 0.01), rtol=1e-9)
    assert int(state.switch_step) == (n if n <= 400 else 0)
    assert float(state.sgd_learning_rate) == pytest.approx(0.01 if n <= 400 else 0.0)


@pytest.mark.parametrize("size", [1e-2, 1e-6])
def test_adam_phase_against_pytorch_with_its_eps_on_the_uncorrected_root(size):
    """PyTorch's eps stands on the corrected root: at eps·√(1-b2^k) in step k the two are one."""
    torch = pytest.importorskip("torch", reason="PyTorch is the independent truth here")
    grads = size * np.random.default_rng(0).normal(size=(220, 5))
    theta = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([theta], lr=1e-3)
    tx = swats(1e-3, switch=300)
    with enable_x64(True):
        params = jnp.asarray(START)
        state = tx.init(params)
        update = jax.jit(tx.update)
        for k, g in enumerate(grads, start=1):
            adam.param_groups[0]["eps"] = 1e-8 / np.sqrt(1 - 0.999**k)
            theta.grad = torch.tensor(g)
            adam.step()
            updates, state = update(jnp.asarray(g), state)
            params = optax.apply_updates(params, updates)
        moved = theta.detach().numpy() - START
        np.testing.assert_allclose(np.asarray(params) - START, moved, rtol=1e-8)


def test_how_far_the_uncorrected_root_takes_it_from_adam():
    """The share of the movement that the place of eps decides grows as gradients shrink."""
    shares = []
    for size in (1e-2, 1e-6):
        grads = size * np.random.default_rng(0).normal(size=(60, 200))
        ends = []
        with enable_x64(True):
            for tx in (swats(1e-3, switch=300), optax.adam(1e-3)):
                params = jnp.zeros(200)
                state = tx.init(params)
                update = jax.jit(tx.update)
                for g in grads:
                    updates, state = update(jnp.asarray(g), state)
                    params = params + updates
                ends.append(np.asarray(params))
        shares.append(np.linalg.norm(ends[0] - ends[1]) / np.linalg.norm(ends[1]))
    assert shares[0] < 1e-4 < 0.02 < shares[1]


def test_a_schedule_goes_on_after_the_switch():
    noises = noise(300, 0.1)
    schedule = optax.piecewise_constant_schedule(0.05, {200: 0.1})
    with enable_x64(True):
        plain, before = run(swats(0.05, b2=0.99, tolerance=1e-3), noises[:200])
        scheduled, state = run(swats(schedule, b2=0.99, tolerance=1e-3), noises[:201])
        one_more = 0.1 * (CURVATURE * plain + noises[200]) + 0.9 * np.asarray(before.mu[0])
    assert 1 < int(before.switch_step) < 200
    assert float(state.sgd_learning_rate) == pytest.approx(float(before.sgd_learning_rate))
    step = 0.1 * float(before.sgd_learning_rate) * one_more
    np.testing.assert_allclose(scheduled, plain - step, rtol=1e-9)


def test_the_state_tells_that_nothing_has_switched():
    tx = swats(1e-3)
    state = tx.init(jnp.ones(3))
    assert isinstance(state, SwatsState)
    _, state = tx.update(jnp.ones(3), state)
    assert (int(state.switch_step), float(state.sgd_learning_rate)) == (0, 0.0)


def test_a_step_uphill_never_sets_the_learning_rate():
    """Where p·g > 0 the projected rate is negative; the criterion must not take it."""
    tx = swats(0.1, b2=0.5, tolerance=1e9)
    params = jnp.array([1.0])
    state = tx.init(params)
    for g in (10.0, -0.1, -0.1):
        _, state = tx.update(jnp.array([g]), state, params)
    assert int(state.switch_step) == 0 or float(state.sgd_learning_rate) > 0


def test_gradients_that_overflow_the_projection_do_not_poison_it():
    tx = swats(1e-3)
    state = tx.init(jnp.ones(2))
    for g in (1e-30, 1e-38, 1.0):
        updates, state = tx.update(jnp.full(2, g), state)
        assert bool(jnp.all(jnp.isfinite(updates)))
        assert bool(jnp.isfinite(state.projection_average))


def test_sgds_momentum_does_not_overflow_in_float16():
    tx = swats(1e-3, tolerance=1e9)
    grads, params = jnp.full(3, 8000.0, jnp.float16), jnp.ones(3, jnp.float16)
    state = tx.init(params)
    for _ in range(40):
        updates, state = tx.update(grads, state, params)
    assert int(state.switch_step) == 2
    np.testing.assert_allclose(state.mu, 8000 * (1 - 0.9**38), rtol=0.01)
    assert bool(jnp.isfinite(updates).all())


def test_updates_are_of_the_parameters_dtype_where_gradient_and_m_are_narrower():
    tx, params = swats(1e-3, mu_dtype=jnp.bfloat16), jnp.ones(3)
    updates, _ = tx.update(jnp.ones(3, jnp.bfloat16), tx.init(params), params)
    adam = optax.adamw(1e-3, mu_dtype=jnp.bfloat16)
    like, _ = adam.update(jnp.ones(3, jnp.bfloat16), adam.init(params), params)
    assert updates.dtype == like.dtype == jnp.float32


@pytest.mark.parametrize("decay", [0.1, optax.linear_schedule(0.1, 0, 9), jnp.float32(0.1)])
@pytest.mark.parametrize("rate", [1e-3, optax.linear_schedule(1e-3, 0, 9), jnp.float32(1e-3)])
def test_the_kinds_of_rate_and_decay_count_for_the_dtype_as_in_adamw(rate, decay):
    params = jnp.ones(3, jnp.bfloat16)
    dtypes = []
    for tx in (swats(rate, weight_decay=decay), optax.adamw(rate, weight_decay=decay)):
        dtypes.append(tx.update(params, tx.init(params), params)[0].dtype)
    assert dtypes[0] == dtypes[1]
