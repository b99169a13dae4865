"""The two moments of a gradient, leaf by leaf: shared by the gate and by SMES."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from thermolion_optax import _checks, _trees


class Moments(NamedTuple):
    """One step's moments as flat lists; an entry is None where the updates have a hole.

    Attributes:
        flat: the updates, taken apart.
        mu: first moments in working precision, after this step.
        nu: second moments in working precision, after this step.
        slots: the stored (mu, nu) before this step, flat.
        dtypes: what each leaf's update is to be cast to.
    """

    flat: _trees.Flat
    mu: list[Any]
    nu: list[Any]
    slots: tuple[list[Any], list[Any]]
    dtypes: list[Any]

    def map(self, f: Callable[..., Any], *lists: list[Any]) -> list[Any]:
        """``f`` of the lists' entries, leaf by leaf; None at the holes."""
        return [
            None if m is None else f(*entries) for m, *entries in zip(self.mu, *lists, strict=True)
        ]

    def tree(self, leaves: list[Any]) -> Any:
        """A flat list as a tree like the updates, with their holes."""
        return self.flat.build(
            [
                old if m is None else new
                for m, old, new in zip(self.mu, self.flat.leaves, leaves, strict=True)
            ]
        )

    def stored(self) -> tuple[Any, Any]:
        """The new (mu, nu) in the dtype of their slots; slots behind a hole stay as they are."""

        def store(slots, moments):
            return self.flat.build(
                [
                    slot if m is None else m.astype(slot.dtype)
                    for slot, m in zip(slots, moments, strict=True)
                ]
            )

        return store(self.slots[0], self.mu), store(self.slots[1], self.nu)


def advance(owner: str, updates: Any, mu: Any, nu: Any, params: Any, b1: Any, b2: Any) -> Moments:
    """Moments after ``updates``: m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2."""
    flat = _trees.flatten(updates)
    mu_slots = flat.align(owner, "the state's mu", mu)
    nu_slots = flat.align(owner, "the state's nu", nu)
    if params is None:
        param_leaves = [None] * len(flat.leaves)
    else:
        param_leaves = flat.align(owner, "params", params)

    new_mu, new_nu, dtypes = [], [], []
    leaves = zip(flat.paths, flat.leaves, mu_slots, nu_slots, param_leaves, strict=True)
    for path, g, m, v, p in leaves:
        if _trees.is_hole(g):
            new_mu.append(None)
            new_nu.append(None)
            dtypes.append(None)
            continue
        _trees.check_leaf(owner, "updates", path, g)
        what, way_out = f"updates{path}", _trees.OF_THESE_PARAMETERS
        _trees.check_shape(owner, what, g, m, "the state was initialised with", way_out)
        if params is not None:
            what, way_out = f"params{path}", "Pass the parameters that these gradients belong to."
            _trees.check_shape(owner, what, p, g, "the updates have", way_out)
        dtype = _trees.work_dtype(g, m, v)
        g = jnp.asarray(g)
        dtypes.append(jnp.result_type(g, m) if p is None else jnp.result_type(g, m, p))
        g, m, v = g.astype(dtype), m.astype(dtype), v.astype(dtype)
        new_mu.append(_average(b1, m, g))
        new_nu.append(_average(b2, v, g * g))
    return Moments(flat, new_mu, new_nu, (mu_slots, nu_slots), dtypes)


def safe_divide(numerator: jax.Array, denominator: jax.Array, positive: bool = False) -> jax.Array:
    """The quotient, 0 where the denominator is 0; ``positive`` promises that it never is."""
    if positive:
        return numerator / denominator
    zero = denominator == 0
    return jnp.where(zero, 0, numerator / jnp.where(zero, 1, denominator))


def add_eps(x: jax.Array, eps: Any) -> jax.Array:
    """``x + eps`` in the precision of ``x``, also for a traced eps of another dtype."""
    return x + (eps if isinstance(eps, float | int) else jnp.asarray(eps, x.dtype))


def is_positive(eps: Any) -> bool:
    """Whether eps is known to be above 0 on a processor that takes subnormal numbers for 0."""
    value = _checks.concrete(eps)
    return value is not None and value >= float(jnp.finfo(jnp.float32).tiny)


def _average(decay: Any, old: jax.Array, new: jax.Array) -> jax.Array:
    # A Python float keeps 1 - decay exact to double precision; a traced one is as it came.
    if not isinstance(decay, float | int):
        decay = jnp.asarray(decay, old.dtype)
    return decay * old + (1 - decay) * new
