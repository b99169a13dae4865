"""ThermoLion's ablations, each against its equations in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import enable_x64
from optimizer_paths import GRADS, START, run, thermolion_path

from experiments.optimizers import resolve
from experiments.optimizers.variants import permutation

ELSEWHERE = permutation(6)
VARIANTS = {
    "": {},
    "gate=0": {"gate": lambda rho: 0.0},
    "gate=0.5": {"gate": lambda rho: 0.5},
    "gate=1": {"gate": lambda rho: 1.0},
    "gate=tensor_mean": {"gate": lambda rho: np.tanh(rho).mean()},
    "gate=permuted": {"gate": lambda rho: np.tanh(rho)[ELSEWHERE]},
    "boost=0": {"boost": 0.0},
    "solid_scale=1": {"solid": 1.0},
    "solid_scale=1,boost=0": {"solid": 1.0, "boost": 0.0},
    "weight_decay=0": {"decay": 0.0},
    "bias_correction=true": {"unbiased": True},
    "bias_correction=true,gate=permuted": {
        "unbiased": True,
        "gate": lambda rho: np.tanh(rho)[ELSEWHERE],
    },
}


def spec_of(changes):
    return "thermolion:temperature=0" + (f",{changes}" if changes else "")


@pytest.mark.parametrize("changes", VARIANTS)
def test_is_its_equations(changes):
    path, _ = run(spec_of(changes))
    expected = thermolion_path(START, **VARIANTS[changes])
    np.testing.assert_allclose(path - START, expected - START, rtol=1e-6, atol=1e-12)


def test_each_changes_the_run():
    ends = {changes: run(spec_of(changes), GRADS[:50])[0] for changes in VARIANTS}
    ends["temperature=1"] = run("thermolion", GRADS[:50])[0]
    for one in ends:
        for other in ends:
            assert one == other or not np.allclose(ends[one], ends[other], atol=1e-6)


@pytest.mark.parametrize("changes", [*VARIANTS, "temperature=100"])
def test_each_can_be_scheduled_and_its_rate_tuned(changes):
    found = resolve(f"thermolion:{changes}" if changes else "thermolion")
    found.check(scheduled=True)
    assert found.space.learning_rate == 1e-3


@given(st.integers(2, 2000))
def test_the_permutation_is_one_cycle_and_always_the_same(size):
    places = permutation(size)
    place, seen = 0, set()
    while place not in seen:
        seen.add(place)
        place = int(places[place])
    assert seen == set(range(size))
    np.testing.assert_array_equal(places, permutation(size))


def test_the_permutation_stays_what_records_were_made_with():
    assert permutation(8).tolist() == [7, 2, 0, 4, 1, 6, 3, 5]
    assert (permutation(1).tolist(), permutation(0).tolist()) == ([0], [])


def test_permuted_lambda_is_that_of_another_parameter_of_its_tensor():
    """Between the steps of all gas and of all solid, λ says where a step lies."""

    def steps(gate):
        tx = resolve(f"thermolion:temperature=0,boost=0,weight_decay=0,gate={gate}").build(
            {"learning_rate": 1.0}, 0, 1, 1
        )
        updates, state = None, tx.init(params)
        for g in grads:
            updates, state = tx.update(g, state, params)
        return jax.tree.map(np.asarray, updates)

    rng = np.random.default_rng(3)
    shapes = {"kernel": (3, 3, 2, 4), "same": (3, 3, 2, 4), "bias": (5,), "one": ()}
    draws = [{name: rng.normal(size=shape) for name, shape in shapes.items()} for _ in range(5)]
    with enable_x64(True):
        params = {name: jnp.ones(shape) for name, shape in shapes.items()}
        grads = jax.tree.map(jnp.asarray, draws)
        gas, solid, tanh, permuted = (steps(gate) for gate in (0, 1, "tanh", "permuted"))
    for name, shape in shapes.items():
        apart = solid[name] - gas[name]
        lam, other = ((x[name] - gas[name]) / apart for x in (tanh, permuted))
        expected = lam.ravel()[permutation(lam.size)].reshape(shape)
        np.testing.assert_allclose(other, expected, rtol=1e-9)
        assert lam.size == 1 or not np.allclose(lam, other, atol=1e-2)


def test_temperature_100_is_ten_times_the_noise():
    spec = "thermolion:weight_decay=0,temperature="
    off, one, hot = (run(f"{spec}{t}", GRADS[:40])[0] for t in (0, 1, 100))
    # To float32, in which temperatures are kept, and the variance's floor of 1e-10.
    size = np.abs(hot - off).max()
    np.testing.assert_allclose((hot - off) / size, 10 * (one - off) / size, atol=1e-6)


def test_the_noise_has_the_size_that_the_temperature_says():
    def update(temperature):
        tx = resolve(f"thermolion:gate=0,boost=0,weight_decay=0,temperature={temperature}").build(
            {"learning_rate": 1.0}, 5, 1, 1
        )
        return np.asarray(tx.update(grads, tx.init(grads), grads)[0])

    grads = jnp.asarray(np.random.default_rng(0).normal(size=200_000), "float32")
    # v = (1 - 0.99) g² after one step, and T_1 = T · 0.99.
    sigma = np.sqrt(100 * 0.99 * 0.01 * np.mean(np.square(grads)))
    assert np.std(update(100) - update(0)) == pytest.approx(sigma, rel=0.01)


@pytest.mark.parametrize("gate", ["const", "true", "none", -0.1, 1.1, "nan"])
def test_gates_that_there_are_not_are_refused(gate):
    with pytest.raises(ValueError, match=r"gate = .*tanh, tensor_mean, permuted or a constant in"):
        resolve(f"thermolion:gate={gate}")
