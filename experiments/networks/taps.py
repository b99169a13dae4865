"""A 3×3 convolution as matrix products of its taps, which is what a CPU runs fastest.

The three *width* taps lie side by side in the left matrix (three times the image, not nine times
as in the usual im2col), the three *height* taps in the right one, and the product's three column
groups are then added, each shifted by a row:

    (n·H·W, 3·c) @ (3·c, 3·f) = (n·H·W, 3·f)      y[r] = z₀[r-1] + z₁[r] + z₂[r+1]
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental.xla_metadata import set_xla_metadata

Array = jax.Array
Given = ParamSpec("Given")
Result = TypeVar("Result")


def kept(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """The function as a call that XLA does not inline, so that its result is made just once."""

    @jax.jit
    @functools.wraps(function)  # the call's name in the compiled program, too
    def body(*arguments: Given.args, **named: Given.kwargs) -> Result:
        with set_xla_metadata(inlineable="true"):  # what it calls itself
            return function(*arguments, **named)

    @functools.wraps(function)
    def call(*arguments: Given.args, **named: Given.kwargs) -> Result:
        with set_xla_metadata(inlineable="false"):
            return body(*arguments, **named)

    return call


@jax.custom_vjp
def convolve(kernel: Array, images: Array) -> Array:
    """The convolution (n, H, W, f) of images (n, H, W, c), zeros around them.

    Args:
        kernel: (3, 3, c, f).
        images: (n, H, W, c).
    """
    return _forward(kernel, images)[0]


def _forward(kernel: Array, images: Array):
    n, height, width, _ = images.shape
    z = _width_taps(images) @ _columns(kernel)
    return _sum_of_rows(z.reshape(n, height, width, 3, -1)), (kernel, images)


def _backward(residuals: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    kernel, images = residuals
    return kernel_gradient(images, g), image_gradient(kernel, g)


convolve.defvjp(_forward, _backward)


def kernel_gradient(images: Array, g: Array) -> Array:
    """Gradient of the kernel; g (n, H, W, f) is the gradient of the convolution's output."""
    c, f = images.shape[-1], g.shape[-1]
    dz = _width_taps(images).T @ _height_taps(g)  # (3c, 3f)
    return dz.reshape(3, c, 3, f).transpose(2, 0, 1, 3)


def image_gradient(kernel: Array, g: Array) -> Array:
    """Gradient (n, H, W, c) of the convolution's input."""
    n, height, width, _ = g.shape
    d = _height_taps(g) @ _columns(kernel).T  # (n·H·W, 3c)
    return _sum_of_columns(d.reshape(n, height, width, 3, -1))


@kept
def _sum_of_rows(z: Array) -> Array:
    """y[r] = z₀[r-1] + z₁[r] + z₂[r+1] of z (n, H, W, 3, f), r a row."""
    return _shift(z[:, :, :, 0], 1, axis=1) + z[:, :, :, 1] + _shift(z[:, :, :, 2], -1, axis=1)


@kept
def _sum_of_columns(d: Array) -> Array:
    """The transpose of the width taps: d₀[x+1] + d₁[x] + d₂[x-1] of d (n, H, W, 3, c)."""
    return _shift(d[:, :, :, 0], -1, axis=2) + d[:, :, :, 1] + _shift(d[:, :, :, 2], 1, axis=2)


def _columns(kernel: Array) -> Array:
    """The kernel (3, 3, c, f) as the right matrix: rows (width tap, c), columns (height tap, f)."""
    c, f = kernel.shape[2:]
    return kernel.transpose(1, 2, 0, 3).reshape(3 * c, 3 * f)


def _width_taps(images: Array) -> Array:
    """The left matrix (n·H·W, 3c): each pixel with its left and right neighbour."""
    taps = [_shift(images, 1, axis=2), images, _shift(images, -1, axis=2)]
    return jnp.stack(taps, -2).reshape(-1, 3 * images.shape[-1])


def _height_taps(g: Array) -> Array:
    """The transpose of the shifted sum: (n·H·W, 3f), row r holding g[r+1], g[r], g[r-1]."""
    taps = [_shift(g, -1, axis=1), g, _shift(g, 1, axis=1)]
    return jnp.stack(taps, -2).reshape(-1, 3 * g.shape[-1])


def _shift(x: Array, by: int, axis: int) -> Array:
    """Move `x` by one place (±1) along an axis, a zero coming in."""
    zero = jnp.zeros_like(lax.slice_in_dim(x, 0, 1, axis=axis))
    if by > 0:
        return jnp.concatenate([zero, lax.slice_in_dim(x, 0, -1, axis=axis)], axis)
    return jnp.concatenate([lax.slice_in_dim(x, 1, None, axis=axis), zero], axis)
