"""A run -> its outcome: what became of the loss, and how unequal the layers' gradients were."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.distortion_study import network
from experiments.distortion_study.plan import ALPHAS, GAINS, DistortionRun, StudyScale
from experiments.distortion_study.record import GradientReading
from thermolion_optax import GradientDistortion, gradient_distortion, normalize_distortion, smes

Array = jax.Array
Carry = tuple[network.Params, optax.OptState]
BATCH = 32
FACTOR = 2  # of the images' shrinking


class Images(NamedTuple):
    """Float32 images (N, 16, 16, 1) in [-1, 1], labels (N,), and how many classes there are."""

    images: np.ndarray
    labels: np.ndarray
    classes: int


class DistortionOutcome(NamedTuple):
    """What became of a run; see `DistortionRecord`."""

    rate: float
    losses: list[float]
    train_loss: float | None
    train_accuracy: float | None
    status: str
    gradients: list[GradientReading]


def shrunk(images: np.ndarray, labels: np.ndarray, classes: int) -> Images:
    """Grey images (N, 32, 32, 1) of bytes, each 2×2 pixels made one, their mean."""
    n, side = len(images), network.SIDE
    means = images.reshape(n, side, FACTOR, side, FACTOR, 1).mean((2, 4))
    return Images((means / 127.5 - 1).astype(np.float32), labels, classes)


def optimizer(name: str, rate: Array, strength: Array) -> optax.GradientTransformation:
    """An optimizer of `ALPHAS` behind the rescaling; SMES has no eps: nothing but α acts."""
    if name == "SGD":
        tx = optax.sgd(rate)
    elif name == "AdamW":
        tx = optax.adamw(rate, weight_decay=1e-2)
    else:
        tx = smes(rate, ALPHAS[name], eps=0.0)
    return optax.chain(normalize_distortion(strength), tx)


@functools.lru_cache(maxsize=2)
def _programs(name: str, depth: int, classes: int, per_reading: int):
    """The compiled first gradient, stretch between two readings, and final judgement."""

    @jax.jit
    def first(seed: Array, gain: Array, strength: Array, data: tuple[Array, Array]):
        root = jax.random.key(seed)
        params = network.init(jax.random.fold_in(root, 0), depth, classes, gain)
        rows = _rows(root, 0, len(data[1]))
        grads = jax.grad(network.loss)(params, data[0][rows], data[1][rows])
        tx = normalize_distortion(strength)
        reaching, _ = tx.update(grads, tx.init(params))
        largest = jnp.stack([*gradient_distortion(reaching)["rms"]["leaves"].values()]).max()
        state = optimizer(name, jnp.float32(0), strength).init(params)
        return (params, state), gradient_distortion(grads), largest

    @jax.jit
    def stretch(
        carry: Carry,
        seed: Array,
        start: Array,
        rate: Array,
        strength: Array,
        data: tuple[Array, Array],
    ):
        tx, root = optimizer(name, rate, strength), jax.random.key(seed)

        def step(carry: Any, number: Array) -> tuple[Any, Array]:
            params, state = carry
            rows = _rows(root, number, len(data[1]))
            loss, grads = jax.value_and_grad(network.loss)(params, data[0][rows], data[1][rows])
            updates, state = tx.update(grads, state, params)
            return (optax.apply_updates(params, updates), state), loss

        carry, losses = jax.lax.scan(step, carry, start + jnp.arange(per_reading))
        rows = _rows(root, start + per_reading, len(data[1]))
        grads = jax.grad(network.loss)(carry[0], data[0][rows], data[1][rows])
        return carry, losses.mean(), gradient_distortion(grads)

    @jax.jit
    def judge(params: network.Params, data: tuple[Array, Array]):
        logits = network.logits(params, data[0])
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, data[1])
        return losses.mean(), (logits.argmax(-1) == data[1]).mean()

    return first, stretch, judge


def _rows(root: Array, number: Array | int, images: int) -> Array:
    """The batch of a step, drawn with replacement: everybody's at one seed."""
    key = jax.random.fold_in(jax.random.fold_in(root, 1), number)
    return jax.random.randint(key, (BATCH,), 0, images)


def train(run: DistortionRun, images: Images, scale: StudyScale) -> DistortionOutcome:
    """Trains and says what was seen; stops where the loss is not finite any more."""
    arm, alpha = run.arm, ALPHAS[run.arm.optimizer]
    per_reading = scale.steps // (scale.readings - 1)
    first, stretch, judge = _programs(arm.optimizer, arm.depth, images.classes, per_reading)
    data = (jnp.asarray(images.images), jnp.asarray(images.labels))
    seed, strength = np.uint32(run.seed), jnp.float32(arm.strength)
    carry, seen, largest = first(seed, jnp.float32(GAINS[arm.start]), strength, data)
    rate = run.size * float(largest) ** (2 * alpha - 1)
    readings, losses = [_reading(0, seen, arm.depth)], []
    for number in range(1, scale.readings):
        start = jnp.int32(per_reading * (number - 1))
        carry, loss, seen = stretch(carry, seed, start, jnp.float32(rate), strength, data)
        if not math.isfinite(float(loss)):
            break
        losses.append(float(loss))
        readings.append(_reading(per_reading * number, seen, arm.depth))
    loss, accuracy = map(float, judge(carry[0], data))
    finished = math.isfinite(loss) and len(losses) == scale.readings - 1
    return DistortionOutcome(
        rate=rate,
        losses=losses,
        train_loss=loss if finished else None,
        train_accuracy=accuracy if finished else None,
        status="ok" if finished else "diverged",
        gradients=readings,
    )


def _reading(step: int, seen: GradientDistortion, depth: int) -> GradientReading:
    """After so many steps: each layer's gradient, and the distortion over all leaves."""
    rms = {path: float(value) for path, value in seen["rms"]["leaves"].items()}

    def over_layers(kind: str) -> list[float | None]:
        return [_digits(rms[f"['{layer}']['{kind}']"]) for layer in network.layers(depth)]

    return GradientReading(
        step=step,
        spread=_digits(float(seen["distortion"]["all"])),
        kernel=over_layers("kernel"),
        bias=over_layers("bias"),
    )


def _digits(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None
