"""What the gate does, taken from the optimizers themselves: to a number, a parameter, a network."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from experiments.networks import convnet
from experiments.networks.network import Params
from experiments.training import evaluation
from experiments.training.telemetry_log import Log, flat
from thermolion_optax import PhaseStatistics, phase_statistics

Array = jax.Array
Carry = tuple[Params, optax.OptState, optax.Updates]  # the last gradient at its end


class Driven(NamedTuple):
    """An optimizer's response to a stream of gradients; every array is (steps, parameters).

    Attributes:
        gradients: the stream.
        updates: what the optimizer returned.
        rho: |m| / √v by the moments after the step.
        aligned: whether m and the gradient have one sign.
    """

    gradients: np.ndarray
    updates: np.ndarray
    rho: np.ndarray
    aligned: np.ndarray


class Watched(NamedTuple):
    """A training run seen from inside.

    Attributes:
        steps: (records,) the steps after which the statistics were read.
        loss: (records,) training loss, the mean since the record before.
        log: the statistics as curves (records,), named as `telemetry_log.flat` does; among
            them "zero_gradient_share", the share of parameters whose last gradient was exactly 0
            (the weights of ReLUs that no image of the batch switched on).
    """

    steps: np.ndarray
    loss: np.ndarray
    log: Log


def update_at(
    tx: optax.GradientTransformation, rho: npt.ArrayLike, rms: float = 1.0, *, aligned: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """An optimizer's own update of parameters with given moments, late in training.

    The moments are put into the optimizer's state and one update is made with a gradient too
    small to matter but for its sign.

    Args:
        tx: an optimizer that keeps `mu` and, unless it is Lion, `nu` in its state. With learning
            rate 1 and neither noise nor weight decay the update is the factor of that rate.
        rho: ratios |m| / √v, (n,).
        rms: √v, in the gradient's units.
        aligned: whether that gradient has the momentum's sign.

    Returns:
        (rho, update): the ratios after that one update, which moved them slightly (Lion, which
        has no v: as given), and the lengths of the updates; both (n,).

    Example:
        >>> import optax
        >>> rho, update = update_at(optax.adam(1.0), [0.5, 1.0])
        >>> bool(np.allclose(rho, update, rtol=1e-4))
        True
    """
    params = jnp.zeros(np.shape(rho))
    given = jnp.asarray(rho, jnp.float32)
    state = optax.tree.set(tx.init(params), mu=given * rms)
    late = jnp.asarray(1_000_000, jnp.int32)  # every bias correction and annealing is over
    kept = {"nu": jnp.full_like(params, rms**2), "count": late}
    for name, value in kept.items():
        if optax.tree.get_all_with_path(state, name):
            state = optax.tree.set(state, **{name: value})
    gradient = (1e-4 if aligned else -1e-4) * given * rms
    updates, state = jax.jit(tx.update)(gradient, state, params)
    after = given
    if optax.tree.get_all_with_path(state, "nu"):
        after = jnp.abs(optax.tree.get(state, "mu")) / jnp.sqrt(optax.tree.get(state, "nu"))
    return np.asarray(after), np.abs(np.asarray(updates))


def drive(tx: optax.GradientTransformation, gradients: npt.ArrayLike) -> Driven:
    """Feeds a stream of gradients (steps, parameters) to an optimizer with `mu` and `nu`.

    Example:
        >>> from thermolion_optax import thermolion
        >>> driven = drive(thermolion(1.0, temperature=0.0, weight_decay=0.0), np.ones((5, 1)))
        >>> [round(float(x), 2) for x in driven.rho[:, 0]]
        [1.0, 1.35, 1.57, 1.73, 1.85]
    """
    gradients = jnp.asarray(gradients, jnp.float32)
    params = jnp.zeros(gradients.shape[1])

    @jax.jit
    def run(gradients: Array) -> tuple[optax.Updates, Array, Array]:
        def step(
            state: optax.OptState, gradient: Array
        ) -> tuple[optax.OptState, tuple[optax.Updates, Array, Array]]:
            updates, state = tx.update(gradient, state, params)
            mu, nu = optax.tree.get(state, "mu"), optax.tree.get(state, "nu")
            rho = jnp.where(nu > 0, jnp.abs(mu) / jnp.sqrt(nu), 0)
            return state, (updates, rho, mu * gradient > 0)

        return jax.lax.scan(step, tx.init(params), gradients)[1]

    return Driven(np.asarray(gradients), *map(np.asarray, run(gradients)))


def update_parts(
    driven: Driven, boost: float = 0.5, solid_scale: float = 2.0
) -> dict[str, np.ndarray]:
    """ThermoLion's step by its phases, without the noise: (1-λ)(1+A) and c·λ·ρ, from ρ.

    Example:
        >>> one = np.ones((1, 1))
        >>> parts = update_parts(Driven(one, one, one, one > 0))
        >>> {name: round(float(part[0, 0]), 3) for name, part in parts.items()}
        {'gate': 0.762, 'gas': 0.358, 'solid': 1.523}
    """
    gate = np.tanh(driven.rho)
    gas = np.where(driven.rho > 0, (1 - gate) * (1 + boost * driven.aligned), 0)
    return {"gate": gate, "gas": gas, "solid": solid_scale * gate * driven.rho}


def noisy_gradients(
    mean: npt.ArrayLike, parameters: int = 1, *, std: float = 1.0, seed: int = 0
) -> np.ndarray:
    """Normal gradients (steps, parameters) around a mean given for each step.

    Example:
        >>> noisy_gradients(np.zeros(3), parameters=2).shape
        (3, 2)
    """
    mean = np.asarray(mean, np.float64)
    draws = np.random.default_rng(seed).normal(size=(len(mean), parameters))
    return (mean[:, None] + std * draws).astype(np.float32)


def rising_signal(
    steps: int = 600, *, start: int = 200, end: int = 400, top: float = 4.0
) -> np.ndarray:
    """A gradient's mean (steps,): 0 up to `start`, then rising evenly to `top` at `end`.

    Example:
        >>> [round(float(x), 2) for x in rising_signal(7, start=2, end=4, top=1.0)]
        [0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0]
    """
    return top * np.clip((np.arange(steps) - start) / (end - start), 0, 1)


def with_wrong_labels(
    labels: np.ndarray, share: float, num_classes: int, *, seed: int = 0
) -> np.ndarray:
    """Labels of which that share, chosen and replaced by chance, is certainly wrong.

    Example:
        >>> labels = np.arange(10, dtype=np.int32)
        >>> int(np.sum(with_wrong_labels(labels, 0.4, 10) != labels))
        4

    Raises:
        ValueError: share is not in [0, 1] or there are fewer than two classes.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share = {share}, but must be a fraction from 0 to 1")
    if num_classes < 2:
        raise ValueError(f"num_classes = {num_classes}: a wrong label needs at least two classes")
    chance = np.random.default_rng(seed)
    chosen = chance.permutation(len(labels))[: round(share * len(labels))]
    wrong = labels.copy()
    wrong[chosen] = (labels[chosen] + chance.integers(1, num_classes, len(chosen))) % num_classes
    return wrong


def watch(
    tx: optax.GradientTransformation,
    images: np.ndarray,
    labels: list[np.ndarray],
    *,
    num_classes: int,
    steps: int = 480,
    batch_size: int = 32,
    every: int = 10,
    seed: int = 0,
) -> list[Watched]:
    """Trains the ConvNet once for each set of labels, reading the phases as it goes.

    All runs share initial weights, batches, the optimizer's noise and one compilation. The
    alignment rate is that with the last batch's gradient.

    Args:
        tx: an optimizer with a gate in it.
        images: uint8 (N, 32, 32, C).
        labels: arrays (N,), one a run.
        num_classes: number of logits.
        steps: updates, a multiple of `every`.
        batch_size: images a step, at most N; each pass over them is shuffled anew.
        every: steps from one reading of the statistics to the next; reading costs as much as
            several steps, as it sorts every ratio.
        seed: of the initial weights and the order of the images.

    Raises:
        ValueError: steps is not a multiple of every, or batch_size is above N.
    """
    count = len(images)
    if steps < 1 or every < 1 or steps % every:
        raise ValueError(f"steps = {steps} is not a positive multiple of every = {every}")
    if not 1 <= batch_size <= count:
        raise ValueError(f"batch_size = {batch_size}, but must be 1 to {count}, the images there")
    init_key, order_key = jax.random.split(jax.random.key(seed))
    passes = -(-steps * batch_size // count)
    orders = jax.vmap(lambda key: jax.random.permutation(key, count))(
        jax.random.split(order_key, passes)
    )
    rows = orders.ravel()[: steps * batch_size].reshape(steps // every, every, batch_size)
    params = convnet.init(init_key, images.shape[-1], num_classes)
    data = jnp.asarray(images)
    curves = [_train(tx, params, data, jnp.asarray(one, jnp.int32), rows) for one in labels]
    numbers = np.arange(every, steps + 1, every)
    return [Watched(numbers, np.asarray(loss), flat(seen)) for loss, seen in curves]


@partial(jax.jit, static_argnums=0)
def _train(
    tx: optax.GradientTransformation, params: Params, images: Array, labels: Array, rows: Array
) -> tuple[Array, PhaseStatistics]:
    def step(carry: Carry, chosen: Array) -> tuple[Carry, Array]:
        params, state, _ = carry
        batch = evaluation.normalise(images[chosen])
        loss, grads = convnet.loss_and_gradient(params, batch, labels[chosen])
        updates, state = tx.update(grads, state, params)
        return (optax.apply_updates(params, updates), state, grads), loss

    def record(carry: Carry, several: Array) -> tuple[Carry, tuple[Array, PhaseStatistics]]:
        carry, losses = jax.lax.scan(step, carry, several)
        _, state, grads = carry
        return carry, (losses.mean(), phase_statistics(state, grads))

    nothing = jax.tree.map(jnp.zeros_like, params)
    return jax.lax.scan(record, (params, tx.init(params), nothing), rows)[1]
