"""A deep plain ConvNet: no normalisation, no shortcuts, so gradients vanish or explode with depth.

Convolutions 3×3 of 16 channels at 16×16, each with a bias and ReLU, then the mean over the pixels
and a dense layer. The mean leaves the last layer 16 numbers an image: it cannot learn alone.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from experiments.networks import taps

Array = jax.Array
Params = dict[str, dict[str, Array]]
CHANNELS, SIDE = 16, 16


def layers(depth: int) -> list[str]:
    """The layers' names from the input to the output."""
    return [*(f"conv{number:02d}" for number in range(1, depth + 1)), "dense"]


def init(key: Array, depth: int, classes: int, gain: Array | float = 1.0) -> Params:
    """PyTorch's default weights, uniform in ±1/√fan_in, the convolutions' kernels times a gain.

    A layer of gain γ multiplies the signal's mean square by γ²/6 (uniform: 1/3, ReLU: 1/2), so it
    vanishes below √6 and explodes above; biases are PyTorch's at every gain.

    Args:
        key: of the draw.
        depth: convolutions.
        classes: K.
        gain: γ; may be traced.
    """
    params: Params = {}
    for number, name in enumerate(layers(depth)):
        dense = name == "dense"
        shape = (CHANNELS, classes) if dense else (3, 3, CHANNELS if number else 1, CHANNELS)
        bound = 1 / math.sqrt(math.prod(shape[:-1]))
        keys = jax.random.split(jax.random.fold_in(key, number))
        kernel = jax.random.uniform(keys[0], shape, minval=-bound, maxval=bound)
        bias = jax.random.uniform(keys[1], shape[-1:], minval=-bound, maxval=bound)
        params[name] = {"kernel": kernel if dense else gain * kernel, "bias": bias}
    return params


def logits(params: Params, images: Array) -> Array:
    """Logits (n, K) of float images (n, 16, 16, 1)."""
    x = images
    for name in layers(len(params) - 1)[:-1]:
        x = jax.nn.relu(taps.convolve(params[name]["kernel"], x) + params[name]["bias"])
    return x.mean((1, 2)) @ params["dense"]["kernel"] + params["dense"]["bias"]


def loss(params: Params, images: Array, labels: Array) -> Array:
    """Mean cross-entropy."""
    chosen = jnp.take_along_axis(
        jax.nn.log_softmax(logits(params, images)), labels[:, None], axis=1
    )
    return -chosen.mean()
