"""The ConvNet's convolution blocks, in the form that each platform runs fastest.

A block is: convolve 3×3 with zero padding, add the bias, max-pool 2×2, ReLU (which, the pool being
monotone, may as well come after it, on a quarter of the data). Two forms give the same values and
gradients to rounding:

* `lax_features` says it with XLA's own convolution: what GPUs and TPUs run best.
* `matmul_features` is for CPUs, where XLA's convolution inside a loop runs tens of times slower
  than outside, and training is a loop. It turns each convolution into one matrix product.

The two blocks need two matrix forms, since the first has few inputs (1 or 3) and many pixels:

* Block 1, *windows*: a row of the left matrix is a pool window with its border, 4×4 pixels; the
  right matrix holds the kernel at the window's four places, side by side. The product is ready
  for the pool, and nothing larger than the output is ever made:

      (n·H/2·W/2, 16·c) @ (16·c, 4·f) = (n·H/2·W/2, 4·f)

* Block 2, *taps*: its 32 inputs would make the windows' 16/9 of the arithmetic too dear, so it is
  `taps.convolve`.

Between the products lie the pools and shifted sums. Each is a call of its own (`taps.kept`), since
XLA would otherwise compute it again in everything that reads it, up to four times.

Ties in the pool: the gradient goes to the first maximum of the window in row-major order, as in
PyTorch and in XLA's own select-and-scatter. Constant image borders make ties common.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from experiments.networks import taps

Array = jax.Array

# Images that go through both blocks together on a CPU: few enough that a chunk's intermediate
# matrices stay in cache, enough to keep the matrix products large.
CHUNK = 8


class Kernels(NamedTuple):
    """Weights (3, 3, inputs, outputs) and biases (outputs,) of the two convolutions."""

    kernel1: Array
    bias1: Array
    kernel2: Array
    bias2: Array


def features(kernels: Kernels, images: Array) -> Array:
    """Features (n, H/4, W/4, f) of images (n, H, W, c), by the platform's own form."""
    return lax.platform_dependent(kernels, images, cpu=matmul_features, default=lax_features)


def lax_features(kernels: Kernels, images: Array) -> Array:
    """Features (n, H/4, W/4, f) of images (n, H, W, c) by XLA's convolution, for GPU and TPU."""
    x = _lax_block(kernels.kernel1, kernels.bias1, images)
    return _lax_block(kernels.kernel2, kernels.bias2, x)


def _lax_block(kernel: Array, bias: Array, images: Array) -> Array:
    y = lax.conv_general_dilated(
        images, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    y = lax.reduce_window(y + bias, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return jax.nn.relu(y)


def matmul_features(kernels: Kernels, images: Array) -> Array:
    """Features (n, H/4, W/4, f) of images (n, H, W, c) by matrix products, for CPU."""
    n = images.shape[0]
    filled = -n % CHUNK  # images of zeros that complete the last chunk; their features are cut off
    images = jnp.pad(images, ((0, filled), (0, 0), (0, 0), (0, 0)))
    chunks = images.reshape(-1, CHUNK, *images.shape[1:])
    y = _chunked(kernels, chunks)
    return y.reshape(-1, *y.shape[2:])[:n]


@jax.custom_vjp
def _chunked(kernels: Kernels, chunks: Array) -> Array:
    return _chunked_forward(kernels, chunks)[0]


def _chunked_forward(kernels: Kernels, chunks: Array):
    def forward(images: Array):
        hidden, first1 = _window_block(kernels.kernel1, kernels.bias1, images)
        out, first2 = _tap_block(kernels.kernel2, kernels.bias2, hidden)
        return out, (hidden, first1, first2)

    out, kept = lax.map(forward, chunks)
    return out, (kernels, chunks, kept)


def _chunked_backward(residuals, cotangent: Array):
    # The left matrices are made again, chunk by chunk: cheaper than to keep them for a whole batch.
    kernels, chunks, kept = residuals

    def backward(total: Kernels, chunk):
        images, (hidden, first1, first2), g = chunk
        bias2 = _alive(g, first2).sum((0, 1, 2))
        g = _unpool(g, first2)
        kernel2 = taps.kernel_gradient(hidden, g)
        g = taps.image_gradient(kernels.kernel2, g)
        (kernel1, bias1), image = _window_gradients(kernels.kernel1, images, first1, g)
        total = jax.tree.map(jnp.add, total, Kernels(kernel1, bias1, kernel2, bias2))
        return total, image  # the image's gradient is dropped by XLA where it is not used

    return lax.scan(backward, jax.tree.map(jnp.zeros_like, kernels), (chunks, kept, cotangent))


_chunked.defvjp(_chunked_forward, _chunked_backward)


def _window_block(kernel: Array, bias: Array, images: Array) -> tuple[Array, Array]:
    """Block 1 and, as residual, the place 0…3 of each window's first maximum (4: dead)."""
    n, height, width, _ = images.shape
    y = (_windows(images) @ _placed(kernel)).reshape(n, height // 2, width // 2, 4, -1)
    return _pool(y, bias)


def _window_gradients(kernel: Array, images: Array, first: Array, g: Array):
    """Gradients of block 1's (kernel, bias) and image, from that of its output, (n, h, w, f)."""
    place = jnp.arange(4, dtype=jnp.uint8)[:, None]
    spread = jnp.where(first[:, :, :, None] == place, g[:, :, :, None], 0.0)  # (n, h, w, 4, f)
    spread = spread.reshape(-1, 4 * g.shape[-1])
    (kernel_gradient,) = jax.linear_transpose(_placed, kernel)(_windows(images).T @ spread)
    (image_gradient,) = jax.linear_transpose(_windows, images)(spread @ _placed(kernel).T)
    return (kernel_gradient, _alive(g, first).sum((0, 1, 2))), image_gradient


def _windows(images: Array) -> Array:
    """Each pool window with its border as a row: (n·H/2·W/2, 16c), pixels in row-major order."""
    n, height, width, c = images.shape
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    # Pairs of rows, and pairs of pixels that lie side by side in memory: eight pieces a window.
    pairs = padded.reshape(n, height // 2 + 1, 2, width // 2 + 1, 2 * c)
    rows = [pairs[:, :-1, 0], pairs[:, :-1, 1], pairs[:, 1:, 0], pairs[:, 1:, 1]]
    pieces = [piece for row in rows for piece in (row[:, :, :-1], row[:, :, 1:])]
    return jnp.concatenate(pieces, -1).reshape(-1, 16 * c)


def _placed(kernel: Array) -> Array:
    """The kernel (3, 3, c, f) at the four places of a 4×4 window: (16c, 4f)."""
    placed = [
        jnp.pad(kernel, ((i, 1 - i), (j, 1 - j), (0, 0), (0, 0))) for i in (0, 1) for j in (0, 1)
    ]
    return jnp.stack(placed, 3).reshape(16 * kernel.shape[2], -1)


def _tap_block(kernel: Array, bias: Array, images: Array) -> tuple[Array, Array]:
    """Block 2, likewise."""
    n, height, width, _ = images.shape
    y = taps.convolve(kernel, images)
    return _pool(y.reshape(n, height // 2, 2, width // 2, 2, -1), bias)


@taps.kept
def _pool(y: Array, bias: Array) -> tuple[Array, Array]:
    """Maximum and ReLU of each window's four places, and which came first.

    The places lie along one axis, (n, H/2, W/2, 4, f), or in the image, (n, H/2, 2, W/2, 2, f).
    """
    if y.ndim == 5:
        window = [y[:, :, :, place] + bias for place in range(4)]
    else:
        window = [y[:, :, i, :, j] + bias for i in (0, 1) for j in (0, 1)]
    top = jnp.maximum(jnp.maximum(window[0], window[1]), jnp.maximum(window[2], window[3]))
    first = jnp.where(
        window[0] == top, 0, jnp.where(window[1] == top, 1, jnp.where(window[2] == top, 2, 3))
    )
    return jnp.maximum(top, 0), jnp.where(top > 0, first, 4).astype(jnp.uint8)


def _alive(g: Array, first: Array) -> Array:
    """The gradient where the ReLU behind the pool let something through."""
    return jnp.where(first < 4, g, 0.0)


@taps.kept
def _unpool(g: Array, first: Array) -> Array:
    """Gradient (n, 2h, 2w, f) before pool and ReLU, from that behind them (n, h, w, f)."""
    n, height, width, f = g.shape
    place = jnp.arange(4, dtype=jnp.uint8).reshape(1, 1, 2, 1, 2, 1)
    g = jnp.where(first[:, :, None, :, None] == place, g[:, :, None, :, None], 0.0)
    return g.reshape(n, 2 * height, 2 * width, f)
