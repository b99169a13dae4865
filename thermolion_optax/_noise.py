"""Thermal noise: annealed Gaussian noise, scaled by each tensor's mean second moment."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from thermolion_optax import _checks, _generator, _slots, _states, _tree_checks, _trees
from thermolion_optax._deviation import noise_std
from thermolion_optax._keys import check_key, key_words
from thermolion_optax._moments import power_of_decay

Normal = Callable[[jax.Array, tuple[int, ...]], jax.Array]


class ThermalNoiseState(NamedTuple):
    """State of :func:`thermal_noise`: nothing in it grows with the parameters.

    Attributes:
        count: updates so far, int32 scalar.
        key: the key's raw uint32 words, shape (2,) or (4,) by the kind of key (raw, since typed
            keys do not pass through NumPy, which several checkpointers use).
        telemetry_temperature: T_t of the last update, float32 scalar; 0 once the noise is off.
        telemetry_variance_floor: the floor of the last update, likewise. Both are there to be
            read; nothing follows from setting them.
    """

    count: jax.Array
    key: jax.Array
    telemetry_temperature: jax.Array
    telemetry_variance_floor: jax.Array


def thermal_noise(
    temperature: optax.ScalarOrSchedule = 1.0,
    decay: ArrayLike = 0.99,
    *,
    floor: ArrayLike = 1e-10,
    cutoff: ArrayLike = 0.01,
    key: ArrayLike = 0,
    normal: Normal | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""Adds Gaussian noise whose temperature decays geometrically.

    The default key is always 0: two models, or two ``thermal_noise`` of one chain, then
    draw the same numbers. Give each its own, ``key=jax.random.fold_in(jax.random.key(0), 1)``.

    .. math::
        u \leftarrow u + \sigma_t\, \xi, \qquad \xi \sim N(0, 1), \qquad
        \sigma_t = \sqrt{T_t\, \mathrm{mean}(\nu) + \mathrm{floor}}, \qquad
        T_t = \mathrm{temperature} \cdot \mathrm{decay}^t

    with t = 1 at the first update and the mean taken over each tensor. The noise is off once
    decay^t <= cutoff or T_t = 0. The second moment comes as the extra argument ``nu`` (inside
    :func:`scale_by_snr_gate` it does), else the square of the incoming updates serves.

    The noise depends on (key, step, leaf) only, a leaf being known by its path in the tree:
    it is the same under jit and scan, after a resume, and on any sharding over any number of
    devices. Two groups of ``optax.partition`` with one key still get different noise.
    Under ``shard_map`` with parameters replicated over the manual axes nothing changes. Where a
    leaf is only the local piece of a tensor, both the mean and the element numbers are local:
    the pieces then share their noise, unless each gets a key of its own,
    ``key=jax.random.fold_in(key, jax.lax.axis_index(axis_name))`` (the state's key then varies
    over that axis: ``out_specs`` must say so).

    The mean follows its tensor's largest element: a finite spike heats the noise of all others
    for as long as ``nu`` remembers it (clip gradients before, if they spike). An element of ``nu``
    that has overflowed to infinity is left out of the mean. One that is NaN is not: as a bug, it
    shows in the whole tensor.

    After the cut-off the work is still done, on a σ of 0: on a CPU an update of ``thermolion``
    goes on to cost 1.9 to 2.7 times one of Adam, where without noise it costs 1.2 to 1.6 times
    (results/speed.md). The state does not depend on the temperature, so a long run may go on with
    ``temperature=0`` from there: the same updates for the price of one compilation.

    Args:
        temperature: T_0 >= 0, or a schedule of the 0-based step that gives it. A Python or
            NumPy 0 leaves the noise out of the program.
        decay: factor of the temperature a step, in [0, 1]. A Python float keeps its precision next
            to 1; as an array, or injected, it has the spacing of its dtype there, 6e-8 in float32.
        floor: the variance floor while the noise is on, >= 0; in the units of the updates squared.
        cutoff: the noise is off once decay^t is at most this, in [0, 1].
        key: an int of 32 bits, a legacy or a typed PRNG key, traced or not; see above on two of
            the same.
        normal: ``f(key, shape)`` returning standard normal numbers, such as
            ``jax.random.normal``; None is the library's own counter-based generator, which
            fuses into the update (3 to 8 times faster in all on a CPU). Its density is within
            0.1 % of the normal one to 2 sigma and 0.5 % to 4; its tails beyond 4, 4.5 and 5
            sigma weigh 0.996, 0.975 and 0.913 of the normal ones, and no number passes 7.95.

    Returns:
        A transformation with :class:`ThermalNoiseState`; updates keep their dtype.

    Raises:
        ValueError: for a value out of range or a ``nu`` that does not fit the updates.
        TypeError: for an argument of the wrong kind or leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from thermolion_optax import thermal_noise
        >>> tx = thermal_noise(temperature=1.0, decay=0.5)
        >>> params = jnp.zeros(100_000)
        >>> noise, state = tx.update(params, tx.init(params), nu=jnp.full(100_000, 4.0))
        >>> jax.tree.map(lambda n: round(float(n.std() / (0.5 * 4.0) ** 0.5), 2), noise)
        1.0

    References:
        ThermoLion (arXiv 2512.01881), Eq. 7; floor and cut-off: the authors' released code.
    """
    owner = "thermal_noise"
    temperature = _checks.scalar_or_schedule(owner, "temperature", temperature, 0)
    _checks.check_decay(owner, "decay", decay, open_high=False)
    _checks.check_scalar(owner, "floor", floor, 0)
    _checks.check_scalar(owner, "cutoff", cutoff, 0, 1)
    _checks.check_callable(owner, "normal", normal, "a function of (key, shape)")
    check_key(owner, key)
    always_off = _checks.concrete(temperature) == 0

    def init(params: optax.Params) -> ThermalNoiseState:
        del params
        count = jnp.zeros([], jnp.int32)
        first = temperature(count) if callable(temperature) else temperature
        first = _slots.float32_scalar(first)
        variance_floor = jnp.where(first > 0, _slots.float32_scalar(floor), 0)
        return ThermalNoiseState(count, key_words(key), first, variance_floor)

    def cool(state: ThermalNoiseState, count: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Temperature and variance floor of this update, both 0 once the noise is off."""
        dtype = jnp.result_type(float)
        base = temperature(state.count) if callable(temperature) else temperature
        cooled = power_of_decay(decay, count, dtype)
        current = jnp.asarray(base, dtype) * cooled
        # A power that equals the cut-off, as 0.1^2 does 0.01, is off whichever way it was rounded.
        on = (cooled > jnp.asarray(cutoff, dtype) * (1 + 1e-6)) & (current > 0)
        return jnp.where(on, current, 0), jnp.where(on, jnp.asarray(floor, dtype), 0)

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        *,
        nu: optax.Updates | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, ThermalNoiseState]:
        del params, extra_args
        state = _states.check_state(owner, state, ThermalNoiseState)
        count = jnp.asarray(optax.safe_increment(state.count))
        if always_off:
            # Two buffers: one that stands twice in a state could not be donated.
            zeros = jnp.zeros([], jnp.float32), jnp.zeros([], jnp.float32)
            return updates, ThermalNoiseState(count, state.key, *zeros)
        _check_trees(owner, updates, nu)
        current, variance_floor = cool(state, count)

        def add(u: ArrayLike, v: ArrayLike, seed: jax.Array) -> jax.Array:
            u = jnp.asarray(u)
            dtype = _trees.compute_dtype(u)
            std = noise_std(jnp.asarray(v), current, variance_floor)
            noise = std.astype(dtype) * _draw(owner, normal, seed, u.shape).astype(dtype)
            return (u.astype(dtype) + noise).astype(u.dtype)

        if nu is None:
            nu = _trees.map_leaves(lambda u: jnp.square(_trees.widen(u)), updates)
        noisy = _trees.map_leaves(add, updates, nu, _seeds(state, updates))
        telemetry = current.astype(jnp.float32), variance_floor.astype(jnp.float32)
        return noisy, ThermalNoiseState(count, state.key, *telemetry)

    return optax.GradientTransformationExtraArgs(init, update)


def _seeds(state: ThermalNoiseState, updates: optax.Updates) -> optax.Updates:
    """The seed words of every leaf at this step, a tree like the updates."""
    paths, treedef = jax.tree.flatten(_trees.paths(updates))
    return jax.tree.unflatten(treedef, _generator.seeds(state.key, state.count, paths))


def _draw(owner: str, normal: Normal | None, seed: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Standard normal numbers of ``shape``, from the library's generator or the caller's."""
    if normal is None:
        return _generator.normal(seed, shape)
    drawn = normal(jax.random.wrap_key_data(seed, impl="threefry2x32"), shape)
    draw = _checks.returned_array(owner, "normal", drawn, "an array of normal numbers")
    if draw.shape != shape:
        raise ValueError(
            f"{owner}: normal returned shape {draw.shape} where {shape} was asked for."
        )
    return draw


def _check_trees(owner: str, updates: optax.Updates, nu: optax.Updates | None) -> None:
    _tree_checks.check_leaves(owner, "updates", updates)
    if nu is not None:
        _tree_checks.check_structure(owner, "nu", nu, updates, hint=_tree_checks.LIKE_UPDATES)
        for path, u, v in _trees.leaves_with_path(updates, nu):
            _tree_checks.check_leaf(owner, "nu", path, v)
            _tree_checks.check_shape(owner, "nu", path, v, u, "the updates have")
