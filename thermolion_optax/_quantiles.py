"""Quantiles of arrays that lie sharded over any mesh: found by counting, not by sorting.

A sort gathers every array on every device and holds it several times. But the bits of floats that
are not below 0 are ordered as the floats are, and the order statistic of rank k is the largest
number with at most k elements below it. So it is put together bit by bit, the highest first, and
a bit costs one count over the elements where they lie.
"""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

_COUNTED_IN_32_BITS = 2**32 - 1
_HIGHEST_BIT = 30  # the one above it is the sign
_NONE = np.uint32(2**32 - 1)


@functools.partial(jax.jit, static_argnames="shares")  # or a call outside of jit would compile anew
def quantiles(arrays: Sequence[jax.Array], shares: tuple[float, ...]) -> jax.Array:
    """Quantiles of each array and of all together, interpolated as ``numpy.quantile`` does it.

    Args:
        arrays: A of float32, none below 0; with at least one element each.
        shares: Q numbers in [0, 1], static.

    Returns:
        float32 (A + 1, Q), the last row being that of all together; NaN where an element is.
    """
    sizes = [x.size for x in arrays]
    few = all(isinstance(size, int) for size in sizes) and sum(sizes) <= _COUNTED_IN_32_BITS
    nans = jnp.stack([jnp.isnan(x).any() for x in arrays])
    nans = jnp.concatenate([nans, nans.any(keepdims=True)])
    with jax.enable_x64(True):  # large models have more elements than JAX's own integers count
        # A size may be symbolic, known only when the exported program is called.
        last = jnp.stack([jnp.asarray(size, jnp.float64) for size in [*sizes, sum(sizes)]]) - 1
        places = np.array(shares)[:, None] * last[None]
        ranks = jnp.floor(places)
        parts = (places - ranks).astype(jnp.float32)
        count = jnp.uint32 if few else jnp.uint64
        # Zeros that vary over the axes of jax.shard_map which the elements vary over.
        zeros = jnp.zeros(ranks.shape, jnp.uint32) * nans[None].astype(jnp.uint32)
        low, high = _order_statistics(arrays, ranks.astype(count), last.astype(count), zeros)
    # Two infinities have no difference, and no part of one is taken where a rank is whole.
    between = jnp.where((low == high) | (parts == 0), 0, parts * (high - low))
    return jnp.where(nans[None], jnp.nan, low + between).T


def _order_statistics(
    arrays: Sequence[jax.Array], rank: jax.Array, last: jax.Array, start: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The elements of 0-based ``rank`` (Q, A + 1) in ascending order, and the one after each."""
    words = [lax.bitcast_convert_type(x, jnp.uint32) for x in arrays]

    def rows(
        of: Callable[[jax.Array, jax.Array], jax.Array], join: Callable[[jax.Array], jax.Array]
    ) -> Callable[[jax.Array], jax.Array]:
        # One share after the other, since a CPU writes every comparison down.
        def of_share(bounds: jax.Array) -> jax.Array:
            each = [of(x, bound) for x, bound in zip(words, bounds, strict=False)]
            together = join(jnp.stack([of(x, bounds[-1]) for x in words]))
            return jnp.stack([*each, together])

        return lambda bounds: lax.map(of_share, bounds)

    below = rows(
        lambda x, bound: jnp.sum(x < bound, dtype=rank.dtype), lambda n: n.sum(dtype=rank.dtype)
    )
    above = rows(lambda x, bound: jnp.min(jnp.where(x > bound, x, _NONE)), jnp.min)

    def step(number: jax.Array, found: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        """Tries one bit more; in the last step counts what is no larger than the elements."""
        low, _ = found
        ended = number > _HIGHEST_BIT
        bit = jnp.left_shift(jnp.uint32(1), jnp.uint32(_HIGHEST_BIT) - number)
        bounds = jnp.where(ended, low + 1, low | bit)
        counts = below(bounds)
        return jnp.where(~ended & (counts <= rank), bounds, low), counts

    steps = jnp.uint32(0), jnp.uint32(_HIGHEST_BIT + 2)
    low, counts = lax.fori_loop(*steps, step, (start, start.astype(rank.dtype)))
    # After it comes its equal, or the least of those above it, or none.
    alone = (counts == rank + 1) & (rank < last[None])
    high = jnp.where(alone, above(low), low)
    return lax.bitcast_convert_type(low, jnp.float32), lax.bitcast_convert_type(high, jnp.float32)
