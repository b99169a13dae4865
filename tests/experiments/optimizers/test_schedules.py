"""The optimizers from optax against optax's own, at constant and at scheduled learning rates."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import enable_x64
from optimizer_paths import GRADS, START, run

from experiments.optimizers import NAMES, resolve


def ramp(count):
    """Warm-up to 2e-3 over ten steps, from 0."""
    return 2e-3 * jnp.minimum(count / 10, 1)


def path_of(tx, grads=GRADS):
    with enable_x64(True):
        params = jnp.asarray(START)

        def step(carry, g):
            params, state = carry
            updates, state = tx.update(g, state, params)
            params = optax.apply_updates(params, updates)
            return (params, state), params

        (params, state), path = jax.jit(
            lambda: jax.lax.scan(step, (params, tx.init(params)), jnp.asarray(grads))
        )()
        return np.asarray(path), params, state


@pytest.mark.parametrize("rate", [3e-3, ramp])
@pytest.mark.parametrize(
    ("spec", "theirs"),
    [
        ("nadamw", lambda rate: optax.nadamw(rate, 0.9, 0.999, 1e-8, weight_decay=1e-2)),
        ("sgd:weight_decay=0", lambda rate: optax.sgd(rate, 0.9, nesterov=True)),
        ("signum", lambda rate: optax.signum(rate, 0.9)),
        ("signum:b1=0.5", lambda rate: optax.signum(rate, 0.5)),
        ("schedule_free_adamw", lambda rate: optax.contrib.schedule_free_adamw(rate)),
    ],
)
def test_is_optaxs_own(spec, theirs, rate):
    path, _ = run(spec, learning_rate=rate)
    np.testing.assert_allclose(path, path_of(theirs(rate))[0], rtol=1e-12)


@pytest.mark.parametrize("rate", [3e-3, ramp])
def test_signum_is_thermolion_without_gate_boost_and_noise(rate):
    theirs, _ = run("thermolion:gate=0,boost=0,temperature=0", learning_rate=rate)
    ours, _ = run("signum:weight_decay=0.01", learning_rate=rate)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_schedule_free_trains_between_its_average_and_its_steps_and_evaluates_the_average():
    b1, b2, rate = 0.9, 0.999, 2.5e-3
    z = x = y = START
    v, path = 0.0, []
    for t, g in enumerate(GRADS, start=1):
        v = b2 * v + (1 - b2) * g**2
        z = z - rate * g / (np.sqrt(v / (1 - b2**t)) + 1e-8)
        x = x + (z - x) / t
        y = b1 * x + (1 - b1) * z
        path.append(y)
    ours, evaluated = run("schedule_free_adamw")
    np.testing.assert_allclose(ours - START, path - START, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(evaluated - START, x - START, rtol=1e-5, atol=1e-9)
    assert not np.allclose(evaluated, ours[-1], atol=1e-4)


def test_muons_two_rates_are_scheduled_together():
    def last(rate):
        params = {"kernel": jnp.ones((3, 4)), "bias": jnp.zeros(4)}
        tx = resolve("muon").build({"learning_rate": rate}, jax.random.key(0), 5, 60)
        state = tx.init(params)
        for _ in range(3):
            updates, state = tx.update(jax.tree.map(jnp.cos, params), state, params)
        return updates

    scheduled, constant = last(lambda count: 0.01 * count), last(0.02)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), scheduled, constant)


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_takes_a_schedule(name):
    grads, rate = GRADS[:12], resolve(name).hyperparameters["learning_rate"]
    constant, end = run(name, grads)
    callable_, callable_end = run(name, grads, learning_rate=lambda count: rate)
    np.testing.assert_allclose(callable_, constant, rtol=1e-6)
    np.testing.assert_allclose(callable_end, end, rtol=1e-6)
    late, _ = run(name, grads, learning_rate=lambda count: rate * (count > 0))
    np.testing.assert_array_equal(late[0], START)  # counted from 0, as by optax
    assert not np.array_equal(late[1], START)


@pytest.mark.parametrize("scheduled", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_passes_the_check_that_users_pass(name, scheduled):
    resolve(name).check(scheduled=scheduled)  # raises, or says nothing
