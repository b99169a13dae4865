"""Evaluation of a network on images, in chunks: which are classified correctly, and the loss."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from experiments.networks.network import Logits, Params

Array = jax.Array


class Evaluation(NamedTuple):
    """Of each image.

    Attributes:
        correct: (N,) booleans, whether the greatest logit is its label's; never where the loss
            is not finite.
        loss: (N,) cross-entropies.
    """

    correct: Array
    loss: Array

    @property
    def accuracy(self) -> Array:
        """Share of the images classified correctly."""
        return self.correct.sum() / self.correct.shape[0]


CHUNK = 1024
"""Images at a time, at most."""


def normalise(images: Array) -> Array:
    """Bytes 0…255 to floats -1…1: the paper's x/127.5 - 1."""
    return images.astype(jnp.float32) / 127.5 - 1.0


def evaluate(
    logits: Logits,
    params: Params,
    images: Array,
    labels: Array,
    axis: str | None = None,
) -> Evaluation:
    """Classify uint8 images, in chunks so that memory stays bounded.

    Args:
        logits: of the network.
        params: of the network.
        images: uint8 (N, 32, 32, channels).
        labels: integers (N,).
        axis: as in `whole_run.train`: each device classifies its part of the images, and all of
            them get the whole answer.
    """
    n = images.shape[0]
    part = n if axis is None else -(-n // jax.lax.axis_size(axis))
    start = 0 if axis is None else jax.lax.axis_index(axis) * part
    chunks = -(-part // CHUNK)
    size = -(-part // chunks)  # the chunks as even as can be: less than one image a chunk is wasted

    def classify(places: Array) -> Evaluation:
        rows = jnp.minimum(start + places, n - 1)
        found = logits(params, normalise(images[rows]))
        each = optax.softmax_cross_entropy_with_integer_labels(found, labels[rows])
        # The greatest of NaN logits is the first: a dead network would know class 0.
        return Evaluation((found.argmax(-1) == labels[rows]) & jnp.isfinite(each), each)

    def whole(x: Array) -> Array:
        x = x.reshape(-1)[:part]
        return x if axis is None else jax.lax.all_gather(x, axis, tiled=True)[:n]

    chunked = jax.lax.map(classify, jnp.arange(chunks * size).reshape(chunks, size))
    return jax.tree.map(whole, chunked)
