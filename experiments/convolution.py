"""The ConvNet's convolution blocks, in the form that each platform runs fastest.

A block is: convolve 3×3 with zero padding, add the bias, max-pool 2×2, ReLU (which, the pool being
monotone, may as well come after it, on a quarter of the data). Two forms give the same values and
gradients to rounding:

* `lax_features` says it with XLA's own convolution: what GPUs and TPUs run best.
* `matmul_features` is for CPUs, where XLA's convolution inside a loop runs tens of times slower
  than outside, and training is a loop. It turns each convolution into products of matrices.

The two blocks need two matrix forms, since the first has few inputs (1 or 3) and many pixels:

* Block 1, *windows*: a row of the left matrix is a pool window with its border, 4×4 pixels; the
  right matrix holds the kernel at the window's four places, side by side. The product is ready
  for the pool, and nothing larger than the output is ever made:

      (n·H/2·W/2, 16·c) @ (16·c, 4·f) = (n·H/2·W/2, 4·f)

* Block 2, *row pairs*: its 32 inputs would make the windows' 16/9 of the arithmetic too dear. The
  two rows of a pool window come from four products instead of six (Winograd's F(2, 3), as in
  Lavin and Gray, arXiv 1509.09308). With d₀…d₃ the window's input rows, border included, each pixel
  beside its left and right neighbour, and k₀, k₁, k₂ the kernel's rows:

      m₀ = (d₀ - d₂) k₀      m₁ = (d₁ + d₂) (k₀ + k₁ + k₂)/2      y₀ = m₀ + m₁ + m₂
      m₃ = (d₁ - d₃) k₂      m₂ = (d₂ - d₁) (k₀ - k₁ + k₂)/2      y₁ = m₁ - m₂ - m₃

  each of them (n·H/2·W, 3·c) @ (3·c, f) = (n·H/2·W, f). All but the products is linear with
  constant coefficients: on the way back stand the transposes, which JAX derives.

Between the products lie pools and sums. They are calls of their own (`_kept`), since XLA would
otherwise compute them again in everything that reads them, up to four times.

Ties in the pool: the gradient goes to the first maximum of the window in row-major order, as in
PyTorch and in XLA's own select-and-scatter. Constant image borders make ties common.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental.xla_metadata import set_xla_metadata

Array = jax.Array

# Images that go through both blocks together on a CPU: few enough that a chunk's intermediate
# matrices stay in cache, enough to keep the matrix products large.
CHUNK = 16


class Kernels(NamedTuple):
    """Weights (3, 3, inputs, outputs) and biases (outputs,) of the two convolutions."""

    kernel1: Array
    bias1: Array
    kernel2: Array
    bias2: Array


def _kept(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a call that XLA does not inline, so that its result is made just once."""

    @jax.jit
    @functools.wraps(function)  # the call's name in the compiled program, too
    def body(*arguments: Any) -> Any:
        with set_xla_metadata(inlineable="true"):  # what it calls itself
            return function(*arguments)

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        with set_xla_metadata(inlineable="false"):
            return body(*arguments)

    return call


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
        out, first2 = _pair_block(kernels.kernel2, kernels.bias2, hidden)
        return out, (hidden, first1, first2)

    out, kept = lax.map(forward, chunks)
    return out, (kernels, chunks, kept)


def _chunked_backward(residuals, cotangent: Array):
    # The left matrices are made again, chunk by chunk: cheaper than to keep them for a whole batch.
    kernels, chunks, kept = residuals
    # Here and not in the loop: a product with a transposed right matrix runs at half the speed.
    rights = [right.T for right in _rights(kernels.kernel2)]

    def backward(total: Kernels, chunk):
        images, (hidden, first1, first2), g = chunk
        (kernel2, bias2), g = _pair_gradients(rights, kernels.kernel2, hidden, first2, g)
        (kernel1, bias1), image = _window_gradients(kernels.kernel1, images, first1, g)
        total = jax.tree.map(jnp.add, total, Kernels(kernel1, bias1, kernel2, bias2))
        return total, image  # the image's gradient is dropped by XLA where nobody asks

    return lax.scan(backward, jax.tree.map(jnp.zeros_like, kernels), (chunks, kept, cotangent))


_chunked.defvjp(_chunked_forward, _chunked_backward)


def _window_block(kernel: Array, bias: Array, images: Array) -> tuple[Array, Array]:
    """Block 1 and, for the way back, the place 0…3 of each window's first maximum (4: dead)."""
    n, height, width, _ = images.shape
    y = (_windows(images) @ _placed(kernel)).reshape(n, height // 2, width // 2, 4, -1)
    return _pool_windows(y, bias)


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


def _pair_block(kernel: Array, bias: Array, images: Array) -> tuple[Array, Array]:
    """Block 2, likewise."""
    n, height, width, _ = images.shape
    products = [
        (left @ right).reshape(n, height // 2, width // 2, 2, -1)
        for left, right in zip(_lefts(images), _rights(kernel), strict=True)
    ]
    return _pool_pairs(products, bias)


def _pair_gradients(rights: list[Array], kernel: Array, images: Array, first: Array, g: Array):
    """Gradients of block 2's (kernel, bias) and image; `rights` are the transposed ones."""
    products = _product_gradients(g, first)
    lefts = [product @ right for product, right in zip(products, rights, strict=True)]
    kernels = [left.T @ product for left, product in zip(_lefts(images), products, strict=True)]
    (kernel_gradient,) = jax.linear_transpose(_rights, kernel)(kernels)
    return (kernel_gradient, _alive(g, first).sum((0, 1, 2))), _image_gradient(lefts, images)


def _lefts(images: Array) -> list[Array]:
    """The four left matrices (n·H/2·W, 3c) of images (n, H, W, c)."""
    n, height, width, c = images.shape
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    pairs = padded.reshape(n, height // 2 + 1, 2, width + 2, c)
    d = [pairs[:, :-1, 0], pairs[:, :-1, 1], pairs[:, 1:, 0], pairs[:, 1:, 1]]
    # Neighbours are stacked, not joined end to end: XLA copies that four times as fast.
    return [
        jnp.stack([rows[:, :, tap : tap + width] for tap in range(3)], 3).reshape(-1, 3 * c)
        for rows in (d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3])
    ]


def _rights(kernel: Array) -> list[Array]:
    """The four right matrices (3c, f) of a kernel (3, 3, c, f)."""
    k = kernel.reshape(3, -1, kernel.shape[-1])
    return [k[0], (k[0] + k[1] + k[2]) / 2, (k[0] - k[1] + k[2]) / 2, k[2]]


def _rows(m: list[Array]) -> list[Array]:
    """The two rows of the result from the four products."""
    return [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]


@_kept
def _product_gradients(g: Array, first: Array) -> list[Array]:
    """Gradients of the four products, (n·H/2·W, f) each, from that behind the pool."""
    place = jnp.arange(4, dtype=jnp.uint8).reshape(2, 2, 1)
    rows = [
        jnp.where(first[:, :, :, None] == places, g[:, :, :, None], 0.0).reshape(-1, g.shape[-1])
        for places in place
    ]
    (products,) = jax.linear_transpose(_rows, [rows[0]] * 4)(rows)
    return products


@_kept
def _image_gradient(lefts: list[Array], images: Array) -> Array:
    """Gradient of the images, of which only the shape matters, from those of the left matrices."""
    (gradient,) = jax.linear_transpose(_lefts, images)(lefts)
    return gradient


@_kept
def _pool_windows(y: Array, bias: Array) -> tuple[Array, Array]:
    return _pool([y[:, :, :, place] for place in range(4)], bias)


@_kept
def _pool_pairs(products: list[Array], bias: Array) -> tuple[Array, Array]:
    return _pool([row[:, :, :, place] for row in _rows(products) for place in (0, 1)], bias)


def _pool(window: list[Array], bias: Array) -> tuple[Array, Array]:
    """Maximum and ReLU of the four places (each (n, H/2, W/2, f)), and which came first."""
    window = [place + bias for place in window]
    top = jnp.maximum(jnp.maximum(window[0], window[1]), jnp.maximum(window[2], window[3]))
    first = jnp.where(
        window[0] == top, 0, jnp.where(window[1] == top, 1, jnp.where(window[2] == top, 2, 3))
    )
    return jnp.maximum(top, 0), jnp.where(top > 0, first, 4).astype(jnp.uint8)


def _alive(g: Array, first: Array) -> Array:
    """The gradient where the ReLU behind the pool let something through."""
    return jnp.where(first < 4, g, 0.0)
