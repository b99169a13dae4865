"""PRNG keys as users write them, and their words."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from thermolion_optax import _tree_checks


def check_key(owner: str, key: Any) -> None:
    """Raises unless ``key`` is an int of 32 bits, or one legacy or typed PRNG key."""
    if isinstance(key, int | np.integer | np.ndarray) and not isinstance(key, bool):
        values = np.asarray(key)
        whole = values.dtype.kind in "iu" or isinstance(key, int)
        if whole and values.size and not _fits_a_word(values):
            raise ValueError(
                f"{owner}: key = {_tree_checks.shown(key)}, but an int key has 32 bits: the rest "
                "would be lost. Use jax.random.fold_in(jax.random.key(a), b) for more."
            )
        if isinstance(key, int):
            return
    dtype, shape = getattr(key, "dtype", None), getattr(key, "shape", ())
    if dtype is not None:
        if jnp.issubdtype(dtype, jax.dtypes.prng_key):
            if shape == ():
                return
        elif jnp.issubdtype(dtype, jnp.integer) and (shape == () or shape in ((2,), (4,))):
            return
    found = type(key).__name__ if dtype is None else f"an array of {dtype}{list(shape)}"
    raise TypeError(
        f"{owner}: key is {found}, but must be an int, a key from jax.random.key or a legacy "
        "uint32 key. For a batch of keys use jax.vmap."
    )


def _fits_a_word(values: np.ndarray) -> bool:
    return all(-(2**31) <= int(value) < 2**32 for value in values.ravel())


def key_words(key: ArrayLike) -> jax.Array:
    """The key's uint32 words, in a buffer of their own."""
    if jnp.issubdtype(jnp.result_type(key), jax.dtypes.prng_key):
        return jnp.array(jax.random.key_data(key), jnp.uint32, copy=True)
    if jnp.shape(key) == ():
        return jnp.stack(_words_of_int(key))
    return jnp.array(key, jnp.uint32, copy=True)


def _words_of_int(key: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """High and low word of an int key: the same for the same number, whatever its dtype."""
    if not isinstance(key, jax.Array):  # checked: it has 32 bits
        return jnp.uint32(0), jnp.asarray(int(np.asarray(key)) % 2**32, jnp.uint32)
    low = key.astype(jnp.uint32)
    if key.dtype.itemsize < 8:
        return jnp.zeros_like(low), low
    high = (key >> 32).astype(jnp.uint32)
    # A negative number of 32 bits has no high word, as it has none where 64 bits are off.
    small = (key < 0) & (key >= -(2**31)) if jnp.issubdtype(key.dtype, jnp.signedinteger) else False
    return jnp.where(small, 0, high), low
