"""The root mean square of a leaf in two factors, neither of which overflows or underflows."""

import jax
import jax.numpy as jnp


def scaled_rms(leaf: jax.typing.ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Returns (scale, ratio) with RMS = scale · ratio; in at least float32.

    ``scale`` is the largest magnitude, kept within what has a normal reciprocal, since compilers
    divide by a scalar in multiplying by its reciprocal. So ``ratio`` lies in [1/√n, 4] for n
    elements; below it for subnormal numbers alone, 0 for a leaf of zeros or without elements,
    inf or NaN for one that holds such. Derivatives take the scale for a constant, as RMS does not
    depend on it, and are 0 at a leaf of zeros.
    """
    x = jnp.asarray(leaf)
    x = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    tiny = jnp.finfo(x.dtype).tiny
    largest = jnp.max(jnp.abs(jax.lax.stop_gradient(x)), initial=0)
    scale = jnp.clip(largest, tiny, 1 / tiny)
    # Held apart from what made x: XLA turns (a / b) / scale into a / (b · scale), often 0 / 0.
    square = jnp.square(jax.lax.optimization_barrier(x) / scale)
    mean = jnp.sum(square) if x.size == 0 else jnp.mean(square)
    # A root's derivative at 0 is inf, which the outer `where` alone would make NaN of.
    return scale, jnp.where(mean == 0, 0, jnp.sqrt(jnp.where(mean == 0, 1, mean)))
