"""SMES in units of the gradient's size: the library's SMES at converted settings is the truth."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optimizer_paths import GRADS, START, run

from experiments.optimizers import resolve
from experiments.optimizers.spaces import in_units_of
from thermolion_optax import smes

SIZE, RATE, EPS = 3e-3, 2e-3, 1e-2


def path_of(tx, grads):
    params, state, found = jnp.asarray(START), tx.init(jnp.asarray(START)), []
    for g in grads:
        updates, state = tx.update(jnp.asarray(g), state, params)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return np.asarray(found)


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 0.75])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_rate_and_eps_are_the_librarys_in_the_units_of_the_steps(alpha, amsgrad):
    eps = EPS if alpha else 0.0
    name = f"scaled_smes:alpha={alpha:g},amsgrad={str(amsgrad).lower()}"
    found, _ = run(name, GRADS[:60], learning_rate=RATE, eps=eps, gradient_size=SIZE)
    units = SIZE ** (2 * alpha)
    with jax.enable_x64(True):
        own = smes(RATE * units / SIZE, alpha, eps=eps * units, amsgrad=amsgrad)
        expected = path_of(own, GRADS[:60])
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_default_rate_is_that_of_the_fair_protocols_units():
    for alpha in (0.25, 0.5, 0.75):
        stated = resolve("scaled_smes").hyperparameters["learning_rate"] * SIZE ** (2 * alpha - 1)
        space = in_units_of(resolve(f"smes:alpha={alpha}").space, SIZE)
        assert space.learning_rate == pytest.approx(stated, rel=1e-3)


def test_a_cyclic_alpha_moves_rate_and_eps_along():
    found, _ = run(
        "scaled_smes:cycles=3", GRADS[:60], learning_rate=RATE, eps=EPS, gradient_size=SIZE
    )
    m = v = np.zeros(6)
    x, expected = START.copy(), []
    for t, g in enumerate(GRADS[:60], 1):
        alpha = 0.25 * (1 + np.cos(2 * np.pi * 3 * (t - 1) / 60))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        power = (v / (1 - 0.999**t)) ** alpha
        rate, eps = RATE * SIZE ** (2 * alpha - 1), EPS * SIZE ** (2 * alpha)
        x = x - rate * m / (1 - 0.9**t) / (power + eps)
        expected.append(x)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("scaled_smes:gradient_size=0", "gradient_size = 0.0, but must be finite and above 0"),
        ("scaled_smes:cycles=0", "cycles = 0, but must be a whole number"),
        ("scaled_smes:alpha=none", "alpha is None, expected a number"),
        ("scaled_smes:amsgrad=1", "amsgrad"),
    ],
)
def test_what_cannot_be_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        resolve(name)
