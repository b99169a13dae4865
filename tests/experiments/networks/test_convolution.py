"""The CPU's matrix form against XLA's own convolution, and ties in the pool against PyTorch."""

import re
from typing import Any

import jax
import jax.experimental
import jax.numpy as jnp
import numpy as np
import pytest
from params import slow

from experiments.networks import convolution
from experiments.networks.convolution import Kernels, features, lax_features, matmul_features

# A context manager under its name in newer and in older versions of jax.
enable_x64: Any = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64


def _kernels(channels: int, dtype: str = "float32") -> Kernels:
    k = jax.random.split(jax.random.key(0), 4)
    return Kernels(
        0.3 * jax.random.normal(k[0], (3, 3, channels, 32), dtype),
        0.1 * jax.random.normal(k[1], (32,), dtype),
        0.06 * jax.random.normal(k[2], (3, 3, 32, 64), dtype),
        0.1 * jax.random.normal(k[3], (64,), dtype),
    )


def _images(n: int, channels: int, dtype: str = "float32") -> jax.Array:
    """Noise with constant borders, as the data sets have them: ties in many windows."""
    x = jax.random.uniform(jax.random.key(n), (n, 32, 32, channels), dtype, minval=-1)
    return x.at[:, :8].set(-1.0).at[:, :, 26:].set(-1.0)


def _relative(got, want) -> float:
    """Largest error over all leaves, each in units of its leaf's largest value."""
    got, want = (jax.tree.map(np.asarray, tree) for tree in (got, want))
    errors = jax.tree.map(lambda a, b: np.abs(a - b).max() / np.abs(b).max(), got, want)
    return max(map(float, jax.tree.leaves(errors)))


def _value_and_gradients(form, kernels: Kernels, images: jax.Array, cotangent: jax.Array):
    @jax.jit
    def both(kernels, images, cotangent):
        value, pull = jax.vjp(form, kernels, images)
        return value, pull(cotangent)

    return both(kernels, images, cotangent)


@pytest.mark.parametrize(("channels", "n"), [slow(1, 1), slow(1, 16), (3, 37)])
def test_equals_xlas_convolution(channels: int, n: int) -> None:
    # In float64, where no rounding turns one near-tie of two pixels into another.
    with enable_x64(True):
        kernels, images = _kernels(channels, "float64"), _images(n, channels, "float64")
        cotangent = jax.random.normal(jax.random.key(7), (n, 8, 8, 64), "float64")
        got, want = (
            _value_and_gradients(form, kernels, images, cotangent)
            for form in (matmul_features, lax_features)
        )
    assert got[0].shape == (n, 8, 8, 64)
    assert _relative(got, want) < 1e-12  # values; gradients of kernels, biases and images


def test_float32_values() -> None:
    kernels, images = _kernels(3), _images(37, 3)
    got, want = (jax.jit(form)(kernels, images) for form in (matmul_features, lax_features))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("channels", [slow(1), 3])
def test_float32_is_exact_on_integers_and_their_many_ties(channels: int) -> None:
    # Small integers add without rounding, so float32 must give the very same numbers, though
    # about every second window holds its maximum twice.
    rng = np.random.default_rng(channels)

    def integers(low: int, high: int, *shape: int) -> jax.Array:
        return jnp.asarray(rng.integers(low, high + 1, shape), jnp.float32)

    kernels = Kernels(
        integers(-1, 1, 3, 3, channels, 32),
        integers(-1, 1, 32),
        integers(-1, 1, 3, 3, 32, 64),
        integers(-1, 1, 64),
    )
    images, cotangent = integers(-1, 1, 5, 32, 32, channels), integers(-2, 2, 5, 8, 8, 64)
    got, want = (
        _value_and_gradients(form, kernels, images, cotangent)
        for form in (matmul_features, lax_features)
    )
    jax.tree.map(np.testing.assert_array_equal, got, want)


def test_platform_choice_differentiates() -> None:
    kernels, images = _kernels(3), _images(5, 3)
    grad = [
        jax.jit(jax.grad(lambda k, f=f: jnp.sum(f(k, images) ** 2)))(kernels)
        for f in (features, lax_features)
    ]
    assert _relative(*grad) < 1e-5


def test_the_chunk_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels, images = _kernels(1), _images(20, 1)
    want = matmul_features(kernels, images)
    monkeypatch.setattr(convolution, "CHUNK", 4)
    np.testing.assert_allclose(matmul_features(kernels, images), want, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", [matmul_features, lax_features])
def test_tied_windows_send_the_gradient_to_the_first_maximum(form) -> None:
    # The first kernel copies the image into channel 0, the second copies channel 0 on, so the
    # gradient of the image shows which pixel of each window was chosen: the constant image ties
    # everywhere, and 4×4 pixels lead to one feature, its first one alone receiving the gradient.
    kernel1 = jnp.zeros((3, 3, 1, 32)).at[1, 1, 0, 0].set(1.0)
    kernel2 = jnp.zeros((3, 3, 32, 64)).at[1, 1, 0, 0].set(1.0)
    kernels = Kernels(kernel1, jnp.zeros(32), kernel2, jnp.zeros(64))
    got = jax.jit(jax.grad(lambda x: form(kernels, x)[..., 0].sum()))(jnp.ones((2, 32, 32, 1)))
    want = np.zeros((2, 32, 32, 1))
    want[:, ::4, ::4] = 1.0
    np.testing.assert_array_equal(got, want)


def test_dead_windows_send_no_gradient() -> None:
    kernels = _kernels(3)._replace(bias2=jnp.full(64, -100.0))
    images = _images(3, 3)
    total = jax.jit(jax.value_and_grad(lambda k: matmul_features(k, images).sum()))
    value, grads = total(kernels)
    assert value == 0
    assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(grads))


def test_the_way_back_does_not_keep_a_batch_of_patches() -> None:
    # 256 images: the width taps alone would be 256·(32·32·9 + 16·16·96)·4 bytes = 35 MB.
    kernels, images = _kernels(3), jnp.zeros((256, 32, 32, 3))
    grad = jax.jit(jax.grad(lambda k: matmul_features(k, images).sum()))
    assert grad.lower(kernels).compile().memory_analysis().temp_size_in_bytes < 30e6


@pytest.mark.parametrize("runs", [slow(1), 2])
def test_pools_and_shifted_sums_are_not_computed_again_by_their_readers(runs: int) -> None:
    """Each is a call in the compiled program, once forward and once back; all else is inlined."""
    images = _images(16, 3)

    def loss(kernels: Kernels) -> jax.Array:
        return jnp.sum(matmul_features(kernels, images) ** 2)

    kernels = jax.tree.map(lambda k: jnp.stack([k] * runs), _kernels(3))
    gradients = jax.jit(jax.vmap(jax.grad(loss)))
    program = gradients.lower(kernels).compile().as_text()
    called = re.findall(r" call\(.*to_apply=%(\w*[a-z])", program)
    want = ["_pool", "_pool", "_sum_of_columns", "_sum_of_rows", "_unpool"]
    assert sorted(called) == want


def test_equal_patches_give_equal_numbers_and_so_ties_in_float32() -> None:
    """Far from the border a constant image's windows tie: first place, or dead."""
    images = jnp.full((1, convolution.CHUNK, 32, 32, 3), 0.3)
    _, (_, _, (_, first1, first2)) = convolution._chunked_forward(_kernels(3), images)
    for first in (first1[..., 1:-1, 1:-1, :], first2[..., 2:-2, 2:-2, :]):
        assert set(np.unique(first)) == {0, 4}
