"""Decoupled weight decay that asks for ``params`` only where it needs them."""

import jax
import optax

from thermolion_optax import _checks, _masks, _states, _trees


def decayed_weights(
    owner: str, weight_decay: optax.ScalarOrSchedule, mask: optax.MaskOrFn
) -> optax.GradientTransformation:
    """``optax.add_decayed_weights``; a Python or NumPy 0 needs no params.

    The state is the same in both cases, so that a run may go on with another decay.
    """
    weight_decay = _checks.scalar_or_schedule(owner, "weight_decay", weight_decay, 0)
    mask = _masks.check_mask(owner, mask)
    decay = optax.add_decayed_weights(weight_decay, mask)
    off = _checks.concrete(weight_decay) == 0

    def init(params: optax.Params) -> optax.OptState:
        # Nothing to compare where optax.tree.map_params asks with a placeholder, without leaves.
        if mask is not None and not callable(mask) and jax.tree.leaves(params):
            _masks.check_prefix(owner, "mask", mask, params, "the parameters")
        return decay.init(params)

    def update(
        updates: optax.Updates, state: optax.OptState, params: optax.Params | None = None
    ) -> tuple[optax.Updates, optax.OptState]:
        if off:
            return updates, state
        if params is None:
            raise ValueError(
                f"{owner}: params is None, but weight_decay needs the parameters. "
                "Call tx.update(grads, state, params), or set weight_decay=0.0 (under "
                "optax.inject_hyperparams, name it in static_args as well)."
            )
        counted = state
        if mask is not None:
            counted = _states.check_state(owner, state, optax.MaskedState).inner_state
        _states.check_count(owner, counted, weight_decay)
        # What is masked in the updates alone is masked for optax, too.
        params = _trees.map_leaves(lambda _, p: p, updates, params)
        return decay.update(updates, state, params)

    return optax.GradientTransformation(init, update)
