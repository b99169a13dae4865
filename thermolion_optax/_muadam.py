"""MuAdam: Nesterov-Adam without bias correction, as ThermoLion's benchmark runs it."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from thermolion_optax import _checks
from thermolion_optax._baselines import check_fits, check_tree, like, wide_zeros, widen
from thermolion_optax._moments import safe_divide


def scale_by_muadam(
    b1: Any = 0.9, b2: Any = 0.999, eps: Any = 1e-8
) -> optax.GradientTransformation:
    """Rescale updates by Nesterov-Adam's rule without bias correction.

    With m ← b1·m + (1-b1)·g and v ← b2·v + (1-b2)·g² the update is
    (b1·m + (1-b1)·g) / (√v + eps). See `muadam` for the arguments.

    Args:
        b1: decay of the first moment, in [0, 1).
        b2: decay of the second moment, in [0, 1).
        eps: added to √v, at least 0.

    Returns:
        A transformation whose state is an `optax.ScaleByAdamState`.

    Raises:
        ValueError: a concrete hyperparameter outside its range.
        TypeError: a complex leaf.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> tx = scale_by_muadam()
        >>> step, _ = tx.update(jnp.array(2.0), tx.init(jnp.array(0.0)))
        >>> round(float(step), 3)  # 0.19 / sqrt(0.001), whatever the gradient's size
        6.008

    Source: the benchmark released with ThermoLion (arXiv 2512.01881).
    """
    owner = "muadam"
    _checks.check_scalar(owner, "b1", b1, 0, 1, open_high=True)
    _checks.check_scalar(owner, "b2", b2, 0, 1, open_high=True)
    _checks.check_scalar(owner, "eps", eps, 0)

    def init(params: optax.Params) -> optax.ScaleByAdamState:
        check_tree(owner, "params", params)
        return optax.ScaleByAdamState(
            count=jnp.zeros([], jnp.int32),
            mu=jax.tree.map(jnp.zeros_like, params),
            nu=jax.tree.map(wide_zeros, params),
        )

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        del params
        check_tree(owner, "updates", updates)
        check_fits(owner, updates, state.mu)

        def ema(decay: Any, old: jax.Array, new: jax.Array) -> jax.Array:
            return like(new, decay) * widen(old) + like(new, 1 - decay) * new

        grads = jax.tree.map(widen, updates)
        mu = jax.tree.map(lambda g, m: ema(b1, m, g), grads, state.mu)
        nu = jax.tree.map(lambda g, v: ema(b2, v, g * g), grads, state.nu)
        steps = jax.tree.map(
            lambda g, m, v: safe_divide(ema(b1, m, g), jnp.sqrt(v) + like(v, eps)), grads, mu, nu
        )
        steps = jax.tree.map(
            lambda s, g, m: s.astype(jnp.result_type(g, m)), steps, updates, state.mu
        )
        return steps, optax.ScaleByAdamState(
            count=optax.safe_increment(state.count),
            mu=optax.tree.cast_like(mu, state.mu),
            nu=optax.tree.cast_like(nu, state.nu),
        )

    return optax.GradientTransformation(init, update)


def muadam(
    learning_rate: optax.ScalarOrSchedule = 1e-3,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
) -> optax.GradientTransformation:
    """Nesterov-Adam without bias correction, the rule that ThermoLion's benchmark calls MuAdam.

    The ThermoLion paper cites Muon for it, but no matrix is orthogonalised here; Muon itself is
    `optax.contrib.muon`. Per element, with m = v = 0 before the first step:

        m ← b1·m + (1-b1)·g
        v ← b2·v + (1-b2)·g²
        θ ← θ - η·(b1·m + (1-b1)·g) / (√v + eps)

    Without bias correction the first steps are large: 6.0 η for any gradient at the defaults.

    Args:
        learning_rate: η, a number, a traced scalar or a schedule of the 0-based step count.
        b1: decay of the first moment, in [0, 1).
        b2: decay of the second moment, in [0, 1).
        eps: added to √v (in the gradient's units), at least 0.

    Returns:
        An optax transformation. Arithmetic and v are in at least float32, m has the parameters'
        dtype, and updates the dtype that `optax.adamw` would give them.

    Raises:
        ValueError: a concrete hyperparameter outside its range.
        TypeError: a complex leaf.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> tx = muadam(1e-3)
        >>> params = jnp.array([1.0, -1.0])
        >>> state = tx.init(params)
        >>> updates, state = tx.update(params, state, params)
        >>> [round(float(x), 4) for x in optax.apply_updates(params, updates)]
        [0.994, -0.994]

    Source: the benchmark released with ThermoLion (arXiv 2512.01881), in whose text it is "Muon".
    """
    _checks.check_scalar("muadam", "learning_rate", learning_rate, 0, schedule=True)
    return optax.chain(scale_by_muadam(b1, b2, eps), optax.scale_by_learning_rate(learning_rate))
