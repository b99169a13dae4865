"""Decoupled weight decay that asks for ``params`` only where it needs them."""

from typing import Any

import jax
import optax

from thermolion_optax import _checks


def decayed_weights(
    owner: str, weight_decay: optax.ScalarOrSchedule, mask: optax.MaskOrFn
) -> optax.GradientTransformation:
    """``optax.add_decayed_weights``; a concrete 0 passes updates through, with or without params.

    The state is the same in both cases, so that a run may go on with another decay.
    """
    _checks.check_scalar(owner, "weight_decay", weight_decay, 0, schedule=True)
    _checks.check_mask(owner, mask)
    decay = optax.add_decayed_weights(weight_decay, mask)
    off = _checks.concrete(weight_decay) == 0

    def init(params: optax.Params) -> optax.OptState:
        if mask is not None and not callable(mask):
            try:
                jax.tree.map(lambda flag, _: flag, mask, params)
            except (ValueError, TypeError) as error:
                raise ValueError(
                    f"{owner}: mask does not have the structure of the parameters. Found "
                    f"{jax.tree.structure(mask)}, expected {jax.tree.structure(params)} or the "
                    "beginning of it, with a boolean for each leaf or subtree."
                ) from error
        return decay.init(params)

    def update(
        updates: optax.Updates, state: Any, params: optax.Params | None = None
    ) -> tuple[optax.Updates, optax.OptState]:
        if off:
            return updates, state
        if params is None:
            raise ValueError(
                f"{owner}: params is None, but weight_decay = {weight_decay} needs the parameters. "
                "Call tx.update(grads, state, params), or set weight_decay=0.0."
            )
        return decay.update(updates, state, params)

    return optax.GradientTransformation(init, update)
