"""Every network by name: its loss and gradient, what it learns, and that it fits a loop."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from params import slow

from experiments import datasets, networks, training
from experiments.networks import convolution, network

forms = pytest.mark.parametrize("name", networks.NAMES)
# The transformer takes longer to compile than the suite allows.
quick_first = pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "vit")) for name in networks.NAMES],
)


def batch(n: int, channels: int) -> tuple[jax.Array, jax.Array]:
    images = jax.random.uniform(jax.random.key(1), (n, 32, 32, channels), minval=-1)
    return images, jnp.arange(n) * 4 % 43


@quick_first
@pytest.mark.parametrize(("channels", "num_classes"), [slow(1, 100), (3, 43)])
def test_loss_and_gradient(name: str, channels: int, num_classes: int) -> None:
    net = networks.resolve(name)
    params = net.init(jax.random.key(0), channels, num_classes)
    images, labels = batch(9, channels)
    loss_and_gradient = jax.jit(net.loss_and_gradient)
    loss, grads = loss_and_gradient(params, images, labels, None)
    # The loss by NumPy in float64 from the logits; the gradient by a central difference along it.
    logits = np.asarray(jax.jit(net.logits)(params, images), np.float64)
    assert logits.shape == (9, num_classes)
    want = np.log(np.exp(logits).sum(1)) - logits[np.arange(9), labels]
    np.testing.assert_allclose(loss, want.mean(), rtol=1e-6)
    square = sum(float(jnp.sum(g * g)) for g in jax.tree.leaves(grads))
    ends = [
        float(loss_and_gradient(moved, images, labels, None)[0])
        for s in (3e-4, -3e-4)  # the loss has kinks: a long step would average over them
        for moved in [jax.tree.map(lambda p, g, s=s: p + s * g, params, grads)]
    ]
    np.testing.assert_allclose((ends[0] - ends[1]) / 6e-4, square, rtol=5e-3)


@quick_first
@pytest.mark.parametrize(
    ("n", "weighted"),
    [
        (135, True),
        slow(135, False),
        slow(1, False),
        slow(1, True),
        slow(64, True),
        slow(64, False),
    ],
)
def test_weights_and_chunks_make_the_same_mean(name: str, n: int, weighted: bool) -> None:
    """As one would write it down: the weighted sum over single images."""
    net = networks.resolve(name)
    params = net.init(jax.random.key(2), 1, 43)
    images, labels = batch(n, 1)
    weights = jnp.linspace(0, 1, n) / n if weighted else None
    plain = network.loss_and_gradient_of(net.logits)
    got, want = (
        jax.jit(f)(params, images, labels, weights) for f in (net.loss_and_gradient, plain)
    )
    scale = [float(jnp.abs(leaf).max()) + 1e-6 for leaf in jax.tree.leaves(want)]
    for a, b, s in zip(jax.tree.leaves(got), jax.tree.leaves(want), scale, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5 * s)


@pytest.mark.parametrize("name", ["vit"])
def test_a_loop_on_a_cpu_holds_no_convolution(name: str) -> None:
    net = networks.resolve(name)
    params = net.init(jax.random.key(0), 3, 10)
    lowered = jax.jit(net.loss_and_gradient).lower(params, *batch(128, 3), None)
    assert "convolution" not in lowered.as_text()


def test_the_vit_keeps_no_batch_of_hidden_layers() -> None:
    # 1,024 images: one hidden layer of one block alone would be 1024·16·512·4 bytes = 34 MB.
    net = networks.resolve("vit")
    params = net.init(jax.random.key(0), 3, 10)
    compiled = jax.jit(net.loss_and_gradient).lower(params, *batch(1024, 3), None).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 40e6


@pytest.mark.slow
def test_the_vit_sees_where_a_patch_lies_and_every_pixel() -> None:
    net = networks.resolve("vit")
    params = net.init(jax.random.key(0), 1, 10)
    images, _ = batch(1, 1)
    logits = jax.jit(net.logits)
    pixels = jax.jit(jax.grad(lambda x: net.logits(params, x)[0, 3]))(images)
    assert np.all(pixels != 0)
    turned = jnp.roll(images, 8, axis=2)  # the same patches, each elsewhere
    assert np.abs(logits(params, turned) - logits(params, images)).max() > 1e-3


def test_the_vit_begins_as_its_note_says() -> None:
    params = networks.resolve("vit").init(jax.random.key(5), 3, 10)
    for layer, fan_in in (("mlp1", 128), ("mlp2", 512), ("qkv", 128)):
        kernel = params["block1"][layer]["kernel"]
        assert float(kernel.std() * fan_in**0.5) == pytest.approx(1, abs=0.02)
        assert not params["block1"][layer]["bias"].any()
    cut_at_two = 0.8796  # the deviation of a normal law cut at two of its own
    assert float(params["positions"].std()) == pytest.approx(0.02 * cut_at_two, rel=0.05)
    assert np.any(params["block1"]["mlp1"]["kernel"] != params["block2"]["mlp1"]["kernel"])


@pytest.mark.slow
@forms
def test_it_learns_the_digits(name: str) -> None:
    digits, held_out = datasets.load("digits", limit=1000), datasets.load("digits", limit=1257)
    data = training.Data(
        digits.images, digits.labels, held_out.images[1000:], held_out.labels[1000:]
    )

    def adamw(hyperparameters, *_):
        return optax.adamw(**hyperparameters)

    runs = [training.Run({"learning_rate": 1e-3}, 0)]
    config = training.Config(epochs=8, batch_size=64)
    (outcome,) = training.run_many(adamw, runs, data, config, network=networks.resolve(name))
    assert outcome.train_accuracy > 0.97
    assert outcome.test_accuracy is not None
    # Over five seeds 0.88 to 0.93 for the ConvNet and 0.87 to 0.91 for the transformer.
    assert outcome.test_accuracy > 0.85


def test_the_default_equals_the_convnets_own() -> None:
    net = networks.resolve("convnet")
    params = net.init(jax.random.key(0), 3, 10)
    slow = functools.partial(net.logits, features=convolution.lax_features)
    got = jax.jit(net.loss_and_gradient)(params, *batch(9, 3), None)
    want = jax.jit(network.loss_and_gradient_of(slow))(params, *batch(9, 3))
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
