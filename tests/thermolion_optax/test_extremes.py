"""Numbers at the ends of their range: huge gradients, decays near 1, 16 bits, keys."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from params import slow

from thermolion_optax import (
    alignment_boost,
    muadam,
    phase_statistics,
    scale_by_smes,
    scale_by_snr_gate,
    smes,
    swats,
    thermal_noise,
    thermolion,
)


@pytest.mark.parametrize("noise_units", ["learning_rate", "parameter"])
@pytest.mark.parametrize("spike", [slow(1e19), slow(1e20), 3e38])
def test_one_huge_gradient_harms_no_element(noise_units, spike):
    params = jnp.zeros(1000)
    tx = thermolion(noise_units=noise_units)
    update = jax.jit(tx.update)
    state, grads = tx.init(params), jnp.full(1000, 1e-3).at[7].set(spike)
    for _ in range(3):
        updates, state = update(grads, state, params)
        assert bool(jnp.all(jnp.isfinite(updates)))
    assert np.isfinite(phase_statistics(state)["noise_std"]["all"])


@pytest.mark.parametrize("shape", [(), (1,), (7,), (40, 50), (3, 5, 7)])
@pytest.mark.parametrize("size", [1.0, 1e33, 3e38])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_overflowed_moments_are_left_out_of_the_mean(shape, size, share):
    """Also where the sum would overflow; the oracle is NumPy's mean in float64."""
    rng = np.random.default_rng(0)
    nu = (size * rng.uniform(0.1, 1.0, shape)).astype(np.float32)
    nu = np.where(rng.uniform(size=shape) < share, np.float32(np.inf), nu)
    zeros, tx = jnp.zeros(shape), thermal_noise(0.01, 1.0, floor=0.25)
    finite = nu[np.isfinite(nu)].astype(np.float64)
    mean = finite.mean() if finite.size else 0.0
    unit, _ = (one := thermal_noise(1.0, 1.0, floor=0.0)).update(
        zeros, one.init(zeros), nu=jnp.ones(shape)
    )
    found, _ = jax.jit(tx.update)(zeros, tx.init(zeros), nu=jnp.asarray(nu))
    np.testing.assert_allclose(found, np.sqrt(0.01 * mean + 0.25) * unit, rtol=1e-5)


@pytest.mark.parametrize("temperature", [slow(2.0), slow(1e3), 1e6])
def test_heat_harms_no_element_where_the_variance_overflows_but_not_its_root(temperature):
    """At 1.8e19 a square is 3.2e38, near the largest float32; at T = 2 it would pass it."""
    params, grads = jnp.zeros(1000), jnp.full(1000, 1.8e19)
    tx = thermal_noise(temperature, 1.0)
    unit, _ = (one := thermal_noise(1.0, 1.0, floor=0.0)).update(
        params, one.init(params), nu=jnp.ones(1000)
    )
    noise, _ = jax.jit(tx.update)(params, tx.init(params), nu=jnp.square(grads))
    np.testing.assert_allclose(noise, 1.8e19 * np.sqrt(temperature) * unit, rtol=1e-5)

    tx = thermolion(temperature=temperature)
    updates, state = jax.jit(tx.update)(grads, tx.init(params), params)
    assert bool(jnp.all(jnp.isfinite(updates)))
    assert np.isfinite(phase_statistics(state)["noise_std"]["all"])


def test_leaving_out_needs_no_memory_and_holds_under_vmap():
    tx = thermal_noise(1.0, 1.0)
    nu = jnp.ones((1000, 1000))
    compiled = jax.jit(tx.update).lower(nu, tx.init(nu), nu=nu).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 100_000

    rows = jnp.ones((2, 6)).at[1, 3].set(jnp.inf)
    one = jax.vmap(lambda nu: tx.update(jnp.zeros(6), tx.init(nu), nu=nu)[0])(rows)
    np.testing.assert_allclose(one[0], one[1], rtol=1e-6)


def test_noise_in_float64_is_of_float64_throughout():
    with jax.enable_x64(True):
        params = jnp.linspace(1e30, 2e30, 100)
        tx = thermolion(temperature_decay=1.0 - 1e-12, weight_decay=0.0)
        updates, state = jax.jit(tx.update)(params, tx.init(params), params)
        assert updates.dtype == jnp.float64
        assert bool(jnp.all(jnp.isfinite(updates)))
        read = jax.jit(phase_statistics)(state)
        assert np.isfinite(read["snr_mean"]["all"])
        noise_std = read["noise_std"]["all"]  # its square is beyond float32
        np.testing.assert_allclose(noise_std, np.sqrt(0.01 * np.mean(params**2)), rtol=1e-5)

        nu = jnp.full(3, 1e-60)
        noise, _ = (tx := thermal_noise(0.5, 0.7, floor=0.0)).update(
            jnp.zeros(3), tx.init(nu), nu=nu
        )
        unit, _ = (tx := thermal_noise(1.0, 1.0, floor=0.0)).update(
            jnp.zeros(3), tx.init(nu), nu=jnp.ones(3)
        )
        np.testing.assert_allclose(noise, unit * np.sqrt(0.35e-60), rtol=1e-14)


@pytest.mark.parametrize(("decay", "step"), [(1 - 1e-8, 10**8), (1 - 1e-7, 10**7), (0.99, 300)])
def test_a_temperature_decay_near_one_cools(decay, step):
    tx = thermal_noise(1.0, decay, cutoff=0.0)
    state = tx.init(jnp.zeros(1))._replace(count=jnp.int32(step - 1))
    _, state = tx.update(jnp.zeros(1), state, nu=jnp.ones(1))
    want = np.exp(step * np.log1p(decay - 1))
    np.testing.assert_allclose(state.telemetry_temperature, want, rtol=1e-6)


@pytest.mark.parametrize(("decay", "step"), [(0.1, 2), (0.01, 1)])
@pytest.mark.parametrize("traced", [False, True])
def test_a_power_that_equals_the_cutoff_is_off(decay, step, traced):
    tx = thermal_noise(1.0, jnp.float32(decay) if traced else decay, cutoff=0.01)
    state = tx.init(jnp.zeros(1))._replace(count=jnp.int32(step - 1))
    _, state = tx.update(jnp.zeros(1), state, nu=jnp.ones(1))
    assert float(state.telemetry_temperature) == 0.0


@pytest.mark.parametrize("decay", [0.0, 1.0])
@pytest.mark.parametrize("traced", [False, True])
def test_the_ends_of_the_temperature_decay(decay, traced):
    tx = thermal_noise(3.0, jnp.float32(decay) if traced else decay)
    _, state = tx.update(jnp.zeros(1), tx.init(jnp.zeros(1)), nu=jnp.ones(1))
    assert float(state.telemetry_temperature) == 3.0 * decay


@pytest.mark.parametrize("b2", [0.0, 0.9, 0.999, 0.9999999])
@pytest.mark.parametrize("traced", [False, True])
def test_bias_correction_does_not_cancel(b2, traced):
    """A constant gradient's corrected moments are the gradient and its square, in every step."""
    given = jnp.float32(b2) if traced else b2
    tx = scale_by_smes(1.0, b2=given, eps=0.0)
    g = jnp.float32(0.5)
    state = tx.init(g)
    for _ in range(5):
        step, state = tx.update(g, state)
        np.testing.assert_allclose(step, 2.0, rtol=3e-6)


LOW = {"w": jnp.ones(4, jnp.bfloat16)}
FACTORIES = {"thermolion": thermolion, "smes": smes, "muadam": muadam, "swats": swats}


@pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES)
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_a_decay_that_arrives_in_16_bits_is_refused(factory, dtype):
    params = {"w": jnp.ones(4, dtype)}
    with pytest.raises(TypeError, match=r"(b1|temperature_decay) .*hyperparam_dtype=jnp\.float32"):
        optax.inject_hyperparams(factory)(learning_rate=1e-3).init(params)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (scale_by_snr_gate, "b2"),
        (scale_by_smes, "b1"),
        (alignment_boost, "decay"),
        (thermal_noise, "decay"),
        (thermolion, "temperature_decay"),
    ],
)
def test_every_decay_is_checked(make, name):
    with pytest.raises(TypeError, match=rf"{name} is of dtype float16.*hyperparam_dtype"):
        make(**{name: np.float16(0.9)})


@pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES)
def test_with_hyperparam_dtype_injection_gives_the_plain_numbers(factory):
    plain = factory(learning_rate=1e-3)
    injected = optax.inject_hyperparams(factory, hyperparam_dtype=jnp.float32)(learning_rate=1e-3)
    state, injected_state = plain.init(LOW), injected.init(LOW)
    for g in (1.0, 0.3, -2.0):
        grads = {"w": jnp.full(4, g, jnp.bfloat16)}
        want, state = plain.update(grads, state, LOW)
        found, injected_state = injected.update(grads, injected_state, LOW)
        want, found = (np.asarray(u["w"], np.float64) for u in (want, found))
        np.testing.assert_allclose(found, want, rtol=2.0**-7)  # one rounding to bfloat16


@pytest.mark.parametrize("make", FACTORIES.values(), ids=FACTORIES)
def test_the_documented_way_to_meta_gradients_at_zero_gradients(make):
    assert "(meta-gradients) are NaN where v = 0" in make.__doc__
    tx, grads = make(learning_rate=1e-3), {"w": jnp.array([0.0, 1.0])}

    def outcome(grads, start):
        state = tx.init(grads)
        nu = jax.tree.map(lambda v: jnp.full_like(v, start), optax.tree.get(state, "nu"))
        state = optax.tree.set(state, nu=nu)
        updates, _ = tx.update(grads, state, jax.tree.map(jnp.ones_like, grads))
        return jnp.sum(updates["w"])

    derivative = jax.grad(outcome)
    assert bool(jnp.isnan(derivative(grads, 0.0)["w"][0]))
    assert bool(jnp.all(jnp.isfinite(derivative(grads, 1e-30)["w"])))


def words(key):
    return np.asarray(thermal_noise(key=key).init(jnp.zeros(1)).key).tolist()


@pytest.mark.parametrize("key", [2**40, np.int64(2**40), np.uint64(2**32), np.array(2**40)])
def test_an_int_key_beyond_32_bits_is_refused(key):
    with pytest.raises(ValueError, match="an int key has 32 bits"):
        thermal_noise(key=key)


def test_words_of_a_legacy_key_are_not_truncated():
    assert words(np.array([1, 2**32 - 1])) == [1, 2**32 - 1]
    with pytest.raises(ValueError, match="the rest would be lost"):
        thermal_noise(key=np.array([1, 2**40]))


@pytest.mark.parametrize("key", [0, 5, 2**31 - 1, -1, -(2**31)])
def test_an_int_key_is_the_same_key_in_every_dtype(key):
    want = words(key)
    assert want == [0, key % 2**32]
    assert words(np.int64(key)) == words(np.int32(key)) == words(jnp.int32(key)) == want
    with jax.enable_x64(True):
        assert words(key) == words(np.int64(key)) == words(jnp.int64(key)) == want
        assert words(jnp.int64(2**40)) == [2**8, 0]


def test_keys_that_are_folded_part_two_noises_of_one_chain():
    zeros = jnp.zeros(10_000)

    def noise(key):
        tx = thermal_noise(key=key)
        return tx.update(zeros, tx.init(zeros), nu=zeros + 1)[0]

    same, other = noise(0), noise(jax.random.fold_in(jax.random.key(0), 1))
    np.testing.assert_array_equal(noise(jax.random.key(0)), same)
    assert abs(np.corrcoef(same, other)[0, 1]) < 0.05
