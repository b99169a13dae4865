"""Two test surfaces over the plane, one smooth and one rugged, and optimizers' paths on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

Array = jax.Array


@dataclass(frozen=True)
class Surface:
    """A function of the plane with its lowest point, of value 0, at the origin.

    Attributes:
        name: how figures call it.
        height: point (2,) -> scalar.
        start: where paths begin.
        extent: figures show ±extent in both directions.
    """

    name: str
    height: Callable[[Array], Array]
    start: tuple[float, float]
    extent: float


class Path(NamedTuple):
    """Positions (steps + 1, 2), the start included, and the heights there (steps + 1,)."""

    points: np.ndarray
    heights: np.ndarray


def _valley(point: Array) -> Array:
    x, y = point
    return 0.5 * (0.1 * x**2 + 1.0 * y**2)


def _ripples(point: Array) -> Array:
    # Slopes up to 0.31: less than the valley's where paths start, more than near its floor.
    waves = 1 - jnp.cos(2 * jnp.pi * point)
    return _valley(point) + 0.05 * jnp.sum(waves)


SMOOTH = Surface("smooth", _valley, (-4.0, 3.0), 4.5)
"""A valley ten times as curved across as along: (0.1 x² + y²) / 2."""

RUGGED = Surface("rugged", _ripples, (-4.0, 3.0), 4.5)
"""The same valley under ripples of wavelength 1, which make traps of its floor."""


def heights_on_grid(surface: Surface, points: int = 241) -> tuple[np.ndarray, np.ndarray]:
    """The axis of a square grid (points,) and the surface's heights on it (points, points).

    Example:
        >>> axis, heights = heights_on_grid(SMOOTH, 3)
        >>> axis.tolist(), round(float(heights[1, 2]), 4)
        ([-4.5, 0.0, 4.5], 1.0125)
    """
    axis = jnp.linspace(-surface.extent, surface.extent, points)
    grid = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    heights = jax.vmap(surface.height)(grid).reshape(points, points)
    return np.asarray(axis), np.asarray(heights)


def follow(
    tx: optax.GradientTransformation,
    surface: Surface,
    steps: int = 300,
    *,
    noise: float = 0.0,
    seed: int = 0,
) -> Path:
    """One optimizer's path on a surface.

    Args:
        tx: the optimizer, learning rate included.
        surface: where it walks, from the surface's own start.
        steps: updates to make.
        noise: standard deviation of the normal noise added to both parts of each gradient.
            The same seed gives every optimizer the same noise.
        seed: of that noise.

    Raises:
        ValueError: steps is below 1, or noise is negative or not finite.

    Example:
        >>> import optax
        >>> path = follow(optax.sgd(0.5), SMOOTH, 200)
        >>> path.points.shape, bool(path.heights[-1] < 1e-6)
        ((201, 2), True)
    """
    if steps < 1:
        raise ValueError(f"steps = {steps}, but must be at least 1")
    if not 0 <= noise < float("inf"):
        raise ValueError(f"noise = {noise}, but must be a finite standard deviation of at least 0")
    shocks = noise * jax.random.normal(jax.random.key(seed), (steps, 2))
    start = jnp.asarray(surface.start, jnp.float32)
    points = jnp.concatenate([start[None], _walk(tx, surface, start, shocks)])
    return Path(np.asarray(points), np.asarray(jax.vmap(surface.height)(points)))


def final_heights(
    tx: optax.GradientTransformation,
    surface: Surface,
    steps: int = 300,
    *,
    noise: float = 0.0,
    seeds: int = 20,
    last: int = 50,
) -> np.ndarray:
    """Mean height over the last steps of one path for each seed of the noise, (seeds,).

    Example:
        >>> import optax
        >>> final_heights(optax.sgd(0.1), SMOOTH, noise=1.0, seeds=3).shape
        (3,)
    """
    paths = [follow(tx, surface, steps, noise=noise, seed=seed) for seed in range(seeds)]
    return np.array([path.heights[-last:].mean() for path in paths])


@partial(jax.jit, static_argnums=(0, 1))
def _walk(tx: optax.GradientTransformation, surface: Surface, start: Array, shocks: Array) -> Array:
    def step(state: Any, shock: Array) -> tuple[Any, Array]:
        point, opt_state = state
        gradient = jax.grad(surface.height)(point) + shock
        update, opt_state = tx.update(gradient, opt_state, point)
        point = optax.apply_updates(point, update)
        return (point, opt_state), jnp.asarray(point)

    return jax.lax.scan(step, (start, tx.init(start)), shocks)[1]
