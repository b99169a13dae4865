"""The optimizers that optax has, at their settings here: the released benchmark's where it has one.

PyTorch's defaults are not always optax's, so every number is written out. Factories import optax
themselves: names, settings and search spaces are known without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.optimizers.overrides import check_settings, is_number, is_whole

if TYPE_CHECKING:
    import optax

    from experiments.optimizers.types import Pair, Rate, Scalar


def adam(
    learning_rate: Rate = 1e-3, b1: Scalar = 0.9, b2: Scalar = 0.999, eps: Scalar = 1e-8
) -> optax.GradientTransformation:
    """Adam with PyTorch's defaults."""
    import optax

    check_settings(b1=b1, b2=b2, eps=eps)
    return optax.adam(learning_rate, b1, b2, eps)


def adamw(
    learning_rate: Rate = 1e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 1e-2,
) -> optax.GradientTransformation:
    """AdamW with PyTorch's defaults: decoupled decay of 0.01, optax's is 0.0001."""
    import optax

    check_settings(b1=b1, b2=b2, eps=eps, weight_decay=weight_decay)
    return optax.adamw(learning_rate, b1, b2, eps, weight_decay=weight_decay)


def nadamw(
    learning_rate: Rate = 1e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 1e-2,
) -> optax.GradientTransformation:
    """NadamW: AdamW with Nesterov's step, at AdamW's settings.

    So that the two differ in the step alone; Dozat's Nadam (2016) has a rate of 0.002.
    """
    import optax

    check_settings(b1=b1, b2=b2, eps=eps, weight_decay=weight_decay)
    return optax.nadamw(learning_rate, b1, b2, eps, weight_decay=weight_decay)


def sgd(
    learning_rate: Rate = 1e-2, momentum: Scalar = 0.9, weight_decay: Scalar = 5e-4
) -> optax.GradientTransformation:
    """SGD with Nesterov momentum, and the rate, momentum and L2 penalty of AlexNet and VGG.

    Both are networks without normalisation layers, as the benchmark's. As in PyTorch the penalty
    joins the gradient, before the momentum, and the momentum is not damped: a constant gradient
    moves 1 / (1 - momentum) times the rate a step.
    """
    import optax

    check_settings(momentum=momentum, weight_decay=weight_decay)
    return optax.chain(
        optax.add_decayed_weights(weight_decay), optax.sgd(learning_rate, momentum, nesterov=True)
    )


def signum(
    learning_rate: Rate = 1e-4, b1: Scalar = 0.9, weight_decay: Scalar = 0.0
) -> optax.GradientTransformation:
    """Signum, the sign of the gradients' average: ThermoLion with gate, boost and noise at 0.

    0.9 is its authors' (Bernstein et al. 2018), who tune the rate; this is a tenth of Adam's, as
    Lion's authors advise for steps of signs. `optax.signum` with decoupled weight decay, which it
    has no place for, between the sign and the rate.
    """
    import optax

    check_settings(b1=b1, weight_decay=weight_decay)
    return optax.chain(
        optax.ema(b1, debias=False),
        optax.scale_by_sign(),
        optax.add_decayed_weights(weight_decay),
        optax.scale_by_learning_rate(learning_rate),
    )


def rmsprop(
    learning_rate: Rate = 1e-3, decay: Scalar = 0.99, eps: Scalar = 1e-8
) -> optax.GradientTransformation:
    """RMSprop as PyTorch runs it: eps outside the root, v from 0, no momentum."""
    import optax

    check_settings(decay=decay, eps=eps)
    return optax.rmsprop(learning_rate, decay, eps, initial_scale=0.0, eps_in_sqrt=False)


def lion(
    learning_rate: Rate = 1e-3 / 3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.99,
    weight_decay: Scalar = 0.0,
) -> optax.GradientTransformation:
    """Lion with a third of Adam's learning rate and no weight decay."""
    import optax

    check_settings(b1=b1, b2=b2, weight_decay=weight_decay)
    return optax.lion(learning_rate, b1, b2, weight_decay=weight_decay)


def muon(
    learning_rate: Rate = 0.02,
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
    As in optax's own Muon the auxiliary Adam has Muon's Nesterov step; its numbers are the same to
    rounding, in a third of the arithmetic.
    """
    import jax
    import optax

    from experiments.optimizers import newton_schulz

    check_settings(beta=beta, weight_decay=weight_decay)
    check_settings(adam_scale=adam_scale, adam_b1=adam_b1, adam_b2=adam_b2)
    if not is_whole(ns_steps):
        raise ValueError(f"ns_steps = {ns_steps!r}, but must be a whole number of at least 1")

    def kinds(params: optax.Params) -> object:
        return jax.tree.map(lambda leaf: "kernel" if leaf.ndim > 1 else "other", params)

    kernels = optax.chain(
        newton_schulz.scale_by_muon(beta, ns_steps),
        optax.add_decayed_weights(weight_decay),
        optax.scale_by_learning_rate(learning_rate),
    )
    auxiliary = _scaled(learning_rate, adam_scale)
    adam = optax.adam(auxiliary, adam_b1, adam_b2, nesterov=True)
    return optax.partition({"kernel": kernels, "other": adam}, kinds)


def schedule_free_adamw(
    learning_rate: Rate = 2.5e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 0.0,
) -> Pair:
    """Schedule-free AdamW at its authors' defaults, evaluated at its averaged parameters.

    Their advice is warm-up and no decay of the rate; the protocol decides on both. Later steps
    weigh by the square of the largest rate so far (`weight_lr_power` 2).
    """
    import optax

    check_settings(b1=b1, b2=b2, eps=eps, weight_decay=weight_decay)
    if is_number(b1) and b1 == 0:
        raise ValueError("b1 = 0, but must be above 0: it weighs the averaged parameters")
    rate: Any = learning_rate  # a schedule, too, though optax's annotation has none
    tx = optax.contrib.schedule_free_adamw(
        rate, b1=b1, b2=b2, eps=eps, weight_decay=weight_decay, weight_lr_power=2.0
    )
    return tx, optax.contrib.schedule_free_eval_params


def _scaled(rate: Rate, factor: Scalar) -> Rate:
    """A rate or a schedule of it, times a factor."""
    return (lambda count: factor * rate(count)) if callable(rate) else factor * rate
