"""Whole training runs in one compilation: (hyperparameters, seed, data) to curves.

One pure function, `train`, holds a run from the initial weights to the final accuracy; `run_many`
compiles it once and sends any number of runs through it.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import PartitionSpec

from experiments import convnet

Array = jax.Array
Build = Callable[[Mapping[str, Any], Array, int, int], Any]


@dataclasses.dataclass(frozen=True)
class Data:
    """Images uint8 (N, 32, 32, C) and labels (N,) to train on and, if given, to test on."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray | None = None
    test_labels: np.ndarray | None = None
    num_classes: int = 10


@dataclasses.dataclass(frozen=True)
class Config:
    """Length of a run: epochs, and images in a batch (the last batch of an epoch may be less)."""

    epochs: int = 12
    batch_size: int = 1024


@dataclasses.dataclass(frozen=True)
class Run:
    """One run: the optimizer's float hyperparameters and the seed of all its randomness."""

    hyperparameters: Mapping[str, float]
    seed: int


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one run gave; `status` is "diverged" where a loss or an update was not finite."""

    train_loss: list[float]
    train_accuracy: float
    test_accuracy: float | None
    update_rms: float
    seconds: float
    compile_seconds: float
    status: Literal["ok", "diverged"]


class Trained(NamedTuple):
    """The traced result of `train`."""

    params: convnet.Params
    train_loss: Array
    train_accuracy: Array
    test_accuracy: Array | None
    update_rms: Array


def normalise(images: Array) -> Array:
    """Bytes 0…255 to floats -1…1, as the paper's x/127.5 - 1."""
    return images.astype(jnp.float32) / 127.5 - 1.0


def mean_loss(params: convnet.Params, images: Array, labels: Array) -> Array:
    """Mean cross-entropy of a batch of uint8 images."""
    logits = convnet.apply(params, normalise(images))
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def accuracy(params: convnet.Params, images: Array, labels: Array, chunk: int = 1024) -> Array:
    """Share of images classified correctly, computed in chunks so that memory stays bounded."""
    n = images.shape[0]
    chunks = -(-n // chunk)
    size = -(-n // chunks)
    # The last chunk is filled up with repetitions of image 0 that are not counted.
    index = jnp.arange(chunks * size).reshape(chunks, size)

    def correct(index: Array) -> Array:
        rows = jnp.where(index < n, index, 0)
        predicted = convnet.apply(params, normalise(images[rows])).argmax(-1)
        return jnp.sum((predicted == labels[rows]) & (index < n))

    return jax.lax.map(correct, index).sum() / n


def train(
    build: Build, config: Config, data: Data, hyperparameters: Mapping[str, Any], seed: Any
) -> Trained:
    """One whole run as a pure function of data, hyperparameters and seed (all may be traced)."""
    # Three keys of one seed: every optimizer meets the same weights and the same data order.
    init_key, order_key, noise_key = (
        jax.random.fold_in(jax.random.key(seed), use) for use in range(3)
    )
    n, channels = data.train_images.shape[0], data.train_images.shape[-1]
    full, rest = divmod(n, config.batch_size)
    steps_per_epoch = full + (rest > 0)

    built = build(hyperparameters, noise_key, steps_per_epoch, steps_per_epoch * config.epochs)
    if isinstance(built, optax.GradientTransformation):
        built = built, lambda _, params: params
    tx, eval_params = built

    def step(state: Any, rows: Array) -> tuple[Any, tuple[Array, Array]]:
        params, opt_state = state
        loss, grads = jax.value_and_grad(mean_loss)(
            params, data.train_images[rows], data.train_labels[rows]
        )
        updates, opt_state = tx.update(grads, opt_state, params)
        new = optax.apply_updates(params, updates)
        change = optax.tree.sub(new, params)
        return (new, opt_state), (loss, optax.tree.norm(change, squared=True))

    def epoch(state: Any, key: Array) -> tuple[Any, tuple[Array, Array]]:
        order = jax.random.permutation(key, n)
        rows = order[: full * config.batch_size].reshape(full, config.batch_size)
        state, per_step = jax.lax.scan(step, state, rows)
        if rest:  # the short last batch counts as a step of its own
            state, last = step(state, order[full * config.batch_size :])
            per_step = jax.tree.map(lambda a, b: jnp.append(a, b), per_step, last)
        return state, per_step

    params = convnet.init_params(init_key, channels, data.num_classes)
    (params, opt_state), (losses, squares) = jax.lax.scan(
        epoch, (params, tx.init(params)), jax.random.split(order_key, config.epochs)
    )
    final = eval_params(opt_state, params)
    test = None
    if data.test_images is not None:
        test = accuracy(final, data.test_images, data.test_labels)
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    return Trained(
        params=final,
        train_loss=losses.mean(1),
        train_accuracy=accuracy(final, data.train_images, data.train_labels),
        test_accuracy=test,
        update_rms=jnp.sqrt(squares / count).mean(),
    )


def run_many(
    build: Build,
    runs: Sequence[Run],
    data: Data,
    config: Config = Config(),
    *,
    batch: int | None = None,
    devices: int | None = None,
) -> Iterator[Outcome]:
    """Train every run, compiling once, and yield the outcomes in order as they finish."""
    if not runs:
        return
    batch = batch or 1
    devices = devices or 1
    arrays = {
        field.name: np.asarray(value)
        for field in dataclasses.fields(data)
        if (value := getattr(data, field.name)) is not None and field.name != "num_classes"
    }

    def one(arrays: Any, hyperparameters: Any, seed: Any) -> Any:
        trained = train(
            build, config, Data(**arrays, num_classes=data.num_classes), hyperparameters, seed
        )
        return trained._replace(params=None)

    def many(arrays: Any, hyperparameters: Any, seeds: Any) -> Any:
        run = lambda one_run: one(arrays, *one_run)  # noqa: E731
        return jax.lax.map(run, (hyperparameters, seeds), batch_size=None)

    mesh = jax.sharding.Mesh(np.array(jax.local_devices()[:devices]), ("runs",))
    runs_spec, whole = PartitionSpec("runs"), PartitionSpec()
    program = jax.jit(
        jax.shard_map(many, mesh=mesh, in_specs=(whole, runs_spec, runs_spec), out_specs=runs_spec)
    )
    compiled = None
    compile_seconds = 0.0
    for start in range(0, len(runs), batch * devices):
        group = list(runs[start : start + batch * devices])
        filled = group + group[-1:] * (batch * devices - len(group))
        hyper = {
            name: np.asarray([run.hyperparameters[name] for run in filled], np.float32)
            for name in runs[0].hyperparameters
        }
        seeds = np.asarray([run.seed for run in filled], np.uint32)
        if compiled is None:
            begin = time.perf_counter()
            compiled = program.lower(arrays, hyper, seeds).compile()
            compile_seconds = time.perf_counter() - begin
        begin = time.perf_counter()
        result = jax.device_get(compiled(arrays, hyper, seeds))
        seconds = (time.perf_counter() - begin) / len(group)
        for i in range(len(group)):
            losses = [float(x) for x in result.train_loss[i]]
            rms = float(result.update_rms[i])
            test = result.test_accuracy
            yield Outcome(
                train_loss=losses,
                train_accuracy=float(result.train_accuracy[i]),
                test_accuracy=None if test is None else float(test[i]),
                update_rms=rms,
                seconds=seconds,
                compile_seconds=compile_seconds,
                status="ok" if all(map(math.isfinite, [*losses, rms])) else "diverged",
            )
