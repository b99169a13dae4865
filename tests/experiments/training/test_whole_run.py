"""The program of a whole run: its convolution on each platform, and its memory."""

import dataclasses

import jax
import numpy as np
import optax
import pytest

from experiments import networks
from experiments.networks import convolution
from experiments.training.whole_run import Config, Data, train

CONFIG = Config(epochs=2, batch_size=16)
CONVNET = networks.resolve("convnet")


def adam(hyperparameters, key, steps_per_epoch, total_steps):
    return optax.adam(**hyperparameters)


def blank(n: int) -> tuple[np.ndarray, np.ndarray]:
    """So many images and labels; only their shapes matter here."""
    return np.zeros((n, 32, 32, 3), np.uint8), np.zeros(n, np.int32)


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_whole_run_exports_with_the_platforms_own_convolution(platform: str) -> None:
    data = Data(*blank(40), *blank(7))

    def run(train_images, train_labels, learning_rate, seed):
        arrays = dataclasses.replace(data, train_images=train_images, train_labels=train_labels)
        rate = {"learning_rate": learning_rate}
        return train(adam, arrays, CONFIG, rate, seed, network=CONVNET)

    exported = jax.export.export(jax.jit(run), platforms=[platform])(
        data.train_images, data.train_labels, np.float32(1e-3), np.uint32(0)
    )
    text = exported.mlir_module()
    assert "callback" not in text
    rows = f"tensor<{convolution.CHUNK * 16 * 16}x96xf32>"  # the second block's left matrix
    if platform == "cpu":
        assert rows in text
        assert "stablehlo.convolution" not in text
    else:
        # Forward, and back to weights and input, in the whole and in the short step.
        assert text.count("stablehlo.convolution") >= 10
        assert rows not in text


def test_memory_stays_bounded_at_the_benchmarks_size() -> None:
    data = Data(*blank(50_000))

    def run(images, labels, learning_rate, seed):
        arrays = dataclasses.replace(data, train_images=images, train_labels=labels)
        hyperparameters = {"learning_rate": learning_rate}
        trained = train(adam, arrays, Config(), hyperparameters, seed, network=CONVNET)
        return trained._replace(params={})

    lowered = jax.jit(run).lower(data.train_images, data.train_labels, np.float32(0), np.uint32(0))
    memory = lowered.compile().memory_analysis()
    assert memory.temp_size_in_bytes + memory.argument_size_in_bytes < 0.6e9
