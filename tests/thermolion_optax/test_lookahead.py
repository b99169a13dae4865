"""Lookahead against Algorithm 1 in NumPy float64, and against optax's paired-parameter form."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import enable_x64

from thermolion_optax import lookahead, stochastic_weight_averaging

CURVATURE = np.array([1.0, 0.3, 3.0, 0.1])
START = np.array([1.0, -2.0, 0.5, 3.0])


def oracle(start, noises, k, alpha, lr=0.01, b1=0.9, b2=0.999, eps=1e-8, recopy=False):
    """Algorithm 1 with Adam inside: outer loop over slow weights, inner over fast ones."""
    slow, fast, m, v = start.copy(), start.copy(), 0.0, 0.0
    for t, xi in enumerate(noises, start=1):
        g = CURVATURE * fast + xi
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        fast = fast - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
        if recopy and (t - 1) % k == 0:
            slow = fast.copy()
        if t % k == 0:
            slow = slow + alpha * (fast - slow)
            fast = slow.copy()
    return fast, slow


def run(tx, noises):
    def step(carry, xi):
        params, state = carry
        updates, state = tx.update(jnp.asarray(CURVATURE) * params + xi, state, params)
        return (optax.apply_updates(params, updates), state), None

    params = jnp.asarray(START)
    return jax.lax.scan(step, (params, tx.init(params)), jnp.asarray(noises))[0]


@pytest.mark.parametrize("recopy", [False, True])
@pytest.mark.parametrize(("k", "alpha"), [(5, 0.5), (6, 0.8), (1, 0.5), (7, 0.0), (3, 1.0)])
@pytest.mark.parametrize("steps", [200, 203])
def test_equals_the_algorithm_in_float64(recopy, k, alpha, steps):
    noises = 0.3 * np.random.default_rng(1).normal(size=(steps, 4))
    fast, slow = oracle(START, noises, k, alpha, recopy=recopy)
    with enable_x64(True):
        params, state = run(lookahead(optax.adam(0.01), k, alpha, recopy=recopy), noises)
    np.testing.assert_allclose(params, fast, rtol=1e-9)
    np.testing.assert_allclose(state.slow, slow, rtol=1e-9)


@settings(max_examples=20, deadline=None)
@given(k=st.integers(1, 8), alpha=st.floats(0, 1), steps=st.integers(1, 20))
def test_equals_optax_with_its_paired_parameters(k, alpha, steps):
    ours, theirs = (
        lookahead(optax.adam(0.05), k, alpha),
        optax.lookahead(optax.adam(0.05), k, alpha),
    )
    fast = jnp.asarray(START, jnp.float32)
    pair = optax.LookaheadParams.init_synced(fast)
    state, pair_state = ours.init(fast), theirs.init(pair)
    for step in range(steps):
        updates, state = ours.update(fast + jnp.sin(step), state, fast)
        fast = optax.apply_updates(fast, updates)
        updates, pair_state = theirs.update(pair.fast + jnp.sin(step), pair_state, pair)
        pair = optax.apply_updates(pair, updates)
    np.testing.assert_allclose(fast, pair.fast, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(state.slow, pair.slow, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("recopy", "moved"), [(False, 2.5), (True, 3.0)])
def test_equal_steps_go_as_far_as_documented(recopy, moved):
    tx = lookahead(optax.sgd(1.0), recopy=recopy)
    params = jnp.float32(0.0)
    state = tx.init(params)
    for _ in range(5):
        updates, state = tx.update(jnp.float32(-1.0), state, params)
        params = optax.apply_updates(params, updates)
    assert float(params) == moved


def test_the_inner_optimizer_alone_where_nothing_is_taken_back():
    noises = np.random.default_rng(2).normal(size=(50, 4))
    with enable_x64(True):
        ours, _ = run(lookahead(optax.adam(0.01), 4, 1.0), noises)
        alone, _ = run(optax.adam(0.01), noises)
    np.testing.assert_allclose(ours, alone, rtol=1e-12)


def test_half_precision_parameters_do_not_drift_from_the_slow_weights():
    """The slow weights keep float32: rounding at each return must not add up."""
    params = jnp.full(8, 100.0, jnp.bfloat16)
    tx = lookahead(optax.sgd(1.0), 2)
    state = tx.init(params)
    for _ in range(200):
        updates, state = tx.update(jnp.full(8, 0.5, jnp.bfloat16), state, params)
        params = optax.apply_updates(params, updates)
    assert state.slow.dtype == jnp.float32
    gap = jnp.abs(params.astype(jnp.float32) - state.slow)
    assert bool(jnp.all(gap <= jnp.abs(state.slow) * 2.0**-8))


@pytest.mark.parametrize("wrap", [lookahead, partial(stochastic_weight_averaging, start_step=1)])
@pytest.mark.parametrize("masked", [None, optax.MaskedNode()])
def test_a_leaf_that_was_masked_at_init_is_named_when_it_comes(wrap, masked):
    """Frozen at first and unfrozen later: the state has no place for it."""
    tx, leaf = wrap(optax.sgd(0.1)), jnp.ones(2)
    state = tx.init({"w": masked, "b": leaf})
    full = {"w": leaf, "b": leaf}
    with pytest.raises(ValueError, match=r"updates\['w'\] has shape \(2,\), but .* nothing there"):
        tx.update(full, state, full)
