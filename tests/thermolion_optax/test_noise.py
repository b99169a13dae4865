"""Thermal noise: its size, its end, and what it depends on."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from thermolion_optax import thermal_noise

N = 20_000


def draws(tx, tree, steps, **extra):
    zeros = jax.tree.map(jnp.zeros_like, tree)
    state, out = tx.init(tree), []
    for _ in range(steps):
        noise, state = tx.update(zeros, state, **extra)
        out.append(noise)
    return out


def test_variance_follows_temperature_moment_and_floor():
    tree = {"a": jnp.zeros(N), "b": jnp.zeros((N, 1))}
    nu = {"a": jnp.linspace(0, 8, N), "b": jnp.full((N, 1), 1e-12)}
    tx = thermal_noise(2.0, 0.5, floor=1e-6, cutoff=0.2)
    for t, noise in enumerate(draws(tx, tree, 3, nu=nu), start=1):
        temperature = 2.0 * 0.5**t if 0.5**t > 0.2 else 0.0
        for name, mean in (("a", 4.0), ("b", 1e-12)):
            want = np.sqrt(temperature * mean + 1e-6) if temperature else 0.0
            assert abs(float(noise[name].std()) - want) <= 0.02 * want


def test_without_nu_the_updates_own_square_serves():
    tx = thermal_noise(1.0, 1.0, floor=0.0)
    u = jnp.full(N, 3.0)
    noisy, _ = tx.update(u, tx.init(u))
    assert abs(float((noisy - u).std()) - 3.0) < 0.05


def test_depends_on_key_step_and_path_only():
    tree = {"a": jnp.zeros(100), "b": jnp.zeros(100)}
    ones = jax.tree.map(jnp.ones_like, tree)
    tx = thermal_noise(1.0, 1.0, key=1)
    base = draws(tx, tree, 2, nu=ones)
    again = draws(tx, tree | {"c": jnp.zeros(3)}, 2, nu=ones | {"c": jnp.ones(3)})
    np.testing.assert_array_equal(base[1]["a"], again[1]["a"])
    other_key = draws(thermal_noise(1.0, 1.0, key=2), tree, 2, nu=ones)
    columns = [base[0]["a"], base[0]["b"], base[1]["a"], base[1]["b"], other_key[0]["a"]]
    correlation = np.corrcoef(np.stack(columns))
    assert np.abs(correlation - np.eye(5)).max() < 0.4  # 4 standard deviations of 100 numbers
    assert len({np.asarray(c).tobytes() for c in columns}) == 5


def test_groups_of_a_partition_with_one_key_differ():
    groups = {"x": thermal_noise(1.0, key=3), "y": thermal_noise(1.0, key=3)}
    tx = optax.partition(groups, {"a": "x", "b": "y"})
    tree = {"a": jnp.ones(50), "b": jnp.ones(50)}
    u, _ = tx.update(tree, tx.init(tree))
    assert not np.allclose(u["a"], u["b"])


@pytest.mark.parametrize(
    "key",
    [7, np.int32(7), jnp.int32(7), jax.random.key(7), jax.random.PRNGKey(7)],
    ids=["int", "numpy", "array", "typed", "legacy"],
)
def test_every_kind_of_key_is_the_same_key(key):
    tree = jnp.zeros(10)
    want = draws(thermal_noise(1.0, key=7), tree, 1, nu=tree + 1)[0]
    np.testing.assert_array_equal(draws(thermal_noise(1.0, key=key), tree, 1, nu=tree + 1)[0], want)

    @jax.jit
    def traced(key):
        tx = thermal_noise(1.0, key=key)
        return tx.update(tree, tx.init(tree), nu=tree + 1)[0]

    np.testing.assert_allclose(traced(key), want, rtol=1e-6)


def test_the_state_passes_through_numpy():
    tree = jnp.zeros(10)
    tx = thermal_noise(1.0, key=jax.random.key(5, impl="rbg"))
    _, state = tx.update(tree, tx.init(tree), nu=tree + 1)
    copied = jax.tree.map(lambda x: jnp.asarray(np.asarray(x)), state)
    a, b = (tx.update(tree, s, nu=tree + 1)[0] for s in (state, copied))
    np.testing.assert_array_equal(a, b)


def test_jit_scan_and_loop_agree():
    tree = {"w": jnp.zeros((5, 4))}
    nu = {"w": jnp.ones((5, 4))}
    tx = thermal_noise(1.0, 0.9)
    loop = draws(tx, tree, 4, nu=nu)

    def step(state, _):
        noise, state = tx.update(tree, state, nu=nu)
        return state, noise

    scanned = jax.lax.scan(step, tx.init(tree), None, length=4)[1]
    for t in range(4):
        np.testing.assert_allclose(scanned["w"][t], loop[t]["w"], rtol=1e-6)


def test_a_generator_of_jax_can_be_chosen():
    tree = jnp.zeros(N)
    tx = thermal_noise(1.0, 1.0, normal=jax.random.normal)
    a, b = draws(tx, tree, 2, nu=tree + 1)
    assert abs(float(a.std()) - 1) < 0.03
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.03
    assert float(a.max()) > 3


def test_an_infinite_moment_does_not_outlast_the_cutoff():
    tree = jnp.zeros(3)
    tx = thermal_noise(1.0, 0.1, cutoff=0.5)
    noise, _ = tx.update(tree, tx.init(tree), nu=jnp.full(3, jnp.inf))
    np.testing.assert_array_equal(noise, 0)


def test_temperature_zero_traced_equals_concrete():
    tree = jnp.arange(4.0)

    @jax.jit
    def traced(temperature):
        tx = thermal_noise(temperature)
        return tx.update(tree, tx.init(tree), nu=tree)[0]

    np.testing.assert_array_equal(traced(0.0), tree)
    tx = thermal_noise(0.0)
    np.testing.assert_array_equal(tx.update(tree, tx.init(tree))[0], tree)
