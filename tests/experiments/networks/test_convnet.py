"""The ConvNet: its size, its initial weights, its two faces (module and pure functions)."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from experiments.networks import convnet


@pytest.mark.parametrize(
    ("channels", "num_classes", "count"), [(3, 10, 1_070_794), (1, 10, 1_070_218)]
)
def test_parameter_count(channels: int, num_classes: int, count: int) -> None:
    params = convnet.init(jax.random.key(0), channels, num_classes)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == count
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype("float32")}


def test_initial_weights_and_biases_are_uniform_in_one_over_root_fan_in() -> None:
    params = convnet.init(jax.random.key(1), 3, 43)
    fan_in = {"conv1": 27, "conv2": 288, "dense1": 4096, "dense2": 256}
    for layer, leaves in params.items():
        for name, leaf in leaves.items():
            scaled = np.sort(np.ravel(leaf)) * math.sqrt(fan_in[layer])
            assert np.abs(scaled).max() <= 1, (layer, name)
            # Kolmogorov-Smirnov distance to the uniform law on ±1, at a level of 1e-6.
            distance = np.abs((scaled + 1) / 2 - (np.arange(leaf.size) + 0.5) / leaf.size).max()
            assert distance < 2.7 / math.sqrt(leaf.size), (layer, name)


def test_module_and_pure_functions_agree() -> None:
    key = jax.random.key(3)
    module = convnet.ConvNet(1, 43, rngs=nnx.Rngs(params=key))
    images = jax.random.normal(key, (3, 32, 32, 1))
    logits = convnet.logits(convnet.init(key, 1, 43), images)
    assert logits.shape == (3, 43)
    np.testing.assert_array_equal(module(images), logits)


def test_another_key_gives_other_weights() -> None:
    first, second = (convnet.init(jax.random.key(k), 1, 10) for k in (0, 1))
    assert all(
        np.all(a != b).item() or np.mean(a == b) < 0.01
        for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    )
