"""bfloat16 and float16 parameters and moments, measured against float32."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from scipy import stats

from thermolion_optax import apply_updates_stochastic, smes, thermolion

LOW = [jnp.bfloat16, jnp.float16]
SIZE = 1000


def nearest(params, updates, step):
    del step
    return optax.apply_updates(params, updates)


def stochastic(params, updates, step):
    key = jax.random.fold_in(jax.random.key(9), step)
    return apply_updates_stochastic(params, updates, key)


@pytest.fixture(scope="module")
def problem():
    """Numbers between 1 and 2, bfloat16 exactly, that are to move by about 0.2."""
    rng = np.random.default_rng(0)
    start = jnp.asarray(rng.uniform(1, 2, SIZE), jnp.bfloat16).astype(jnp.float32)
    return start, start + 0.2 * jnp.asarray(rng.standard_normal(SIZE), jnp.float32)


def long_run(problem, dtype, apply, steps=3000, learning_rate=1e-4, **kwargs):
    """Noisy gradients of (p - target)^2 / 2, thousands of steps far below bfloat16's spacing."""
    start, target = problem
    tx = thermolion(learning_rate, weight_decay=0.0, **kwargs)

    def step(carry, t):
        params, state = carry
        blur = 0.1 * jax.random.normal(jax.random.fold_in(jax.random.key(1), t), (SIZE,))
        grads = params.astype(jnp.float32) - target + blur
        updates, state = tx.update(grads.astype(dtype), state, params)
        return (apply(params, updates, t), state), None

    params = start.astype(dtype)
    run = jax.jit(lambda p: jax.lax.scan(step, (p, tx.init(p)), jnp.arange(steps))[0])
    params, state = run(params)
    return np.asarray(params, np.float64), state[0]


@pytest.fixture(scope="module")
def full(problem):
    return long_run(problem, jnp.float32, nearest)[0]


def distance(found, full, problem):
    """How far a run ends from the float32 run, in parts of the way that one went."""
    return np.linalg.norm(found - full) / np.linalg.norm(full - np.asarray(problem[0], np.float64))


def test_plain_rounding_stalls_in_bfloat16(problem):
    found, _ = long_run(problem, jnp.bfloat16, nearest)
    np.testing.assert_array_equal(found, problem[0])  # 3,000 steps, not one of them taken


@pytest.mark.parametrize(("dtype", "limit"), [(jnp.bfloat16, 0.08), (jnp.float16, 0.025)])
def test_stochastic_rounding_goes_the_way_of_float32(problem, full, dtype, limit):
    found, state = long_run(problem, dtype, stochastic)
    assert distance(found, full, problem) < limit
    loss = lambda p: np.mean((p - np.asarray(problem[1])) ** 2)  # noqa: E731
    assert loss(found) < 0.01 * loss(np.asarray(problem[0]))
    assert (state.mu.dtype, state.nu.dtype) == (dtype, jnp.float32)


@pytest.mark.parametrize(
    "dtypes",
    [{"mu_dtype": jnp.bfloat16}, {"nu_dtype": jnp.bfloat16}],
    ids=["mu in bfloat16", "nu in bfloat16"],
)
def test_accuracy_of_low_precision_moments(problem, full, dtypes):
    """Of float32 parameters: they end within a few thousandths of the way they went."""
    found, state = long_run(problem, jnp.float32, nearest, **dtypes)
    assert distance(found, full, problem) < 2e-3
    for slot in ("mu", "nu"):
        assert getattr(state, slot).dtype == dtypes.get(f"{slot}_dtype", jnp.float32)


def test_why_nu_stays_in_float32():
    """With b2 = 0.999 a bfloat16 nu never falls again: each decrease is rounded away."""
    loud, quiet = jnp.ones(8), jnp.full(8, 0.01)

    def nu_after(**dtypes):
        tx = smes(1e-3, b2=0.999, **dtypes)
        update = jax.jit(lambda g, s: tx.update(g, s)[1])
        state = tx.init(loud.astype(jnp.bfloat16))
        for g in [loud] * 10 + [quiet] * 300:
            state = update(g.astype(jnp.bfloat16), state)
        return np.asarray(state[0].nu, np.float64)[0], state[0].nu.dtype

    default, low = nu_after(), nu_after(nu_dtype=jnp.bfloat16)
    exact = (1 - 0.999**10) * 0.999**300 + 1e-4 * (1 - 0.999**300)
    assert default[1] == jnp.float32
    assert default[0] == pytest.approx(exact, rel=1e-2)
    assert low[0] > 1.25 * exact


@pytest.mark.parametrize("make", [lambda **kw: thermolion(**kw), lambda **kw: smes(1e-3, **kw)])
def test_size_of_the_slots(make):
    params = {"w": jnp.zeros((64, 64), jnp.bfloat16), "b": jnp.zeros(64, jnp.float32)}

    def sizes(**dtypes):
        state = make(**dtypes).init(params)[0]
        return [[x.nbytes for x in jax.tree.leaves(slot)] for slot in (state.mu, state.nu)]

    assert sizes() == [[4 * 64, 2 * 64 * 64], [4 * 64, 4 * 64 * 64]]
    full = sizes(mu_dtype=jnp.float32)
    half = sizes(mu_dtype=jnp.bfloat16)
    assert [2 * n for n in half[0]] == full[0]
    assert half[1] == full[1]


@pytest.mark.parametrize("dtype", [*LOW, jnp.float8_e4m3fn, jnp.float8_e5m2])
def test_rounding_takes_a_neighbour_and_is_right_on_average(dtype):
    rng = np.random.default_rng(3)
    exact = jnp.asarray(rng.uniform(0.02, 200, 200) * rng.choice([-1, 1], 200), jnp.float32)
    near = np.asarray(exact.astype(dtype), np.float64)
    rounded = jax.jit(
        jax.vmap(lambda k: apply_updates_stochastic(jnp.zeros(200, dtype), exact, k))
    )(jnp.arange(4000))
    rounded, exact = np.asarray(rounded, np.float64), np.asarray(exact, np.float64)
    spacing = 2.0 ** (np.floor(np.log2(np.abs(exact))) - jnp.finfo(dtype).nmant)
    assert all(len(np.unique(column)) <= 2 for column in rounded.T)
    assert np.all(np.abs(rounded - exact) < spacing)
    assert np.all((rounded == near).any(0))
    share = (exact - np.floor(exact / spacing) * spacing) / spacing
    error = (rounded.mean(0) - exact) / spacing / np.sqrt(np.maximum(share * (1 - share), 1e-4))
    assert np.abs(error).max() * np.sqrt(4000) < 5


def test_rounding_is_independent_between_elements_keys_and_of_the_noise():
    n = 2**16
    x = jnp.full((n,), 1 + 2.0**-8)  # half-way between two bfloat16 numbers
    up = np.stack(
        [
            np.asarray(apply_updates_stochastic(jnp.zeros(n, jnp.bfloat16), x, k)) > 1
            for k in range(4)
        ]
    )
    assert np.abs(up.mean(1) - 0.5).max() < 4 * 0.5 / np.sqrt(n)
    assert np.abs(np.corrcoef(up) - np.eye(4)).max() < 4.5 / np.sqrt(n)
    for lag in (1, 2, 256):
        assert abs(np.corrcoef(up[0, lag:], up[0, :-lag])[0, 1]) < 4.5 / np.sqrt(n)
    words = up[0].reshape(-1, 8) @ (1 << np.arange(8))
    assert stats.chisquare(np.bincount(words, minlength=256)).pvalue > 0.001


@settings(max_examples=200, deadline=None)
@given(st.floats(width=32, allow_nan=True), st.integers(0, 2**31 - 1))
def test_no_number_is_harmed(value, key):
    x = jnp.full((16,), value, jnp.float32)
    out = np.asarray(ROUND(x, key), np.float64)
    near = float(jnp.asarray(value, jnp.float32).astype(jnp.bfloat16))
    if not np.isfinite(near):
        np.testing.assert_array_equal(np.isnan(out), np.isnan(near))
    elif float(jnp.float32(value)) == near and (near == 0 or abs(near) > 1e-35):
        np.testing.assert_array_equal(out, near)
    else:
        assert np.all(np.abs(out - value) <= max(abs(value) * 2.0**-7, 2.4e-38))


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_a_number_just_above_the_largest_does_not_become_infinite(dtype):
    info = jnp.finfo(dtype)
    step = float(info.max) * 2.0 ** -(info.nmant + 1)  # to the next number, were there one
    x = float(info.max) + np.linspace(0, 0.45, 1000) * step  # plain rounding goes down in all
    for sign in (1, -1):
        out = apply_updates_stochastic(jnp.zeros(1000, dtype), jnp.float32(sign * x), 0)
        np.testing.assert_array_equal(out, sign * info.max)


ROUND = jax.jit(lambda x, key: apply_updates_stochastic(jnp.zeros(16, jnp.bfloat16), x, key))


def test_rounding_on_a_mesh_in_jit_and_with_masked_leaves():
    mesh = jax.make_mesh((8,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
    p = jnp.ones((64, 16), jnp.bfloat16)
    params = {"w": p, "frozen": None, "f": jnp.ones(3), "m": p}
    updates = {"w": 1e-3 * p, "frozen": None, "f": jnp.ones(3), "m": optax.MaskedNode()}
    want = apply_updates_stochastic(params, updates, 4)
    assert want["frozen"] is None
    assert want["m"] is p
    np.testing.assert_array_equal(want["f"], 2)
    assert want["w"].dtype == jnp.bfloat16
    put = lambda x: jax.device_put(x, NamedSharding(mesh, P("x")))  # noqa: E731
    params["w"], updates["w"] = put(params["w"]), put(updates["w"])
    found = jax.jit(apply_updates_stochastic)(params, updates, jax.random.key(4))
    np.testing.assert_array_equal(found["w"], want["w"])
    assert found["w"].sharding.is_equivalent_to(params["w"].sharding, 2)


def test_rounding_names_what_does_not_fit():
    p = {"w": jnp.ones(3, jnp.bfloat16)}
    with pytest.raises(ValueError, match=r"updates\['w'\] has shape \(4,\).*\(3,\)"):
        apply_updates_stochastic(p, {"w": jnp.ones(4)}, 0)
    with pytest.raises(ValueError, match="updates does not have the structure"):
        apply_updates_stochastic(p, {"v": jnp.ones(3)}, 0)
    with pytest.raises(TypeError, match="key is float"):
        apply_updates_stochastic(p, p, 0.5)
    with pytest.raises(TypeError, match=r"params\['w'\].*int32"):
        apply_updates_stochastic({"w": jnp.ones(3, jnp.int32)}, p, 0)
    scales = {"w": jnp.ones(3, jnp.float8_e8m0fnu)}
    with pytest.raises(TypeError, match=r"params\['w'\] has dtype float8_e8m0fnu, which holds"):
        apply_updates_stochastic(scales, p, 0)
