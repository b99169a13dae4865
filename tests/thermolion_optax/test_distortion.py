"""The gradient's distortion against its definition in float64, read and normalized."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from thermolion_optax import (
    NormalizeDistortionState,
    gradient_distortion,
    normalize_distortion,
    smes,
)

RNG = np.random.default_rng(0)
SIZES = {"first": (1e-6, (16, 5)), "middle": (1e-3, (8, 3, 2)), "last": (2.0, (8,))}
GRADS = {k: jnp.asarray(s * RNG.normal(size=n), jnp.float32) for k, (s, n) in SIZES.items()}
EXTREMES = {k: jnp.asarray(s * RNG.uniform(-1, 1, 64), jnp.float32)
            for k, s in {"a": 1e-30, "b": 1e30, "c": 3e38, "d": 1e-3}.items()}  # fmt: skip


def rms(leaf):
    return np.sqrt(np.mean(np.square(np.asarray(leaf, np.float64))))


def oracle(grads):
    """Size and distortion of every leaf, and the geometric mean over those above 0 and finite."""
    sizes = {k: rms(g) for k, g in grads.items()}
    counted = [s for s in sizes.values() if 0 < s < np.inf]
    mean = np.exp(np.mean(np.log(counted)))
    return sizes, {k: s / mean for k, s in sizes.items()}, mean


def normalized(grads, strength, **extra):
    tx = normalize_distortion(strength)
    return jax.jit(lambda g: tx.update(g, tx.init(g), **extra)[0])(grads)


def check(found, grads, rtol=1e-6):
    sizes, distortions, mean = oracle(grads)
    logs = np.log([d for d in distortions.values() if 0 < d < np.inf])
    np.testing.assert_allclose(found["rms"]["all"], mean, rtol)
    np.testing.assert_allclose(found["distortion"]["all"], np.exp(np.sqrt(np.mean(logs**2))), rtol)
    for name in grads:
        path = f"['{name}']"
        np.testing.assert_allclose(found["rms"]["leaves"][path], sizes[name], rtol)
        np.testing.assert_allclose(found["distortion"]["leaves"][path], distortions[name], rtol)


def test_follows_its_definition():
    check(gradient_distortion(GRADS), GRADS)
    check(jax.jit(gradient_distortion)(GRADS), GRADS)
    with_zeros = GRADS | {"zeros": jnp.zeros(9)}
    found = jax.jit(gradient_distortion)(with_zeros)
    check(found, with_zeros)
    assert float(found["distortion"]["leaves"]["['zeros']"]) == 0


def test_sizes_from_end_to_end_of_float32():
    """A logarithm near 88 has 5e-6 of rounding, which the exponential makes relative."""
    extremes = {k: EXTREMES[k] for k in "abd"}
    check(jax.jit(gradient_distortion)(extremes), extremes, rtol=1e-5)


def test_low_precision_and_double():
    for dtype in (jnp.bfloat16, jnp.float16):
        grads = {"a": jnp.asarray(RNG.normal(0, 300, 4096), dtype), "b": jnp.full(3, 0.01, dtype)}
        found = jax.jit(gradient_distortion)(grads)
        check(found, grads)
        assert {x.dtype for x in jax.tree.leaves(found)} == {jnp.dtype(jnp.float32)}
    with jax.enable_x64(True):
        double = {k: jnp.asarray(1e-100 * RNG.normal(size=5)) for k in "ab"}
        check(gradient_distortion(double), double, rtol=1e-13)


def test_what_has_no_distortion():
    odd = {"none": None, "masked": optax.MaskedNode(), "empty": jnp.zeros((0, 2)), "w": jnp.ones(2)}
    found = gradient_distortion(odd)
    assert list(found["rms"]["leaves"]) == list(found["distortion"]["leaves"]) == ["['w']"]
    assert float(found["distortion"]["all"]) == 1
    for nothing in ({}, {"zeros": jnp.zeros(3)}, {"nan": jnp.array([jnp.nan])}):
        found = gradient_distortion(nothing)
        assert (float(found["rms"]["all"]), float(found["distortion"]["all"])) == (0, 1)
        chex.assert_trees_all_equal(normalized(nothing, 1.0), nothing)


def test_under_vmap():
    stacked = jax.tree.map(lambda g: jnp.stack([g, 3 * g]), GRADS)
    found = jax.jit(jax.vmap(gradient_distortion))(stacked)
    for i, factor in enumerate((1, 3)):
        one = jax.tree.map(lambda x, i=i: x[i], found)
        check(one, jax.tree.map(lambda g, f=factor: f * g, GRADS))


@pytest.mark.parametrize("strength", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("traced", [False, True])
def test_normalizing_follows_the_equation(strength, traced):
    grads = GRADS | {"zeros": jnp.array([0.0, -0.0])}
    found = jax.jit(normalized)(grads, strength) if traced else normalized(grads, strength)
    _, distortions, mean = oracle(GRADS)
    for name, g in GRADS.items():
        want = np.asarray(g, np.float64) * distortions[name] ** -strength
        np.testing.assert_allclose(found[name], want, rtol=2e-6)
        if strength == 1:
            assert rms(found[name]) == pytest.approx(mean, rel=2e-6)
    np.testing.assert_array_equal(np.signbit(found["zeros"]), [False, True])
    np.testing.assert_allclose(gradient_distortion(found)["rms"]["all"], mean, rtol=2e-6)


@pytest.mark.parametrize("strength", [0.1, 0.5, 1.0])
def test_normalizing_neither_overflows_nor_underflows_before_the_result(strength):
    """A factor of 1e-42 on the way from 3e38 is not 0, nor one of 1e41 inf."""
    extremes = EXTREMES | {"e": EXTREMES["a"], "f": EXTREMES["a"], "g": EXTREMES["a"]}
    _, distortions, _ = oracle(extremes)
    for found in (normalized(extremes, strength), jax.jit(normalized)(extremes, strength)):
        for name, g in extremes.items():
            want = np.asarray(g, np.float64) * distortions[name] ** -strength
            np.testing.assert_allclose(found[name], want, rtol=2e-5)


def bits(tree):
    return jax.tree.map(lambda x: np.asarray(x).tobytes(), tree)


@pytest.mark.parametrize("strength", [0.0, 0, np.float32(0), lambda count: 0.0 * count])
def test_strength_zero_changes_nothing_bit_for_bit(strength):
    """Not even subnormal numbers, the sign of 0, or what is not finite."""
    odd = EXTREMES | GRADS | {
        "odd": jnp.array([1e-40, -0.0, 1.0]), "inf": jnp.array([jnp.inf, 1.0]),
        "nan": jnp.array([jnp.nan, 1e-40]), "half": jnp.array([6e-8, 3.0], jnp.float16),
    }  # fmt: skip
    assert bits(normalized(odd, strength)) == bits(odd)
    if not callable(strength):
        assert bits(jax.jit(normalized)(odd, strength)) == bits(odd)


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
def test_a_leaf_that_is_not_finite_stays_and_harms_no_other(bad):
    broken = {"bad": jnp.array([1.0, bad, 0.0])}
    found = gradient_distortion(GRADS | broken)
    assert not np.isfinite(found["rms"]["leaves"].pop("['bad']"))
    assert not np.isfinite(found["distortion"]["leaves"].pop("['bad']"))
    check(found, GRADS)
    found = normalized(GRADS | broken, 1.0)
    assert bits(found.pop("bad")) == bits(broken["bad"])
    chex.assert_trees_all_close(found, normalized(GRADS, 1.0), rtol=1e-6)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(-75, 75), min_size=3, max_size=3),
    st.floats(0, 1, width=32, allow_subnormal=False),
)
def test_the_logarithmic_distances_shrink_in_proportion(exponents, strength):
    """And the geometric mean stays, whatever the sizes: an identity of the equation."""
    grads = {k: g * 2.0**e for (k, g), e in zip(UNIT.items(), exponents, strict=True)}
    before, after = BOTH(grads, strength)
    assert np.log(after["rms"]["all"]) == pytest.approx(np.log(before["rms"]["all"]), abs=2e-5)
    for path, d in before["distortion"]["leaves"].items():
        want = (1 - strength) * np.log(np.float64(d))
        assert np.log(after["distortion"]["leaves"][path]) == pytest.approx(want, abs=5e-5)


UNIT = {k: jnp.asarray(RNG.uniform(0.5, 1, 6), jnp.float32) for k in "abc"}
BOTH = jax.jit(lambda g, s: (gradient_distortion(g), gradient_distortion(normalized(g, s))))


def test_a_schedule_gets_the_zero_based_step_and_alone_needs_a_state():
    assert normalize_distortion(0.5).init(GRADS) == optax.EmptyState()
    tx = normalize_distortion(lambda count: 0.25 * count)
    state = tx.init(GRADS)
    assert isinstance(state, NormalizeDistortionState)

    def step(state, _):
        updates, state = tx.update(GRADS, state)
        return state, updates

    state, found = jax.jit(lambda s: jax.lax.scan(step, s, length=3))(state)
    assert int(state.count) == 3
    for i in range(3):
        one = jax.tree.map(lambda x, i=i: x[i], found)
        chex.assert_trees_all_close(one, normalized(GRADS, 0.25 * i), rtol=2e-6)


@pytest.mark.parametrize("bad", [7.0, -0.1, float("nan"), np.float32(1.5)])
def test_a_schedule_out_of_range_is_told_where_its_value_is_known(bad):
    tx = normalize_distortion(lambda count: bad)
    state = tx.init(GRADS)
    message = "normalize_distortion: what the schedule strength returned = "
    with pytest.raises(ValueError, match=message):
        tx.update(GRADS, state)
    with pytest.raises(ValueError, match=message):
        jax.jit(tx.update)(GRADS, state)
    late = normalize_distortion(lambda count: 1.0 + count)
    _, state = late.update(GRADS, late.init(GRADS))
    with pytest.raises(ValueError, match=message):
        late.update(GRADS, state)
    jax.jit(late.update)(GRADS, state)  # what depends on the step is traced there


def test_before_an_optimizer_masked_in_a_partition_and_injected():
    pair = {k: GRADS[k] for k in ("first", "last")}
    want = normalized(pair, 0.5) | {"middle": GRADS["middle"]}
    labels = {"first": "ours", "middle": "rest", "last": "ours"}
    groups = {"ours": normalize_distortion(0.5), "rest": optax.identity()}
    for tx in (
        optax.masked(normalize_distortion(0.5), {k: k != "middle" for k in GRADS}),
        optax.partition(groups, labels),
    ):
        found, _ = jax.jit(tx.update)(GRADS, tx.init(GRADS), GRADS)
        chex.assert_trees_all_close(found, want, rtol=1e-6)

    def make(strength):
        return optax.chain(normalize_distortion(strength), smes(0.1, 0.0))

    several = optax.MultiSteps(optax.inject_hyperparams(make)(0.5), every_k_schedule=2)
    state = several.init(GRADS)
    for _ in range(2):
        found, state = jax.jit(several.update)(GRADS, state, GRADS, value=1.0)
    steps = jax.tree.map(lambda g: -0.1 * g, normalized(GRADS, 0.5))
    chex.assert_trees_all_close(found, steps, rtol=1e-5)


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=["auto", "explicit"])
def test_sizes_of_sharded_leaves_are_the_whole_leaves(kind):
    mesh = jax.make_mesh((8,), ("x",), axis_types=(kind,))
    want = normalized(GRADS, 1.0)
    with jax.set_mesh(mesh):
        grads = jax.device_put(GRADS, NamedSharding(mesh, P("x")))
        check(jax.device_get(jax.jit(gradient_distortion)(grads)), GRADS)
        found = normalized(grads, 1.0)
    chex.assert_trees_all_close(jax.device_get(found), jax.device_get(want), rtol=1e-6)
    for name, g in grads.items():
        assert found[name].sharding.is_equivalent_to(g.sharding, g.ndim)


def test_sizes_inside_shard_map_are_the_pieces_own():
    mesh = jax.make_mesh((8,), ("x",), axis_types=(AxisType.Auto,))
    grads = {k: jnp.asarray(RNG.normal(size=(8, 5)), jnp.float32) for k in "ab"}
    mapped = jax.shard_map(
        lambda g: normalized(g, 1.0), mesh=mesh, in_specs=P("x"), out_specs=P("x")
    )
    found = jax.jit(mapped)(grads)
    for i in range(8):
        piece = normalized({k: g[i] for k, g in grads.items()}, 1.0)
        chex.assert_trees_all_close({k: g[i] for k, g in found.items()}, piece, rtol=1e-6)


def test_wrong_input_is_named():
    for strength, error in ((1.5, ValueError), (-0.1, ValueError), ("1", TypeError)):
        with pytest.raises(error, match="normalize_distortion: strength"):
            normalize_distortion(strength)
    for leaf in (jnp.ones(2, jnp.complex64), jnp.ones(2, jnp.int32)):
        with pytest.raises(TypeError, match=r"gradient_distortion: grads\['w'\]"):
            gradient_distortion({"w": leaf})
        with pytest.raises(TypeError, match=r"normalize_distortion: updates\['w'\]"):
            normalized({"w": leaf}, 1.0)


def test_a_quotient_of_zeros_has_no_size_in_the_same_program():
    def sizes(a, b):
        return gradient_distortion({"x": a / (b + 1e-8), "y": jnp.ones(2)})["rms"]["leaves"]

    assert float(jax.jit(sizes)(jnp.zeros(3), jnp.zeros(3))["['x']"]) == 0
