"""Whose state it is: transformations that refuse another's, by name."""

from typing import Any, NoReturn, TypeVar

import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from thermolion_optax._tree_checks import article

State = TypeVar("State")


def check_state(owner: str, state: optax.OptState, kind: type[State]) -> State:
    """The state, by its type; raises a TypeError unless it is what the owner's init returns."""
    if not isinstance(state, kind):
        raise_other_state(owner, state, article(kind.__name__))
    return state


def raise_other_state(owner: str, state: optax.OptState, wanted: str) -> NoReturn:
    """Raises the TypeError that says which transformation got whose state."""
    found = article(type(state).__name__)
    if isinstance(state, tuple | list) and not hasattr(state, "_fields"):
        found += f" of ({', '.join(type(x).__name__ for x in state)})"
    raise TypeError(
        f"{owner}: state is {found}, but must be {wanted}, as {owner}'s init or update returned it."
        " Call update(grads, state, params) with the state of this very transformation."
    )


def check_single(owner: str, scalar: ArrayLike) -> None:
    """Raises a ValueError if a state's ``scalar`` is that of several runs, stacked."""
    if shape := jnp.shape(scalar):
        raise ValueError(
            f"{owner}: opt_state holds the states of runs stacked as {shape}, but must be that of "
            f"one. Call it as jax.vmap({owner})."
        )


def chain(
    owner: str, *parts: optax.GradientTransformation
) -> optax.GradientTransformationExtraArgs:
    """``optax.chain`` for the parts of ``owner``, which it names where it gets another's state."""
    chained = optax.chain(*parts)

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        **extra_args: Any,
    ) -> tuple[optax.Updates, optax.OptState]:
        named = hasattr(state, "_fields")
        if named or not isinstance(state, tuple | list) or len(state) != len(parts):
            raise_other_state(owner, state, f"the tuple of its {len(parts)} parts' states")
        return chained.update(updates, state, params, **extra_args)

    return optax.GradientTransformationExtraArgs(chained.init, update)


def scale_by_learning_rate(
    owner: str, learning_rate: optax.ScalarOrSchedule
) -> optax.GradientTransformation:
    """``optax.scale_by_learning_rate`` that names ``owner`` where it gets another's state."""
    tx = optax.scale_by_learning_rate(learning_rate)

    def update(
        updates: optax.Updates, state: optax.OptState, params: optax.Params | None = None
    ) -> tuple[optax.Updates, optax.OptState]:
        check_count(owner, state, learning_rate)
        return tx.update(updates, state, params)

    return optax.GradientTransformation(tx.init, update)


def check_count(owner: str, state: optax.OptState, schedule: Any) -> None:
    """Raises a TypeError if ``schedule`` is one, but ``state`` has no count of steps for it."""
    if callable(schedule) and callable(getattr(state, "count", len)):  # a tuple's own method
        raise_other_state(owner, state, "one with a count for its schedule")
