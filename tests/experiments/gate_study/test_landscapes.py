import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.gate_study import landscapes
from thermolion_optax import smes, thermolion

SURFACES = [landscapes.SMOOTH, landscapes.RUGGED]


def by_hand(surface, x, y):
    """The surfaces once more, in NumPy float64."""
    height = 0.05 * x**2 + 0.5 * y**2
    if surface is landscapes.RUGGED:
        height += 0.1 - 0.05 * np.cos(2 * np.pi * x) - 0.05 * np.cos(2 * np.pi * y)
    return height


@pytest.mark.parametrize("surface", SURFACES, ids=lambda s: s.name)
def test_heights_and_their_places_on_the_grid(surface):
    axis, heights = landscapes.heights_on_grid(surface, 31)
    x, y = np.meshgrid(axis.astype(np.float64), axis.astype(np.float64))
    np.testing.assert_allclose(heights, by_hand(surface, x, y), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("surface", SURFACES, ids=lambda s: s.name)
def test_the_lowest_point_is_the_origin(surface):
    assert float(surface.height(jnp.zeros(2))) == 0
    np.testing.assert_array_equal(jax.grad(surface.height)(jnp.zeros(2)), 0)
    assert np.min(landscapes.heights_on_grid(surface, 90)[1]) > 0  # an even grid misses the origin


def minima(surface):
    _, heights = landscapes.heights_on_grid(surface, 361)
    inner = heights[1:-1, 1:-1]
    around = [heights[1:-1, :-2], heights[1:-1, 2:], heights[:-2, 1:-1], heights[2:, 1:-1]]
    return int(np.sum(np.all([inner < other for other in around], axis=0)))


def test_only_the_rugged_surface_has_traps():
    assert minima(landscapes.SMOOTH) == 1
    assert minima(landscapes.RUGGED) > 4


def test_a_path_is_the_plain_loop():
    tx = thermolion(0.03)
    path = landscapes.follow(tx, landscapes.RUGGED, 20)

    @jax.jit
    def step(point, state):
        update, state = tx.update(jax.grad(landscapes.RUGGED.height)(point), state, point)
        return optax.apply_updates(point, update), state

    point = jnp.asarray(landscapes.RUGGED.start)
    state = tx.init(point)
    for expected in path.points[1:]:
        point, state = step(point, state)
        np.testing.assert_allclose(point, expected, rtol=1e-4, atol=1e-5)


def test_noise_is_that_of_its_seed_and_size():
    """SGD of rate 1 on a path's differences gives the noise back."""

    def shocks(noise, seed):
        path = landscapes.follow(optax.sgd(1e-3), landscapes.SMOOTH, 4000, noise=noise, seed=seed)
        slopes = path.points[:-1] * np.array([0.1, 1.0])
        return -np.diff(path.points, axis=0) / 1e-3 - slopes

    first = shocks(2.0, 0)
    np.testing.assert_allclose(first.std(0), 2.0, rtol=0.05)
    np.testing.assert_allclose(first.mean(0), 0.0, atol=0.1)
    assert np.abs(first - shocks(2.0, 1)).max() > 1
    assert np.abs(shocks(0.0, 0)).max() < 0.01  # float32 positions divided by the rate


@pytest.mark.parametrize("tx", [optax.adam(0.05), optax.lion(0.02), smes(0.05, 0.25)])
def test_other_optimizers_come_down_the_smooth_valley(tx):
    path = landscapes.follow(tx, landscapes.SMOOTH, 400)
    assert path.heights[-1] < 0.02 < path.heights[0]


def test_final_heights_are_those_of_the_paths():
    tx = optax.sgd(0.1)
    found = landscapes.final_heights(tx, landscapes.RUGGED, 60, noise=1.0, seeds=3, last=10)
    paths = [landscapes.follow(tx, landscapes.RUGGED, 60, noise=1.0, seed=s) for s in range(3)]
    np.testing.assert_allclose(found, [p.heights[51:].mean() for p in paths], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"steps": 0}, "steps = 0"), ({"noise": -1.0}, "noise"), ({"noise": np.nan}, "noise")],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        landscapes.follow(optax.sgd(0.1), landscapes.SMOOTH, **arguments)
