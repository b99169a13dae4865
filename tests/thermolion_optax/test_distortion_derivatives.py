"""Derivatives of the rescaling by the gradient's distortion, beside leaves of zeros, too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from thermolion_optax import gradient_distortion, normalize_distortion

RNG = np.random.default_rng(0)
SIZES = {"first": (1e-6, (16, 5)), "middle": (1e-3, (8, 3, 2)), "last": (2.0, (8,))}
GRADS = {k: jnp.asarray(s * RNG.normal(size=n), jnp.float32) for k, (s, n) in SIZES.items()}
ZEROS = {"zeros": jnp.zeros(3), "tiny": 1e-30 * jnp.ones(4)}


@jax.jit
def normalized(grads, strength):
    tx = normalize_distortion(strength)
    return tx.update(grads, tx.init(grads))[0]


def test_derivatives_with_a_leaf_of_zeros_are_finite_and_those_without_it():
    """By the updates and by the strength; the truth is a central difference in float64."""
    weights = {k: jnp.asarray(RNG.normal(size=g.shape)) for k, g in GRADS.items()}

    def along(grads, strength, wrap=lambda tree: tree):
        found = normalized(wrap(grads), strength)
        return sum(jnp.vdot(weights[k], found[k]) for k in GRADS)

    with jax.enable_x64(True):
        grads = jax.tree.map(lambda g: jnp.asarray(g, "float64"), GRADS)
        weights = jax.tree.map(lambda w: jnp.asarray(w, "float64"), weights)
        zero = {"zeros": jnp.zeros(3)}
        by_grads, by_strength = jax.grad(
            lambda g, s: along(g, s, lambda tree: tree | zero), argnums=(0, 1)
        )(grads, 0.5)
        direction = jax.tree.map(lambda g: g * RNG.normal(size=g.shape), grads)
        step = 1e-6

        def moved(h):
            return jax.tree.map(lambda g, d: g + h * d, grads, direction)

        slope = (along(moved(step), 0.5) - along(moved(-step), 0.5)) / (2 * step)
        told = sum(jnp.vdot(by_grads[k], direction[k]) for k in grads)
        assert float(told) == pytest.approx(float(slope), rel=1e-6)
        slope = (along(grads, 0.5 + step) - along(grads, 0.5 - step)) / (2 * step)
        assert float(by_strength) == pytest.approx(float(slope), rel=1e-6)


def test_derivatives_of_leaves_of_zeros_and_of_tiny_ones_are_no_nan():
    def total(grads, strength):
        read = gradient_distortion(grads)["distortion"]
        found = jax.tree.leaves(normalized(grads, strength))
        return sum(leaf.sum() for leaf in found) + read["all"] + sum(read["leaves"].values())

    by_grads, by_strength = jax.jit(jax.grad(total, argnums=(0, 1)))(GRADS | ZEROS, 0.5)
    assert all(
        np.isfinite(leaf).all() for leaf in jax.tree.leaves((by_grads["zeros"], by_strength))
    )
    assert not any(np.isnan(leaf).any() for leaf in jax.tree.leaves(by_grads))
