"""Adding updates to low-precision parameters without losing the small ones."""

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike, DTypeLike

from thermolion_optax import _generator, _tree_checks, _trees
from thermolion_optax._keys import check_key, key_words


def apply_updates_stochastic(
    params: optax.Params, updates: optax.Updates, key: ArrayLike
) -> optax.Params:
    r"""Adds updates to parameters, rounding up or down at random where the sum does not fit.

    .. math::
        \theta \leftarrow q \lfloor (\theta + u) / q + \xi \rfloor, \qquad
        \xi \sim U[0, 1), \qquad E[\theta] = \theta + u

    with q the spacing of the parameter's dtype at that size. ``optax.apply_updates`` rounds to
    the nearest number instead: a bfloat16 parameter near 1 then ignores every step below 0.002,
    and training stalls. Here a step of a hundredth of q moves one parameter in a hundred by q,
    and the mean is right. Takes the place of a second, float32 copy of the parameters. Only above
    the largest number of a dtype, where the next one would be infinity, is the nearest taken.

    The sum is made in float32. Like the library's noise, the random bits depend on (key, leaf
    path, element) only and are computed inside the update: any sharding gives the same result,
    and nothing is stored. Leaves of float32 and wider are added as ``optax.apply_updates`` does.

    Args:
        params: the parameters; leaves of any real floating-point dtype that has a mantissa.
        updates: what the optimizer returned: shaped like ``params``, any dtype.
        key: an int, a legacy or a typed PRNG key, traced or not. It must differ from step to
            step, as ``jax.random.fold_in(key, step)`` does.

    Returns:
        The new parameters, with the dtypes of ``params``.

    Raises:
        ValueError: for trees that do not fit each other, or an int key beyond 32 bits.
        TypeError: for a key or leaves of the wrong kind.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import apply_updates_stochastic
        >>> w, step = jnp.ones(100_000, jnp.bfloat16), jnp.full(100_000, 1e-3)
        >>> mean = lambda p: round(float(p.astype(jnp.float32).mean()), 4)
        >>> jax.tree.map(mean, optax.apply_updates(w, step))  # 1.001 is rounded back to 1
        1.0
        >>> jax.tree.map(mean, apply_updates_stochastic(w, step, 0))
        1.001

    References:
        Gupta et al., Deep Learning with Limited Numerical Precision (arXiv 1502.02551), Sec. 3.
    """
    owner = "apply_updates_stochastic"
    check_key(owner, key)
    _check_trees(owner, params, updates)
    paths, treedef = jax.tree.flatten(_trees.paths(params))
    # Names of their own, so that one key can serve the noise and the rounding.
    names = [f"rounding {path}" for path in paths]
    seeds = _generator.seeds(key_words(key), jnp.zeros([], jnp.uint32), names)

    def add(p: ArrayLike, u: ArrayLike, seed: jax.Array) -> optax.Params:
        if _trees.is_masked(u):
            return p
        dtype = jnp.result_type(p)
        if jnp.finfo(dtype).bits >= 32:
            return optax.apply_updates(p, u)
        total = jnp.asarray(p, jnp.float32) + jnp.asarray(u, jnp.float32)
        return _round(total, dtype, _generator.bits(seed, total.shape))

    return _trees.map_leaves(add, params, updates, jax.tree.unflatten(treedef, seeds))


def _check_trees(owner: str, params: optax.Params, updates: optax.Updates) -> None:
    if params is None:
        raise TypeError(f"{owner}: params is None, but must be a tree of arrays.")
    hint = "Pass what tx.update returned for these parameters."
    _tree_checks.check_structure(owner, "updates", updates, params, of="the parameters", hint=hint)
    for path, p, u in _trees.leaves_with_path(params, updates):
        if not _trees.is_masked(u):
            _tree_checks.check_leaf(owner, "params", path, p, least_bits=4)
            if jnp.finfo(jnp.result_type(p)).nmant == 0:
                raise TypeError(
                    f"{owner}: params{jax.tree_util.keystr(path)} has dtype {jnp.result_type(p)}, "
                    "which holds powers of two alone, without 0 and signs: it is for scales."
                )
            _tree_checks.check_leaf(owner, "updates", path, u)
            _tree_checks.check_shape(owner, "updates", path, u, p, "the parameters have", hint)


def _round(x: jax.Array, dtype: DTypeLike, bits: jax.Array) -> jax.Array:
    """Rounds float32 ``x`` to one of its two neighbours in ``dtype``, unbiased.

    Infinity is no neighbour: where plain rounding gives the largest number, so does this.
    """
    info = jnp.finfo(dtype)
    # The power of two at or below |x|. Spacings below the smallest normal float32 would be taken
    # for 0 by processors that know no smaller numbers.
    exponent = jax.lax.bitcast_convert_type(x, jnp.uint32) & jnp.uint32(0x7F800000)
    power = jax.lax.bitcast_convert_type(exponent, jnp.float32)
    smallest = max(float(info.tiny), float(jnp.finfo(jnp.float32).tiny) * 2.0**info.nmant)
    spacing = jnp.maximum(power, smallest) * 2.0**-info.nmant
    # As many bits as float32 has more than dtype: x / spacing + fraction is then exact.
    width = 23 - info.nmant
    fraction = (bits >> (32 - width)).astype(jnp.int32).astype(jnp.float32) * 2.0**-width
    rounded = (jnp.floor(x / spacing + fraction) * spacing).astype(dtype)
    return jnp.where(jnp.isfinite(rounded), rounded, x.astype(dtype))
