"""Properties of the gate that hold for every input."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from thermolion_optax import alignment_boost, scale_by_snr_gate, smes, thermolion

SHAPE = (6, 5)  # steps, elements: one shape, so that hypothesis compiles once
finite = st.floats(-(2.0**50), 2.0**50, width=32, allow_subnormal=False)
gradient_runs = hnp.arrays(np.float32, SHAPE, elements=finite | st.just(0.0))


def updates_of(tx):
    @jax.jit
    def run(gradients):
        def step(state, g):
            updates, state = tx.update(g, state)
            return state, updates

        return jax.lax.scan(step, tx.init(gradients[0]), gradients)[1]

    return run


silent = {"temperature": 0.0, "weight_decay": 0.0}
RUN = updates_of(thermolion(1.0, **silent))
RUN_EPS_0 = updates_of(thermolion(1.0, eps=0.0, **silent))
RUN_NOISY = updates_of(thermolion(1.0, weight_decay=0.0))
RUN_SMES = updates_of(smes(1.0, 0.5, eps=0.0))


@settings(deadline=None, max_examples=60)
@given(gradient_runs)
def test_finite_gradients_give_finite_steps(gradients):
    for run in (RUN, RUN_EPS_0, RUN_NOISY, RUN_SMES):
        assert np.all(np.isfinite(run(gradients)))


@settings(deadline=None, max_examples=60)
@given(gradient_runs)
def test_the_step_is_odd_bounded_and_against_the_momentum(gradients):
    updates = np.asarray(RUN(gradients))
    np.testing.assert_array_equal(RUN(-gradients), -updates)
    # |r| <= 2.345 for the default decays, so phi <= (1 - tanh r) 1.5 + 2 r tanh r.
    assert np.all(np.abs(updates) <= 2 * 2.346 * np.tanh(2.346) + 1.5 * (1 - np.tanh(2.346)))
    m = np.zeros(SHAPE[1])
    for g, u in zip(gradients.astype(np.float64), updates, strict=True):
        m = 0.9 * m + 0.1 * g
        # Sure of its sign: above rounding, and no subnormal number, which XLA's CPU takes for zero.
        sure = np.abs(m) > max(1e-5 * np.abs(gradients).max(), 1.01 * np.finfo(np.float32).tiny)
        assert np.all(np.sign(u[sure]) == -np.sign(m[sure]))


@settings(deadline=None, max_examples=60)
@given(gradient_runs, st.integers(-8, 8))
def test_without_eps_the_step_has_no_units(gradients, power):
    moderate = np.where(np.abs(gradients) < 1e-6, 0, gradients).astype(np.float32)
    scaled = moderate * np.float32(2.0**power)
    np.testing.assert_array_equal(RUN_EPS_0(scaled), RUN_EPS_0(moderate))


def test_a_momentum_below_the_smallest_normal_number_gives_no_wrong_step():
    # A tenth of the smallest normal number is subnormal: XLA's CPU takes it for zero.
    tiny = np.full(SHAPE, np.finfo(np.float32).tiny)
    for run in (RUN, RUN_EPS_0):
        assert np.all(np.isin(run(tiny), [0.0, -1.5]))
        np.testing.assert_array_equal(run(20 * tiny), -1.5)


@pytest.mark.parametrize("eps", [0.0, 1e-8])
@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
def test_zero_gradients_give_zero_steps_also_injected(eps, dtype):
    make = optax.inject_hyperparams(thermolion, hyperparam_dtype=jnp.float32)
    tx = make(1e-2, eps=eps, temperature=0.0, weight_decay=0.0)
    params = jnp.ones(4, dtype)
    state = tx.init(params)
    update = jax.jit(tx.update)
    for g in (0.0, 0.0, 1.0, 0.0):
        updates, state = update(jnp.full(4, g, dtype), state, params)
        assert bool(jnp.all(jnp.isfinite(updates)))
        if g == 0 and not bool(jnp.any(state.inner_state[0].mu)):
            np.testing.assert_array_equal(np.abs(updates.astype(jnp.float32)), 0)


def test_the_gates_own_arguments_override_those_from_outside():
    seen = {}

    def spy_update(updates, state, params=None, **extra):
        seen.update(extra)
        return updates, state

    spy = optax.GradientTransformationExtraArgs(lambda p: optax.EmptyState(), spy_update)
    tx = scale_by_snr_gate(gas=spy)
    g = jnp.array([1.0, -3.0])
    tx.update(g, tx.init(g), grad=jnp.zeros(2), nu=jnp.zeros(2), value=7.0)
    np.testing.assert_array_equal(seen["grad"], g)
    np.testing.assert_allclose(seen["mu"], 0.1 * g, rtol=1e-6)
    np.testing.assert_allclose(seen["nu"], 0.01 * g**2, rtol=1e-6)
    assert seen["value"] == 7.0


def test_a_plain_chain_around_the_bare_gate_trains():
    tx = optax.chain(optax.clip_by_global_norm(1.0), scale_by_snr_gate(), optax.scale(-1e-2))
    w = jnp.array([3.0, -2.0])
    state = tx.init(w)
    for _ in range(400):
        updates, state = tx.update(2 * w, state, w)
        w = w + updates
    assert float(jnp.abs(w).max()) < 0.1


def test_boost_in_a_plain_chain_keeps_its_own_average():
    tx = optax.chain(alignment_boost(0.5, decay=0.9), optax.sgd(0.1))
    state = tx.init(jnp.zeros(2))
    averages = np.zeros(2)
    for g in ([1.0, 1.0], [1.0, -5.0], [-1.0, -1.0]):
        g = np.array(g, np.float32)
        updates, state = tx.update(jnp.asarray(g), state)
        averages = 0.9 * averages + 0.1 * g
        gain = np.where(np.sign(averages) * np.sign(g) > 0, 1.5, 1.0)
        np.testing.assert_allclose(updates, -0.1 * g * gain, rtol=1e-6)


def test_boost_sees_the_agreement_of_numbers_whose_product_underflows():
    tx = alignment_boost(1.0)
    tiny = jnp.array([1e-30, -1e-30, 1e-30])
    updates, _ = tx.update(tiny, tx.init(tiny), grad=jnp.array([1e-30, -1e-30, -1e-30]))
    np.testing.assert_allclose(updates, [2e-30, -2e-30, 1e-30], rtol=1e-6)


def test_the_boosts_own_average_keeps_small_float16_gradients():
    """(1 - 0.999) · 1e-5 is 0 in float16, where nothing would ever be aligned."""
    tx, u = alignment_boost(0.5, decay=0.999), jnp.full(3, 1e-5, jnp.float16)
    updates, state = tx.update(u, tx.init(u))
    np.testing.assert_allclose(state.average, 1e-3 * np.asarray(u, np.float64), rtol=1e-5)
    np.testing.assert_allclose(updates, 1.5 * np.asarray(u, np.float64), rtol=1e-2)
    assert updates.dtype == jnp.float16


@pytest.mark.parametrize("branch", ["gas", "solid"])
@pytest.mark.parametrize(
    "inner", [optax.trace(0.9), optax.ema(0.9), optax.scale_by_adam(), optax.scale_by_lion()]
)
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_a_branch_with_a_state_of_its_own_scans_in_16_bits(branch, inner, dtype):
    """Its steps are of the compute dtype, so its state has to be from the start."""
    tx = scale_by_snr_gate(**{branch: inner})
    params = {"w": jnp.ones(4, dtype)}

    def step(state, g):
        updates, state = tx.update({"w": g}, state, params)
        return state, updates["w"]

    state = tx.init(params)
    ended, updates = jax.lax.scan(step, state, jnp.full((3, 4), 0.5, dtype))
    assert updates.dtype == dtype
    assert bool(jnp.isfinite(updates).all())
    for before, after in zip(jax.tree.leaves(state), jax.tree.leaves(ended), strict=True):
        assert before.dtype == after.dtype
