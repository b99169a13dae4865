"""Grafting against its equation in float64, at extreme sizes, and inside optax and jax."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from grafted import GRADS, PARAMS, RNG, joined, oracle, returning
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from thermolion_optax import GraftState, graft, scale_by_muadam, scale_by_smes

TINY = float(jnp.finfo(jnp.float32).tiny)
numbers = st.floats(-1, 1, width=32).filter(lambda x: x == 0 or abs(x) > 1e-3)
vectors = arrays.arrays(np.float32, 7, elements=numbers)


def run(tx, steps=5, params=PARAMS):
    def step(carry, t):
        params, state = carry
        grads = jax.tree.map(lambda p: jnp.cos(3 * p + t).astype(p.dtype), params)
        updates, state = tx.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), updates

    scan = jax.jit(lambda p: jax.lax.scan(step, (p, tx.init(p)), jnp.arange(steps)))
    (params, state), updates = scan(params)
    return params, state, updates


def test_every_part_keeps_its_own_state_over_many_steps():
    """Adam's steps as long as the momentum's, each part run by itself beside it."""
    parts = optax.scale_by_adam(), optax.trace(0.9)
    tx = graft(*parts)
    state, alone = tx.init(PARAMS), [part.init(PARAMS) for part in parts]
    assert isinstance(state, GraftState)
    for t in range(10):
        grads = jax.tree.map(lambda p, t=t: jnp.cos(3 * p + t), PARAMS)
        found, state = jax.jit(tx.update)(grads, state, PARAMS)
        steps = []
        for i, part in enumerate(parts):
            step, alone[i] = part.update(grads, alone[i], PARAMS)
            steps.append(step)
        for name in PARAMS:
            want = oracle(steps[0][name], steps[1][name])
            np.testing.assert_allclose(found[name], want, rtol=2e-6, atol=2e-6)
    chex.assert_trees_all_close(tuple(state), tuple(alone), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("d_size", [1e-30, 1.0, 1e30, 3e38])
@pytest.mark.parametrize("m_size", [1e-30, 1.0, 1e30, 3e38])
def test_norms_neither_overflow_nor_underflow(d_size, m_size):
    """Some norms here lie beyond float32; no step does."""
    d, m = (size * RNG.uniform(-1, 1, 1000) for size in (d_size, m_size))
    d[0], m[0] = d_size, m_size
    d, m = jnp.asarray(d, jnp.float32), jnp.asarray(m, jnp.float32)
    want = oracle(d, m)
    if np.abs(want).max() < float(jnp.finfo(jnp.float32).max):
        found = np.asarray(joined(d, m), np.float64)
        np.testing.assert_allclose(found, want, rtol=2e-6, atol=TINY)


@pytest.mark.parametrize("part", [optax.scale_by_adam, scale_by_muadam, scale_by_smes])
@pytest.mark.parametrize("as_direction", [True, False])
def test_a_leaf_of_zeros_stays_zero_where_one_program_divides_twice(part, as_direction):
    """XLA may make (m / √v) / scale one division by √v · scale, which underflows."""
    parts = (part(), None) if as_direction else (None, part())
    tx = graft(*parts)
    grads = {"dead": jnp.zeros(3), "live": jnp.ones(2)}
    updates, _ = jax.jit(tx.update)(grads, tx.init(grads), grads)
    np.testing.assert_array_equal(updates["dead"], 0)
    eager, _ = tx.update(grads, tx.init(grads), grads)
    np.testing.assert_allclose(updates["live"], eager["live"], rtol=1e-5)


@pytest.mark.parametrize("d_size", [1e-30, 1.0, 3e38])
@pytest.mark.parametrize("m_size", [1e-30, 1.0, 1e30])
def test_norms_are_exact_where_nothing_is_known_when_it_is_compiled(d_size, m_size):
    """Constants are folded before the factors of a step could be joined: these are none."""
    d, m = (size * RNG.uniform(-1, 1, 1000) for size in (d_size, m_size))
    d, m = jnp.asarray(d, jnp.float32), jnp.asarray(m, jnp.float32)

    @jax.jit
    def run(d, m):
        tx = graft(returning(d), returning(m))
        return tx.update(d, tx.init(d))[0]

    np.testing.assert_allclose(np.asarray(run(d, m), np.float64), oracle(d, m), rtol=2e-6)


@settings(max_examples=100, deadline=None)
@given(vectors, vectors)
def test_follows_the_equation(d, m):
    found = np.asarray(JOINED(d, m), np.float64)
    np.testing.assert_allclose(found, oracle(d, m), rtol=2e-6)


@settings(max_examples=100, deadline=None)
@given(vectors, vectors, st.floats(2.0**-90, 2.0**90, width=32), st.integers(-90, 90))
def test_the_directions_size_does_not_matter(d, m, factor, exponent):
    want = JOINED(d, m)
    np.testing.assert_array_equal(JOINED(d * np.float32(2.0**exponent), m), want)
    np.testing.assert_allclose(JOINED(d * np.float32(factor), m), want, rtol=2e-6)


@settings(max_examples=100, deadline=None)
@given(vectors, st.integers(-90, 90))
def test_a_part_grafted_to_itself_is_that_part(x, exponent):
    x = x * np.float32(2.0**exponent)
    np.testing.assert_allclose(JOINED(x, x), x, rtol=5e-7)


JOINED = jax.jit(lambda d, m: joined(d, m, jit=False))


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_norm_of_zero_gives_zero(zero):
    zeros, ones = jnp.full(3, zero), jnp.full(3, 1e30)
    for pair in ((zeros, ones), (ones, zeros), (zeros, zeros)):
        np.testing.assert_array_equal(np.abs(joined(*pair)), 0)


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
def test_a_leaf_that_is_not_finite_harms_itself_alone(bad):
    good, broken, zeros = jnp.ones(3), jnp.array([1.0, bad, 1.0]), jnp.zeros(3)
    d = {"a": good, "b": broken, "c": good, "d": zeros}
    m = {"a": 2 * good, "b": good, "c": broken, "d": broken}
    found = joined(d, m)
    np.testing.assert_allclose(found["a"], 2.0, rtol=1e-6)
    assert not any(np.isfinite(found[name]).all() for name in "bcd")


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_low_precision_updates_get_norms_in_float32(dtype):
    """Squares of these would overflow float16, and 4,096 of them not add up in bfloat16."""
    d = jnp.asarray(RNG.normal(0, 300, 4096), dtype)
    m = jnp.asarray(RNG.normal(0, 200, 4096), jnp.float32)
    found = joined(d, m)
    assert found.dtype == dtype
    half_a_step = float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(np.asarray(found, np.float64), oracle(d, m), rtol=half_a_step)
    assert joined(m, d).dtype == jnp.float32


def test_double_precision_stays():
    with jax.enable_x64(True):
        d, m = jnp.asarray(RNG.normal(size=50)), jnp.asarray(1e-60 * RNG.normal(size=50))
        found = joined(d, m)
        assert found.dtype == jnp.float64
        np.testing.assert_allclose(found, oracle(d, m), rtol=1e-14)


def test_unusual_leaves():
    d = {"empty": jnp.zeros((0, 3)), "scalar": jnp.float32(-3.0), "none": None, "number": 2.0}
    m = {"empty": jnp.zeros((0, 3)), "scalar": jnp.float32(0.5), "none": None, "number": -7.0}
    found = joined(d, m)
    chex.assert_trees_all_close(found, d | {"scalar": -0.5, "number": 7.0})
    assert joined({}, {}) == {}
    tx = graft(optax.scale_by_adam(), optax.scale_by_rms())
    masked = PARAMS | {"m": optax.MaskedNode()}
    updates, _ = tx.update(masked, tx.init(masked))
    chex.assert_trees_all_equal_shapes_and_dtypes(updates, masked)


@pytest.mark.parametrize("odd", [optax.MaskedNode(), None])
@pytest.mark.parametrize("name", ["direction", "magnitude"])
def test_a_part_that_leaves_out_a_leaf_is_an_error(name, odd):
    tx = graft(**{"direction": None, "magnitude": None, name: returning(GRADS | {"b": odd})})
    with pytest.raises(ValueError, match=rf"{name} returned does not have the structure"):
        tx.update(GRADS, tx.init(PARAMS))


def test_what_does_not_fit_is_named():
    with pytest.raises(TypeError, match=r"graft: direction is a float.*GradientTransformation"):
        graft(0.5, optax.identity())
    tx = graft(None, returning(GRADS | {"b": jnp.ones(1)}))
    with pytest.raises(ValueError, match=r"magnitude returned has shape \(1,\) at updates\['b'\]"):
        tx.update(GRADS, tx.init(PARAMS))
    for dtype in (jnp.complex64, jnp.int32):
        with pytest.raises(TypeError, match=r"graft: updates\['b'\]"):
            joined({"b": jnp.ones(3, dtype)}, {"b": jnp.ones(3, dtype)})


def test_extra_arguments_reach_both_parts():
    scale = optax.GradientTransformationExtraArgs(
        optax.init_empty_state,
        lambda u, s, params=None, *, factor, **rest: (jax.tree.map(lambda x: factor * x, u), s),
    )
    tx = optax.chain(graft(scale, scale))
    updates, _ = tx.update(GRADS, tx.init(PARAMS), PARAMS, factor=-2.0, unheard_of=1)
    chex.assert_trees_all_close(updates, jax.tree.map(lambda g: -2 * g, GRADS), rtol=1e-6)


def test_chain_injection_and_multi_steps_agree_with_the_plain_run():
    def make(learning_rate, b1=0.9):
        return optax.chain(
            optax.clip_by_global_norm(1.0),
            graft(optax.scale_by_adam(b1), optax.trace(0.9)),
            optax.scale_by_learning_rate(learning_rate),
        )

    plain, state, updates = run(make(0.01))
    assert all(bool(jnp.any(u != 0)) for u in jax.tree.leaves(updates))
    injected, _, _ = run(optax.inject_hyperparams(make)(learning_rate=0.01, b1=0.9))
    chex.assert_trees_all_close(injected, plain, rtol=1e-6)
    tx = optax.inject_hyperparams(graft)(optax.scale_by_sign(), None)
    updates, _ = tx.update(GRADS, tx.init(PARAMS))
    want = jax.tree.map(lambda g: oracle(jnp.sign(g), g), GRADS)
    chex.assert_trees_all_close(updates, want, rtol=1e-6)
    several = optax.MultiSteps(make(0.01), every_k_schedule=2)
    twice, outer, add = PARAMS, several.init(PARAMS), jax.jit(several.update)
    one, inner, update = PARAMS, make(0.01).init(PARAMS), jax.jit(make(0.01).update)
    for _ in range(3):
        for _ in range(2):
            updates, outer = add(GRADS, outer, twice)
            twice = optax.apply_updates(twice, updates)
        updates, inner = update(GRADS, inner, one)
        one = optax.apply_updates(one, updates)
    chex.assert_trees_all_close(twice, one, rtol=1e-6)
    marked = optax.tree.map_params(make(0.01), lambda x: x + 1, state)
    changed = jax.tree.map(lambda a, b: bool(np.any(a != b)), state, marked)
    assert sum(jax.tree.leaves(changed)) == 3 * len(PARAMS)


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=["auto", "explicit"])
def test_the_norm_of_a_sharded_leaf_is_the_whole_leafs(kind):
    mesh = jax.make_mesh((8,), ("x",), axis_types=(kind,))
    tx = graft(optax.scale_by_adam(), optax.trace(0.9))
    want, _ = jax.jit(tx.update)(GRADS, tx.init(PARAMS), PARAMS)
    with jax.set_mesh(mesh):
        params, grads = jax.device_put((PARAMS, GRADS), NamedSharding(mesh, P("x")))
        found, state = jax.jit(tx.update)(grads, tx.init(params), params)
    chex.assert_trees_all_close(jax.device_get(found), jax.device_get(want), rtol=1e-6)
    for name, g in grads.items():
        for leaf in (found[name], state.direction.mu[name], state.magnitude.trace[name]):
            assert leaf.sharding.is_equivalent_to(g.sharding, g.ndim)


def test_the_norm_inside_shard_map_is_each_pieces_own():
    mesh = jax.make_mesh((8,), ("x",), axis_types=(AxisType.Auto,))
    d, m = jnp.asarray(RNG.normal(size=(8, 5)), jnp.float32), jnp.arange(40.0).reshape(8, 5)
    mapped = jax.shard_map(
        lambda d, m: joined(d, m, jit=False), mesh=mesh, in_specs=P("x"), out_specs=P("x")
    )
    want = [oracle(d[i], m[i]) for i in range(8)]
    np.testing.assert_allclose(jax.jit(mapped)(d, m), want, rtol=2e-6)
