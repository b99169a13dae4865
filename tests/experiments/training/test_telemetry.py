"""The gradient's signal-to-noise ratio, against gradients taken one batch at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from one_layer import LINEAR

from experiments import optimizers, training
from experiments.training.telemetry import measure
from thermolion_optax import phase_statistics

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.integers(0, 256, (64, 32, 32, 1), dtype=np.uint8)
LABELS = GENERATOR.integers(0, 4, 64).astype(np.int32)
NAMES = ("snr_mean", "gate_mean", "noise_std")


@pytest.fixture(scope="module")
def params():
    return LINEAR.init(jax.random.key(1), 1, 4)


def of(name):
    found = optimizers.resolve(name)
    return found.build(found.hyperparameters, jax.random.key(0), 1, 1)


def test_signal_and_noise_are_those_of_disjoint_batches(params):
    key = jax.random.key(7)
    order = np.asarray(jax.random.permutation(key, 64))
    gradients = []
    for rows in order.reshape(4, 16):  # four batches of 16: all of the images
        images = jnp.asarray(IMAGES[rows], jnp.float32) / 127.5 - 1
        _, gradient = LINEAR.loss_and_gradient(params, images, LABELS[rows], None)
        gradients.append(np.concatenate([np.ravel(x) for x in jax.tree.leaves(gradient)]))
    matrix = np.asarray(gradients, np.float64)
    noise = matrix.var(axis=0, ddof=1).sum()
    signal = (matrix.mean(axis=0) ** 2).sum() - noise / 4
    state = params, of("adamw").init(params)
    found = measure(LINEAR, state, jnp.asarray(IMAGES), jnp.asarray(LABELS), 16, key, "all")
    assert set(found) == {"gradient_snr"}
    expected = np.sqrt(max(signal, 0.0) / noise)
    np.testing.assert_allclose(found["gradient_snr"], expected, rtol=1e-3, atol=1e-3)


def test_where_there_is_a_gate_it_is_read_too(params):
    tx = of("thermolion")
    grads = jax.tree.map(jnp.ones_like, params)
    _, opt_state = tx.update(grads, tx.init(params), params)
    args = jnp.asarray(IMAGES), jnp.asarray(LABELS), 16, jax.random.key(7)
    found = measure(LINEAR, (params, opt_state), *args, "all")
    phases = phase_statistics(opt_state)
    gate = measure(LINEAR, (params, opt_state), *args, "gate")
    assert set(found) == {*gate, "gradient_snr"} == {*NAMES, "gradient_snr"}
    for name in NAMES:
        np.testing.assert_array_equal(found[name], phases[name]["all"])


def test_a_batch_of_more_than_half_the_images_is_refused(params):
    state = params, of("adamw").init(params)
    with pytest.raises(ValueError, match="needs two batches"):
        measure(
            LINEAR, state, jnp.asarray(IMAGES), jnp.asarray(LABELS), 33, jax.random.key(7), "all"
        )


def test_measuring_changes_nothing_else():
    data = training.Data(IMAGES, LABELS, None, None, IMAGES[:20], LABELS[:20], num_classes=4)
    runs = [training.Run({"learning_rate": 1e-3}, 3)]

    def outcome(**changes):
        config = training.Config(batch_size=16, epochs=2, readings=2, **changes)
        build = optimizers.resolve("thermolion").build
        (found,) = training.run_many(build, runs, data, config, network=LINEAR, devices=1)
        return found

    plain, measured = outcome(), outcome(telemetry="all")
    assert plain.telemetry is None
    assert {name: len(some) for name, some in measured.telemetry.items()} == {
        "gradient_snr": 2,
        "snr_mean": 2,
        "gate_mean": 2,
        "noise_std": 2,
    }
    assert 0 < measured.telemetry["gate_mean"][-1] < 1
    np.testing.assert_allclose(measured.train_loss, plain.train_loss, rtol=1e-6)
    np.testing.assert_allclose(measured.validation_loss, plain.validation_loss, rtol=1e-6)
