"""Quantiles of arrays that lie sharded over any mesh: found by counting, not by sorting.

A sort gathers every array on every device and holds it several times. But the bits of floats that
are not below 0 are ordered as the floats are, and the order statistic of rank k is the largest
number with at most k elements below it. So it is put together bit by bit, the highest first, and
a bit costs one count over the elements where they lie.
"""

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

_COUNTED_IN_32_BITS = 2**32 - 1
_HIGHEST_BIT = 30  # the one above it is the sign
_NONE = np.uint32(2**32 - 1)


@functools.partial(jax.jit, static_argnames="shares")  # or a call outside of jit would compile anew
def quantiles(arrays: Sequence[jax.Array], shares: tuple[float, ...]) -> jax.Array:
    """Quantiles over the elements of all arrays, interpolated as ``numpy.quantile`` does it.

    Args:
        arrays: float32, none below 0; with one element at least among them.
        shares: Q numbers in [0, 1], static.

    Returns:
        float32 (Q,); NaN where an element is.
    """
    last = sum(x.size for x in arrays) - 1
    places = [share * last for share in shares]
    ranks = [math.floor(place) for place in places]
    parts = jnp.array([place - rank for place, rank in zip(places, ranks, strict=True)], "float32")
    with jax.enable_x64(True):  # large models have more elements than JAX's own integers count
        low, high = _order_statistics(arrays, ranks)
    some_nan = jnp.stack([jnp.isnan(x).any() for x in arrays]).any()
    between = jnp.where(low == high, 0, parts * (high - low))  # two infinities have no difference
    return jnp.where(some_nan, jnp.nan, low + between)


def _order_statistics(
    arrays: Sequence[jax.Array], ranks: Sequence[int]
) -> tuple[jax.Array, jax.Array]:
    """The elements of 0-based ``ranks`` in ascending order, and the one after each."""
    words = [lax.bitcast_convert_type(x, jnp.uint32) for x in arrays]
    size = sum(x.size for x in arrays)
    rank = jnp.array(ranks, jnp.uint32 if size <= _COUNTED_IN_32_BITS else jnp.uint64)

    def below(bound: jax.Array) -> jax.Array:
        counts = [jnp.sum(x < bound, dtype=rank.dtype) for x in words]
        return jnp.stack(counts).sum(dtype=rank.dtype)

    def above(bound: jax.Array) -> jax.Array:
        return jnp.stack([jnp.min(jnp.where(x > bound, x, _NONE)) for x in words]).min()

    def with_next_bit(step: jax.Array, found: jax.Array) -> jax.Array:
        longer = found | jnp.left_shift(jnp.uint32(1), jnp.uint32(_HIGHEST_BIT) - step)
        return jnp.where(lax.map(below, longer) <= rank, longer, found)

    # `lax.map` takes one bound after the other, since a CPU writes every comparison down.
    # None is below 0: zeros that vary over the axes of jax.shard_map which the elements vary over.
    start = lax.map(below, jnp.zeros(len(ranks), jnp.uint32)).astype(jnp.uint32)
    low = lax.fori_loop(jnp.uint32(0), jnp.uint32(_HIGHEST_BIT + 1), with_next_bit, start)
    # After it comes its equal, or the least of those above it, or none.
    alone = (lax.map(below, low + 1) == rank + 1) & (rank < size - 1)
    high = jnp.where(alone, lax.map(above, low), low)
    return lax.bitcast_convert_type(low, jnp.float32), lax.bitcast_convert_type(high, jnp.float32)
