"""The ConvNet's two convolution blocks, in the form each platform runs fastest."""

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array


def lax_block(kernel: Array, bias: Array, images: Array) -> Array:
    """Convolve 3x3, ReLU, max-pool 2x2 with XLA's own operations (GPU, TPU)."""
    y = lax.conv_general_dilated(
        images, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    y = jax.nn.relu(y + bias)
    return lax.reduce_window(y, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def matmul_block(kernel: Array, bias: Array, images: Array) -> Array:
    """Convolve 3x3, ReLU, max-pool 2x2 as one matrix product (CPU)."""
    n, height, width, _ = images.shape
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    patches = jnp.concatenate(
        [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)], -1
    )
    y = patches @ kernel.reshape(-1, kernel.shape[-1]) + bias
    y = y.reshape(n, height // 2, 2, width // 2, 2, -1)
    return jax.nn.relu(y.max((2, 4)))
