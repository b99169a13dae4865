"""Each optimizer of the benchmark at its settings: the released benchmark's where it has one.

A factory's arguments are its hyperparameters and their defaults its settings in the paper
protocol; `key`, `steps_per_epoch` and `total_steps` come from the run. What a factory returns is
a transformation, or a pair of one and `eval_params(opt_state, params)`. The first line of its
docstring is what tables say about it. PyTorch's defaults are not always optax's, so every number
is written out.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

import thermolion_optax
from experiments.optimizers.overrides import INFINITY, check_range, is_whole
from thermolion_optax import averaged_params, stochastic_weight_averaging
from thermolion_optax import lookahead as lookahead_of
from thermolion_optax import muadam as muadam_of
from thermolion_optax import swats as swats_of

Scalar = Any
Pair = tuple[optax.GradientTransformation, Callable[[Any, Any], Any]]


def adam(
    learning_rate: Scalar = 1e-3, b1: Scalar = 0.9, b2: Scalar = 0.999, eps: Scalar = 1e-8
) -> optax.GradientTransformation:
    """Adam with PyTorch's defaults."""
    _check(learning_rate=learning_rate, b1=b1, b2=b2, eps=eps)
    return optax.adam(learning_rate, b1, b2, eps)


def adamw(
    learning_rate: Scalar = 1e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 1e-2,
) -> optax.GradientTransformation:
    """AdamW with PyTorch's defaults: decoupled decay of 0.01, optax's is 0.0001."""
    _check(learning_rate=learning_rate, b1=b1, b2=b2, eps=eps, weight_decay=weight_decay)
    return optax.adamw(learning_rate, b1, b2, eps, weight_decay=weight_decay)


def rmsprop(
    learning_rate: Scalar = 1e-3, decay: Scalar = 0.99, eps: Scalar = 1e-8
) -> optax.GradientTransformation:
    """RMSprop as PyTorch runs it: eps outside the root, v from 0, no momentum."""
    _check(learning_rate=learning_rate, decay=decay, eps=eps)
    return optax.rmsprop(learning_rate, decay, eps, initial_scale=0.0, eps_in_sqrt=False)


def lion(
    learning_rate: Scalar = 1e-3 / 3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.99,
    weight_decay: Scalar = 0.0,
) -> optax.GradientTransformation:
    """Lion with a third of Adam's learning rate and no weight decay."""
    _check(learning_rate=learning_rate, b1=b1, b2=b2, weight_decay=weight_decay)
    return optax.lion(learning_rate, b1, b2, weight_decay=weight_decay)


def muadam(
    learning_rate: Scalar = 1e-3, b1: Scalar = 0.9, b2: Scalar = 0.999, eps: Scalar = 1e-8
) -> optax.GradientTransformation:
    """MuAdam as run: Nesterov-Adam without bias correction, not Muon."""
    return muadam_of(learning_rate, b1, b2, eps)


def muon(
    learning_rate: Scalar = 0.02,
    beta: Scalar = 0.95,
    ns_steps: int = 5,
    weight_decay: Scalar = 0.0,
    adam_scale: Scalar = 0.015,
    adam_b1: Scalar = 0.9,
    adam_b2: Scalar = 0.95,
) -> optax.GradientTransformation:
    """Muon as cited (Keller Jordan's defaults); biases by Adam at 0.015 of its rate.

    0.02 with momentum 0.95, and 3e-4 = 0.015 · 0.02 with (0.9, 0.95) for the auxiliary Adam, are
    the defaults of the optimizer's released implementation; the two rates are tied so that one
    number can be tuned. Everything with two or more axes is orthogonalised, the output layer
    too; a convolution's kernel (height, width, in, out) as a matrix (height·width·in, out).
    optax gives the auxiliary Adam Muon's Nesterov step and eps.
    """
    _check(learning_rate=learning_rate, beta=beta, weight_decay=weight_decay)
    _check(adam_scale=adam_scale, adam_b1=adam_b1, adam_b2=adam_b2)
    if not is_whole(ns_steps):
        raise ValueError(f"ns_steps = {ns_steps!r}, but must be a whole number of at least 1")

    def as_matrix(leaf: jax.Array) -> Any:
        if leaf.ndim < 2:
            return None
        return optax.contrib.MuonDimensionNumbers(tuple(range(leaf.ndim - 1)), leaf.ndim - 1)

    return optax.contrib.muon(
        learning_rate,
        ns_steps=ns_steps,
        beta=beta,
        weight_decay=weight_decay,
        adam_b1=adam_b1,
        adam_b2=adam_b2,
        adam_learning_rate=adam_scale * learning_rate,
        muon_weight_dimension_numbers=lambda params: jax.tree.map(as_matrix, params),
    )


def lookahead(
    learning_rate: Scalar = 1e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    eps: Scalar = 1e-8,
    sync_period: int = 5,
    slow_step_size: Scalar = 0.5,
    variant: str = "published",
) -> optax.GradientTransformation:
    """Lookahead around Adam; as run it re-copies the slow weights (variant=as-run)."""
    if variant not in ("published", "as-run"):
        raise ValueError(f"variant = {variant!r}, but must be 'published' or 'as-run'")
    fast = adam(learning_rate, b1, b2, eps)
    return lookahead_of(fast, sync_period, slow_step_size, recopy=variant == "as-run")


def swats(
    learning_rate: Scalar = 1e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    eps: Scalar = 1e-8,
    switch: int | Literal["criterion"] = 300,
    tolerance: Scalar = 1e-9,
) -> optax.GradientTransformation:
    """SWATS as run: Adam for 300 steps, then SGD; the authors' own is switch=criterion."""
    return swats_of(learning_rate, b1, b2, eps, switch=switch, tolerance=tolerance)


def swa(
    learning_rate: Scalar = 1e-2,
    start_epoch: int | None = None,
    *,
    steps_per_epoch: int,
    total_steps: int,
) -> Pair:
    """SWA: SGD without momentum, evaluated at the average of the later epochs' ends.

    Without a `start_epoch` the second half is averaged: the ends of epochs 7 to 12 of 12.
    """
    _check(learning_rate=learning_rate)
    if start_epoch is not None and not is_whole(start_epoch):
        raise ValueError(f"start_epoch = {start_epoch!r}, but must be a whole number, at least 1")
    if start_epoch is None:
        start_epoch = total_steps // steps_per_epoch // 2 + 1
    first = start_epoch * steps_per_epoch
    tx = stochastic_weight_averaging(optax.sgd(learning_rate), first, steps_per_epoch)
    return tx, averaged_params


def thermolion(
    learning_rate: Scalar = 1e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.99,
    eps: Scalar = 1e-8,
    solid_scale: Scalar = 2.0,
    boost: Scalar = 0.5,
    temperature: Scalar = 1.0,
    temperature_decay: Scalar = 0.99,
    weight_decay: Scalar = 1e-2,
    exponent: Scalar = 0.5,
    gate: Any = None,
    noise_units: Literal["learning_rate", "parameter"] = "learning_rate",
    bias_correction: bool = False,
    *,
    key: Any = 0,
) -> optax.GradientTransformation:
    """ThermoLion as released.

    Its parts are toggled singly: boost=0, temperature=0, solid_scale=1, weight_decay=0, a
    constant gate (gate=0 is all gas, gate=1 all solid), and bias_correction=true. The latter
    needs no second implementation: a bias-corrected average is the plain one whose decay in step
    t is b·(1 - b^(t-1)) / (1 - b^t), a schedule.
    """

    def make(b1: Scalar, b2: Scalar) -> optax.GradientTransformation:
        return thermolion_optax.thermolion(
            learning_rate,
            b1,
            b2,
            eps,
            solid_scale=solid_scale,
            boost=boost,
            temperature=temperature,
            temperature_decay=temperature_decay,
            weight_decay=weight_decay,
            exponent=exponent,
            gate=_gate(gate),
            noise_units=noise_units,
            key=key,
        )

    if not isinstance(bias_correction, bool):
        raise ValueError(f"bias_correction = {bias_correction!r}, but must be true or false")
    plain = make(b1, b2)  # also checks b1 and b2 as the numbers they are
    if not bias_correction:
        return plain
    return optax.inject_hyperparams(make)(b1=_unbiased(b1), b2=_unbiased(b2))


def smes(
    learning_rate: Scalar = 3e-2,
    alpha: Scalar = 0.25,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 0.0,
) -> optax.GradientTransformation:
    """SMES halfway between SGD (alpha=0) and Adam (alpha=0.5); no published settings.

    A step has the units of g^(1 - 2 alpha), so each alpha needs a rate of its own; this one
    gave 0.8 of Adam's mean step on 800 MNIST images.
    """
    return thermolion_optax.smes(learning_rate, alpha, b1, b2, eps, weight_decay=weight_decay)


def _check(**given: Scalar) -> None:
    """Decays are in [0, 1), everything else is at least 0; optax checks neither."""
    decays = ("b1", "b2", "beta", "decay", "adam_b1", "adam_b2")
    check_range(**{n: (v, 0.0, 1.0 if n in decays else INFINITY) for n, v in given.items()})


def _gate(gate: Any) -> Callable[[jax.Array], jax.Array] | None:
    """None or "tanh" is ThermoLion's own; a number in [0, 1] is that constant."""
    if gate is None or gate == "tanh":
        return None
    if isinstance(gate, bool) or not isinstance(gate, int | float) or not 0 <= gate <= 1:
        raise ValueError(f"gate = {gate!r}, but must be tanh or a constant in [0, 1]")
    return lambda rho: jnp.full_like(rho, gate)


def _unbiased(decay: Scalar) -> optax.Schedule:
    """The decay of step t = count + 1 that makes a plain average the bias-corrected one."""
    return lambda count: decay * (1 - decay**count) / (1 - decay ** (count + 1))


FACTORIES: Mapping[str, Callable[..., optax.GradientTransformation | Pair]] = {
    factory.__name__: factory
    for factory in (
        adam,
        adamw,
        rmsprop,
        lion,
        muadam,
        muon,
        lookahead,
        swats,
        swa,
        thermolion,
        smes,
    )
}
