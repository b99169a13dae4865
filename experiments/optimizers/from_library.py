"""The optimizers that are thermolion_optax's own, at their settings here.

Those of the paper's benchmark are at its released settings. As in `from_optax`, factories import
what they need themselves. The library refuses what is out of range, so nothing is checked twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from experiments.optimizers import from_optax
from experiments.optimizers.overrides import check_settings, is_number, is_whole

if TYPE_CHECKING:
    import optax

    from experiments.optimizers.types import Key, Pair, Rate, Scalar


def muadam(
    learning_rate: Rate = 1e-3, b1: Scalar = 0.9, b2: Scalar = 0.999, eps: Scalar = 1e-8
) -> optax.GradientTransformation:
    """MuAdam as run: Nesterov-Adam without bias correction, not Muon."""
    import thermolion_optax

    return thermolion_optax.muadam(learning_rate, b1, b2, eps)


def lookahead(
    learning_rate: Rate = 1e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    eps: Scalar = 1e-8,
    sync_period: int = 5,
    slow_step_size: Scalar = 0.5,
    variant: str = "published",
) -> optax.GradientTransformation:
    """Lookahead around Adam; as run it re-copies the slow weights (variant=as-run)."""
    import thermolion_optax

    if variant not in ("published", "as-run"):
        raise ValueError(f"variant = {variant!r}, but must be 'published' or 'as-run'")
    fast = from_optax.adam(learning_rate, b1, b2, eps)
    recopy = variant == "as-run"
    return thermolion_optax.lookahead(fast, sync_period, slow_step_size, recopy=recopy)


def swats(
    learning_rate: Rate = 1e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    eps: Scalar = 1e-8,
    switch: int | Literal["criterion"] = 300,
    tolerance: Scalar = 1e-9,
) -> optax.GradientTransformation:
    """SWATS as run: Adam for 300 steps, then SGD; the authors' own is switch=criterion."""
    import thermolion_optax

    return thermolion_optax.swats(learning_rate, b1, b2, eps, switch=switch, tolerance=tolerance)


def swa(
    learning_rate: Rate = 1e-2,
    start_epoch: int | None = None,
    *,
    steps_per_epoch: int,
    total_steps: int,
) -> Pair:
    """SWA: SGD without momentum, evaluated at the average of the later epochs' ends.

    Without a `start_epoch` the second half is averaged: the ends of epochs 7 to 12 of 12.
    """
    import optax

    import thermolion_optax

    if start_epoch is not None and not is_whole(start_epoch):
        raise ValueError(f"start_epoch = {start_epoch!r}, but must be a whole number, at least 1")
    if start_epoch is None:
        start_epoch = total_steps // steps_per_epoch // 2 + 1
    tx = thermolion_optax.stochastic_weight_averaging(
        optax.sgd(learning_rate), start_epoch * steps_per_epoch, steps_per_epoch
    )
    return tx, thermolion_optax.averaged_params


def thermolion(
    learning_rate: Rate = 1e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.99,
    eps: Scalar = 1e-8,
    solid_scale: Scalar = 2.0,
    boost: Scalar = 0.5,
    temperature: Scalar = 1.0,
    temperature_decay: Scalar = 0.99,
    weight_decay: Scalar = 1e-2,
    exponent: Scalar = 0.5,
    gate: float | str = "tanh",
    noise_units: Literal["learning_rate", "parameter"] = "learning_rate",
    bias_correction: bool = False,
    *,
    key: Key = 0,
) -> optax.GradientTransformation:
    """ThermoLion as released.

    Its parts are toggled singly: boost=0, temperature=0, solid_scale=1, weight_decay=0, another
    gate (see `variants.gate_of`; gate=0 is all gas, gate=1 all solid), and bias_correction=true.
    The latter needs no second implementation: a bias-corrected average is the plain one whose
    decay in step t is b·(1 - b^(t-1)) / (1 - b^t), a schedule.
    """
    import optax

    import thermolion_optax
    from experiments.optimizers import variants

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
            gate=variants.gate_of(gate),
            noise_units=noise_units,
            key=key,
        )

    if not isinstance(bias_correction, bool):
        raise ValueError(f"bias_correction = {bias_correction!r}, but must be true or false")
    plain = make(b1, b2)  # also checks b1 and b2 as the numbers they are
    if not bias_correction:
        return plain
    return optax.inject_hyperparams(make)(b1=variants.unbiased(b1), b2=variants.unbiased(b2))


def smes(
    learning_rate: Rate = 0.0656,
    alpha: Scalar = 0.25,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    eps: Scalar = 1.53e-4,
    weight_decay: Scalar = 0.0,
) -> optax.GradientTransformation:
    """SMES halfway between SGD (alpha=0) and Adam (alpha=0.5); no published settings.

    A step has the units of g^(1 - 2 alpha), so each alpha needs a rate of its own. This rate and
    eps are those that validation prefers at alpha = ¼ over three data sets (`results/smes.md`),
    for gradients of size 2.3e-4, the sets' typical one.
    """
    import thermolion_optax

    return thermolion_optax.smes(learning_rate, alpha, b1, b2, eps, weight_decay=weight_decay)


def scaled_smes(
    learning_rate: Rate = 1e-3,
    alpha: Scalar = 0.25,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    eps: Scalar = 1e-8,
    gradient_size: Scalar = 1.0,
    cycles: int | None = None,
    amsgrad: bool = False,
    *,
    total_steps: int,
) -> optax.GradientTransformation:
    """SMES on gradients in units of their size s, so that all alpha share Adam's learning rate.

    m/s over (v/s^2)^alpha + eps is SMES at the rate times s^(2 alpha - 1) and the eps times
    s^(2 alpha). With `cycles` alpha swings so many times as a cosine, from twice its value, where
    it begins and ends, down to 0: a schedule of our own after Natural Spectral Fusion
    (arXiv 2509.04713). `amsgrad` is Padam's running maximum.
    """
    import optax

    import thermolion_optax
    from experiments.optimizers import variants

    if cycles is not None and not is_whole(cycles):
        raise ValueError(f"cycles = {cycles!r}, but must be a whole number, at least 1")
    if is_number(gradient_size) and not 0 < gradient_size < float("inf"):
        raise ValueError(f"gradient_size = {gradient_size!r}, but must be finite and above 0")
    exponent = alpha if cycles is None else variants.swinging(alpha, cycles, total_steps)
    return optax.chain(
        optax.scale(1 / gradient_size),
        thermolion_optax.smes(learning_rate, exponent, b1, b2, eps, amsgrad=amsgrad),
    )


def grafted(
    learning_rate: Rate = 1e-3,
    direction: str = "thermolion",
    magnitude: str = "adam",
    weight_decay: Scalar = 1e-2,
    *,
    key: Key = 0,
) -> optax.GradientTransformation:
    """The direction of one optimizer with the other's norm, tensor by tensor: thermolion or adam.

    Both parts at their settings here, joined before decay and rate; adam for both is AdamW.
    """
    import optax

    import thermolion_optax
    from experiments.optimizers import variants

    along, length = (
        variants.part(name, argument, key)
        for name, argument in ((direction, "direction"), (magnitude, "magnitude"))
    )
    check_settings(weight_decay=weight_decay)
    return optax.chain(
        thermolion_optax.graft(along, length),
        optax.add_decayed_weights(weight_decay),
        optax.scale_by_learning_rate(learning_rate),
    )
