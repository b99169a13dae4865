"""The gradient's distortion: how unequal its size is from leaf to leaf, read and adjusted."""

from typing import Any, NamedTuple, TypedDict

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from thermolion_optax import _checks, _states, _tree_checks
from thermolion_optax._rms import scaled_rms
from thermolion_optax._telemetry import Statistic


class GradientDistortion(TypedDict):
    """What :func:`gradient_distortion` returns; its docstring says what each key is."""

    rms: Statistic
    distortion: Statistic


class NormalizeDistortionState(NamedTuple):
    """State of :func:`normalize_distortion` where its strength is a schedule.

    Attributes:
        count: updates so far, int32 scalar; the 0-based argument of the schedule.
    """

    count: jax.Array


def gradient_distortion(grads: optax.Updates) -> GradientDistortion:
    r"""Measures each leaf's gradient against the geometric mean over the leaves.

    .. math::
        R_l = \sqrt{\mathrm{mean}(g_l^2)}, \qquad
        \bar R = \exp\big(\mathrm{mean}_l \log R_l\big), \qquad d_l = R_l / \bar R

    d is 1 in every leaf where the gradient is as large everywhere; it falls towards the input
    where gradients vanish, and rises where they explode. Leaves of zeros, leaves without
    elements and leaves that hold inf or NaN are left out of the means. The SMES paper names the
    estimate of a distortion, but its full text was not at hand: this definition is ours.

    A pure function; it may be called inside jit, scan and vmap. On leaves that are sharded by
    jit the sizes are the whole leaves'; inside ``jax.shard_map`` those of each device's pieces.

    Args:
        grads: a tree of real floating-point arrays, also as ``nnx.grad`` returns it; None and
            masked leaves are left out.

    Returns:
        A dict of two statistics, each ``{"all": x, "leaves": {path: x}}`` with arrays of shape
        () and of at least float32:

        - ``rms``: R of each leaf; "all" is the geometric mean, 0 where there is nothing in it.
        - ``distortion``: d of each leaf; "all" is their geometric standard deviation, the
          exponential of the root mean square of log d: 1 where all leaves are alike.

        Both are 0 in a leaf of zeros (processors may take subnormal numbers for 0) and inf or
        NaN in a leaf that holds such. Leaves without elements have no statistics.

    Raises:
        TypeError: for leaves that are not real floats.

    Example:
        >>> import jax.numpy as jnp
        >>> from thermolion_optax import gradient_distortion
        >>> found = gradient_distortion({"first": jnp.full(3, 1e-4), "last": jnp.full(5, 1e-2)})
        >>> round(float(found["rms"]["all"]), 5)
        0.001
        >>> {path: round(float(x), 3) for path, x in found["distortion"]["leaves"].items()}
        {"['first']": 0.1, "['last']": 10.0}
        >>> round(float(found["distortion"]["all"]), 3)
        10.0

    References:
        The purpose is that of SMES (arXiv 2405.18498).
    """
    owner = "gradient_distortion"
    grads = _tree_checks.unwrap(owner, "grads", grads)
    _tree_checks.check_leaves(owner, "grads", grads)
    leaves = jax.tree_util.tree_leaves_with_path(grads)
    log_rms = _log_rms([leaf for _, leaf in leaves])
    counted = jnp.isfinite(log_rms)
    mean = _mean(log_rms, counted)
    spread = jnp.sqrt(_mean(jnp.square(_away(log_rms, mean, counted)), counted))
    empty = ~counted.any()
    paths = [
        (i, jax.tree_util.keystr(p)) for i, (p, leaf) in enumerate(leaves) if jnp.size(leaf) > 0
    ]
    return {
        "rms": {
            "all": jnp.where(empty, 0, jnp.exp(mean)),
            "leaves": {path: jnp.exp(log_rms[i]) for i, path in paths},
        },
        "distortion": {
            "all": jnp.exp(spread),
            "leaves": {path: jnp.exp(log_rms[i] - mean) for i, path in paths},
        },
    }


def normalize_distortion(
    strength: optax.ScalarOrSchedule = 1.0,
) -> optax.GradientTransformationExtraArgs:
    r"""Rescales each leaf by its distortion to the power -strength.

    .. math::
        u_l \leftarrow u_l \, d_l^{-\mathrm{strength}}

    with d as :func:`gradient_distortion` measures it in the incoming updates. Put it before any
    optimizer: 0 changes nothing, bit for bit, 1 gives every leaf the root mean square
    :math:`\bar R`, and between them the leaves' logarithmic distances shrink in proportion.
    :math:`\bar R` itself stays as it is.

    Leaves of zeros and leaves that hold inf or NaN stay as they are, and neither changes what
    becomes of the others. Under ``optax.masked`` and ``optax.partition`` the leaves of one group
    are measured against each other only. On leaves that are sharded by jit the sizes are the
    whole leaves'; inside ``jax.shard_map`` those of each device's pieces.

    Args:
        strength: the power, in [0, 1], or a schedule of the 0-based step; may be traced. What a
            schedule returns is held to that range where it can be read: not where it is traced,
            as what depends on the step is under jit.

    Returns:
        A transformation without state, or, for a schedule, with
        :class:`NormalizeDistortionState`. Updates keep their dtype; arithmetic is at least
        float32 and cannot overflow before the result would.

    Raises:
        ValueError: for a strength out of range, or a schedule that returned one.
        TypeError: for an argument of the wrong kind or leaves that are not real floats.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from thermolion_optax import normalize_distortion
        >>> tx = optax.chain(normalize_distortion(0.5), optax.sgd(1.0))
        >>> g = {"first": jnp.array([-1e-4]), "last": jnp.array([-1e-2])}
        >>> updates, _ = tx.update(g, tx.init(g))
        >>> jax.tree.map(lambda u: round(float(u[0]), 6), updates)
        {'first': 0.000316, 'last': 0.003162}

    References:
        The purpose is that of SMES (arXiv 2405.18498); the rule is ours.
    """
    owner = "normalize_distortion"
    strength = _checks.scalar_or_schedule(owner, "strength", strength, 0, 1)

    def init(params: optax.Params) -> NormalizeDistortionState | optax.EmptyState:
        del params
        if callable(strength):
            return NormalizeDistortionState(jnp.zeros([], jnp.int32))
        return optax.EmptyState()

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, NormalizeDistortionState | optax.EmptyState]:
        del params, extra_args
        _tree_checks.check_leaves(owner, "updates", updates)
        if callable(strength):
            count = _states.check_state(owner, state, NormalizeDistortionState).count
            power = strength(count)
            _checks.check_scalar(owner, "what the schedule strength returned", power, 0, 1)
            after = NormalizeDistortionState(jnp.asarray(optax.safe_increment(count)))
        else:
            power, after = strength, _states.check_state(owner, state, optax.EmptyState)
        leaves, treedef = jax.tree.flatten(updates)
        log_rms = _log_rms(leaves)
        power = jnp.asarray(power, log_rms.dtype)
        # The factor's square root, to be used twice: the factor itself may overflow where what
        # it makes of the leaf does not.
        counted = jnp.isfinite(log_rms)
        root = jnp.exp(-0.5 * power * _away(log_rms, _mean(log_rms, counted), counted))
        changes = counted & (power != 0)
        rescaled = [
            _rescale(leaf, root[i], changes[i]) for i, leaf in enumerate(map(jnp.asarray, leaves))
        ]
        return jax.tree.unflatten(treedef, rescaled), after

    return optax.GradientTransformationExtraArgs(init, update)


def _log_rms(leaves: list[ArrayLike]) -> jax.Array:
    """Logarithms of the leaves' root mean squares, shape (leaves,); -inf for zeros."""
    sizes = [scaled_rms(leaf) for leaf in leaves]
    return jnp.array([jnp.log(scale) + _log(ratio) for scale, ratio in sizes])


def _log(ratio: jax.Array) -> jax.Array:
    """The logarithm, whose derivative at 0 is 0: a leaf of zeros takes no part."""
    return jnp.where(ratio == 0, -jnp.inf, jnp.log(jnp.where(ratio == 0, 1, ratio)))


def _mean(values: jax.Array, counted: jax.Array) -> jax.Array:
    return jnp.where(counted, values, 0).sum() / jnp.maximum(counted.sum(), 1)


def _away(values: jax.Array, mean: jax.Array, counted: jax.Array) -> jax.Array:
    """Distances to the mean, 0 for what does not count, so that no derivative is 0 times inf."""
    return jnp.where(counted, values - mean, 0)


def _rescale(leaf: jax.Array, root: jax.Array, changes: jax.Array) -> jax.Array:
    return jnp.where(changes, (leaf.astype(root.dtype) * root * root).astype(leaf.dtype), leaf)
