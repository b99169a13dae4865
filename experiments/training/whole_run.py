"""A whole training run as one pure function: data, hyperparameters and seed to curves.

Everything from the initial weights to the final accuracy is inside, so a run is one call of one
compiled program and no step waits for Python. Parameters and optimizer state are its loops'
carry, which XLA updates in place.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.networks import Network
from experiments.networks.network import Logits, Params

Array = jax.Array

# (hyperparameters, key, steps_per_epoch, total_steps) -> a GradientTransformation, or a pair of it
# and eval_params(opt_state, params) -> the parameters to evaluate (averaged ones, for instance).
Build = Callable[[Mapping[str, Any], Array, int, int], Any]


@dataclasses.dataclass(frozen=True)
class Data:
    """What to train on and, if there is one, the test set.

    Attributes:
        train_images: uint8 (N, 32, 32, C).
        train_labels: int32 (N,), values 0 … num_classes - 1.
        test_images: uint8 (M, 32, 32, C) or None.
        test_labels: int32 (M,) or None.
        num_classes: the number of logits.
    """

    train_images: np.ndarray | Array
    train_labels: np.ndarray | Array
    test_images: np.ndarray | Array | None = None
    test_labels: np.ndarray | Array | None = None
    num_classes: int = 10


@dataclasses.dataclass(frozen=True)
class Config:
    """The length of a run.

    Attributes:
        epochs: passes over the training images.
        batch_size: images in a step; an epoch's last step takes those that remain.
    """

    epochs: int = 12
    batch_size: int = 1024


class Trained(NamedTuple):
    """What a run gives; every field may be traced.

    Attributes:
        params: the parameters that were evaluated.
        train_loss: (epochs,) means of the batch losses.
        train_accuracy: share of the training images classified correctly at the end.
        test_accuracy: the same of the test images, or None.
        update_rms: mean over the steps of the root mean square, over all parameters, of
            the change that the step made to them.
    """

    params: Params
    train_loss: Array
    train_accuracy: Array
    test_accuracy: Array | None
    update_rms: Array


def train(
    build: Build,
    data: Data,
    config: Config,
    hyperparameters: Mapping[str, Any],
    seed: Any,
    axis: str | None = None,
    *,
    network: Network,
) -> Trained:
    """Train a network once.

    Args:
        build: makes the optimizer; see `Build`.
        data: arrays on the device; only their shapes need be known when tracing.
        config: the length of the run.
        hyperparameters: name to float scalar, handed to `build`; may be traced.
        seed: unsigned integer scalar; may be traced. Initial weights, data order and the
            optimizer's noise have a key each, so optimizers compared at one seed start from the
            same weights and meet the same batches.
        axis: inside `jax.shard_map`, the name of a mesh axis over which everything is replicated:
            its devices train this run together, each on its part of every batch.
        network: what is trained.

    Returns:
        The final parameters, the loss curve and the accuracies.
    """
    root = jax.random.key(seed)
    init_key, order_key, noise_key = (jax.random.fold_in(root, use) for use in range(3))
    n, channels = data.train_images.shape[0], data.train_images.shape[3]
    full, rest = divmod(n, config.batch_size)
    steps = full + (rest > 0)
    tx, eval_params = both(build(hyperparameters, noise_key, steps, steps * config.epochs))
    images, labels = jnp.asarray(data.train_images), jnp.asarray(data.train_labels)

    def step(state: Any, rows: Array) -> tuple[Any, tuple[Array, Array]]:
        params, opt_state = state
        rows, weights = _part(rows, axis)
        loss, grads = loss_and_gradient(network, params, images[rows], labels[rows], weights, axis)
        updates, opt_state = tx.update(grads, opt_state, params)
        new = optax.apply_updates(params, updates)
        return (new, opt_state), (loss, _rms(jax.tree.map(jnp.subtract, new, params)))

    def epoch(state: Any, key: Array) -> tuple[Any, tuple[Array, Array]]:
        order = jax.random.permutation(key, n)
        batches, left = order[: n - rest].reshape(full, config.batch_size), order[n - rest :]
        per_step = []
        if full:
            state, whole = jax.lax.scan(step, state, batches)
            per_step.append(whole)
        if rest:  # a step of its own, its mean over its own images
            state, last = step(state, left)
            per_step.append(jax.tree.map(lambda x: x[None], last))
        return state, jax.tree.map(lambda *parts: jnp.concatenate(parts), *per_step)

    params = network.init(init_key, channels, data.num_classes)
    epoch_keys = jax.random.split(order_key, config.epochs)
    (params, opt_state), (losses, changes) = jax.lax.scan(
        epoch, (params, tx.init(params)), epoch_keys
    )
    params = eval_params(opt_state, params)
    test = None
    if data.test_images is not None and data.test_labels is not None:
        test = accuracy(
            network.logits,
            params,
            jnp.asarray(data.test_images),
            jnp.asarray(data.test_labels),
            axis,
        )
    known = accuracy(network.logits, params, images, labels, axis)
    return Trained(params, losses.mean(1), known, test, changes.mean())


def _part(rows: Array, axis: str | None) -> tuple[Array, Array | None]:
    """This device's part of a batch's rows, and what each counts in the batch's mean."""
    if axis is None:
        return rows, None
    n = rows.shape[0]
    size = -(-n // jax.lax.axis_size(axis))
    places = jax.lax.axis_index(axis) * size + jnp.arange(size)
    inside = places < n  # the parts are of one size; what the last ones lack counts nothing
    return rows[jnp.where(inside, places, 0)], inside / jnp.float32(n)


def loss_and_gradient(
    network: Network,
    params: Params,
    images: Array,
    labels: Array,
    weights: Array | None = None,
    axis: str | None = None,
) -> tuple[Array, Params]:
    """The loss of a batch of uint8 images, and its gradient.

    With ``axis``, as in `train`, from this device's part of the batch, whose images weigh
    ``weights`` in the whole batch's mean.
    """
    found = network.loss_and_gradient(params, normalise(images), labels, weights)
    return found if axis is None else jax.lax.psum(found, axis)


def normalise(images: Array) -> Array:
    """Bytes 0…255 to floats -1…1: the paper's x/127.5 - 1."""
    return images.astype(jnp.float32) / 127.5 - 1.0


def accuracy(
    logits: Logits,
    params: Params,
    images: Array,
    labels: Array,
    axis: str | None = None,
    chunk: int = 1024,
) -> Array:
    """Share of uint8 images classified correctly, in chunks so that memory stays bounded.

    With ``axis``, as in `train`, each device classifies its part of them.
    """
    n = images.shape[0]
    part = n if axis is None else -(-n // jax.lax.axis_size(axis))
    start = 0 if axis is None else jax.lax.axis_index(axis) * part
    chunks = -(-part // chunk)
    size = -(-part // chunks)  # the chunks as even as can be: less than one image a chunk is wasted
    places = jnp.arange(chunks * size).reshape(chunks, size)

    def correct(places: Array) -> Array:
        rows = start + places
        inside = (places < part) & (rows < n)
        rows = jnp.where(inside, rows, 0)
        predicted = logits(params, normalise(images[rows])).argmax(-1)
        return jnp.sum((predicted == labels[rows]) & inside)

    total = jax.lax.map(correct, places).sum()
    return (total if axis is None else jax.lax.psum(total, axis)) / n


def check_data(data: Data) -> None:
    """Refuses arrays that are not what `Data` says.

    Raises:
        ValueError: names the array, what it is and what it should be.
    """
    if (data.test_images is None) != (data.test_labels is None):
        raise ValueError("test_images and test_labels must be given together")
    for part in ("train", "test"):
        images, labels = getattr(data, f"{part}_images"), getattr(data, f"{part}_labels")
        if images is not None:
            _check_part(part, np.asarray(images), np.asarray(labels), data)


def _check_part(part: str, images: np.ndarray, labels: np.ndarray, data: Data) -> None:
    channels = np.shape(data.train_images)[-1]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (32, 32, channels):
        raise ValueError(
            f"{part}_images must be uint8 (N, 32, 32, {channels}), "
            f"got {images.dtype} {images.shape}"
        )
    if len(images) == 0:
        raise ValueError(f"{part}_images holds no image")
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{part}_labels must be integers ({len(images)},), got {labels.dtype} {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= data.num_classes:
        raise ValueError(
            f"{part}_labels must lie in 0 … {data.num_classes - 1} (num_classes="
            f"{data.num_classes}), got {labels.min()} … {labels.max()}"
        )


def both(built: Any) -> tuple[optax.GradientTransformation, Callable[[Any, Any], Any]]:
    """The optimizer and its `eval_params`, from whichever of the two forms `build` returned."""
    # The order of the tests matters: a GradientTransformation is itself a tuple of two.
    if isinstance(built, optax.GradientTransformation):
        return built, lambda opt_state, params: params
    if isinstance(built, tuple) and len(built) == 2 and callable(built[1]):
        return built
    raise TypeError(
        "build must return an optax.GradientTransformation or a pair of one and "
        f"eval_params(opt_state, params); it returned {type(built).__name__}"
    )


def _rms(tree: Any) -> Array:
    leaves = jax.tree.leaves(tree)
    squares = sum(jnp.sum(leaf * leaf) for leaf in leaves)
    return jnp.sqrt(squares / sum(leaf.size for leaf in leaves))
