"""Normal numbers from a counter: a pure function of (key words, step, leaf path, element).

Every element's number is computed from its own index alone, with integer arithmetic that
fuses into the surrounding update. So nothing parameter-sized is stored, and a tensor gets
the same numbers on any sharding, on any number of devices, in a loop, a scan or a resumed run.

The scheme, per element i of a leaf with seed words (s0, s1):

    a = mix(i, s0, s1), b = mix'(a, s1, s0)      two 32-bit words
    z = (sum of their 8 bytes - 1020) / std       nearly normal: excess kurtosis -0.15
    n = c (z + 0.00767 z^3)                       moments 3.000, 14.88, 101.7 (normal: 3, 15, 105)

The cubic lengthens the tails of the sum of eight uniform bytes to those of a normal number;
the largest value is 5.65, and the distribution's greatest distance to the normal is 0.0004.
"""

import hashlib
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

_GOLDEN = 0x9E3779B1
# The standardised sum of eight bytes has moments E[z^4] and E[z^6]; computed exactly from
# the uniform distribution on 0..255, they give the scale that makes n's variance one.
_BYTE_STD = math.sqrt(8 * (256**2 - 1) / 12)
_CUBIC = 0.00767
_Z4 = 2.849995422293431
_Z6 = 12.857079096304773
_SCALE = 1 / math.sqrt(1 + 2 * _CUBIC * _Z4 + _CUBIC**2 * _Z6)


def leaf_words(path: str) -> tuple[int, int]:
    """Two words that name a leaf by its path, the same in every process and on every machine."""
    digest = hashlib.blake2b(path.encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def seeds(key_words: jax.Array, step: jax.Array, paths: list[str]) -> jax.Array:
    """Seed words of every leaf at one step: uint32 of shape (len(paths), 2)."""
    leaves = jnp.array([leaf_words(p) for p in paths], jnp.uint32).reshape(-1, 2)
    s0, s1 = leaves[:, 0], leaves[:, 1]
    words = [key_words[i] for i in range(key_words.shape[0])]
    # Two crossed chains, so that neither word of the seed can be steered by one input alone.
    for word in [*words, step.astype(jnp.uint32)]:
        s0 = _finish(s0 ^ word) + s1 * jnp.uint32(_GOLDEN)
        s1 = _finish(s1 + word * jnp.uint32(0x85EBCA77)) ^ s0
    # Without the barrier the compiler would work out the seed again inside every leaf's kernel,
    # which costs no time to run but several times as much to compile.
    return lax.optimization_barrier(jnp.stack([_finish(s0), _finish(s1)], axis=-1))


def normal(seed: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Standard normal float32 numbers of ``shape`` for a leaf with seed words ``seed`` (2,)."""
    s0, s1 = seed[0], seed[1]
    index, s0 = _index(shape, s0)
    a = _mix(index * jnp.uint32(_GOLDEN) + s0, s1)
    b = _mix(a + s1, s0)
    low = jnp.uint32(0x00FF00FF)
    pairs = (a & low) + ((a >> 8) & low) + (b & low) + ((b >> 8) & low)
    total = (pairs & jnp.uint32(0xFFFF)) + (pairs >> 16)
    z = (total.astype(jnp.int32).astype(jnp.float32) - 1020.0) * jnp.float32(1 / _BYTE_STD)
    return z * (jnp.float32(_SCALE) + jnp.float32(_SCALE * _CUBIC) * (z * z))


def _index(shape: tuple[int, ...], s0: Any) -> tuple[jax.Array, Any]:
    """Element numbers in row-major order; beyond 32 bits the row joins the seed instead."""
    if math.prod(shape) > 2**32:
        rows = lax.broadcasted_iota(jnp.uint32, shape, 0)
        inner, _ = _index((1, *shape[1:]), s0)
        return jnp.broadcast_to(inner, shape), _finish(rows ^ s0)
    index, stride = jnp.zeros(shape, jnp.uint32), 1
    for axis in reversed(range(len(shape))):
        index += lax.broadcasted_iota(jnp.uint32, shape, axis) * jnp.uint32(stride)
        stride *= shape[axis]
    return index, s0


def _mix(x: Any, key: Any) -> Any:
    """Two keyed multiply-xorshift rounds."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> 15) ^ key) * jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)


def _finish(x: Any) -> Any:
    """The finaliser of MurmurHash3: every input bit reaches every output bit."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)
