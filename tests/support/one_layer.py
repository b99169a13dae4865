"""A network of one layer, for tests of how it is trained: it compiles and runs in no time."""

import jax

from experiments.networks import Network, network

Params = dict[str, jax.Array]


def init(key: jax.Array, channels: int, num_classes: int) -> Params:
    return {"w": 0.01 * jax.random.normal(key, (1024 * channels, num_classes))}


def logits(params: Params, images: jax.Array) -> jax.Array:
    return images.reshape(images.shape[0], -1) @ params["w"]


LINEAR = Network("linear", init, logits, network.loss_and_gradient_of(logits), "one layer")
