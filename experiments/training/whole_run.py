"""A whole training run as one pure function: data, hyperparameters and seed to curves.

Everything from the initial weights to the final accuracy is inside, so a run is one call of one
compiled program and no step waits for Python. Parameters and optimizer state are its loops'
carry, which XLA updates in place.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from experiments.networks import Network
from experiments.networks.network import Params
from experiments.optimizers.types import Build, Hyperparameters, Scalar
from experiments.training import schedules, telemetry
from experiments.training import step as shared
from experiments.training.evaluation import Evaluation, evaluate
from experiments.training.inputs import Config, Data
from experiments.training.step import State

Array = jax.Array
Measured = tuple[Array, Array, dict[str, Array]]
"""Of the validation images accuracy and loss, and telemetry."""


class Trained(NamedTuple):
    """The results of a run; every field may be traced.

    Attributes:
        params: the parameters that were evaluated.
        train_loss: (epochs,) means of the batch losses.
        train_accuracy: share of the training images classified correctly at the end.
        test_accuracy: the same of the test images, or None.
        test_correct: (M,) booleans, which of the test images those are, or None.
        validation_accuracy: (readings,) shares of the validation images, or None.
        validation_loss: (readings,) mean losses of the validation images, or None.
        update_rms: mean over the steps of the root mean square, over all parameters, of
            the change that the step made to them.
        telemetry: name to (readings,) numbers of `telemetry.measure`, none where config has none.
    """

    params: Params
    train_loss: Array
    train_accuracy: Array
    test_accuracy: Array | None
    test_correct: Array | None
    validation_accuracy: Array | None
    validation_loss: Array | None
    update_rms: Array
    telemetry: dict[str, Array]


def train(
    build: Build,
    data: Data,
    config: Config,
    hyperparameters: Mapping[str, Scalar],
    seed: ArrayLike,
    axis: str | None = None,
    *,
    network: Network,
    schedule: ArrayLike = 0,
) -> Trained:
    """Train a network once.

    Args:
        build: makes the optimizer; see `Build`.
        data: arrays on the device; only their shapes need be known when tracing.
        config: the length of the run, and when the validation images are read.
        hyperparameters: name to float scalar, handed to `build`; may be traced.
        seed: unsigned integer scalar; may be traced. Initial weights, data order and the
            optimizer's noise have a key each, so optimizers compared at one seed start from the
            same weights and meet the same batches.
        axis: inside `jax.shard_map`, the name of a mesh axis over which everything is replicated:
            its devices train this run together, each on its part of every batch.
        network: what is trained.
        schedule: place in `schedules.NAMES`, where config says scheduled; may be traced.

    Returns:
        The final parameters, the loss curve and the accuracies.
    """
    keys = shared.keys(seed)
    n, channels = data.train_images.shape[0], data.train_images.shape[3]
    full, rest = divmod(n, config.batch_size)
    steps, total = config.steps_per_epoch(n), config.total_steps(n)
    whole_epochs, cut = divmod(total, steps)
    given: Hyperparameters = hyperparameters
    if config.scheduled:
        rate = schedules.scheduled(hyperparameters["learning_rate"], schedule, total)
        given = {**hyperparameters, "learning_rate": rate}
    tx, eval_params = shared.both(build(given, keys.noise, steps, total))
    images, labels = jnp.asarray(data.train_images), jnp.asarray(data.train_labels)

    def step(state: State, rows: Array) -> tuple[State, tuple[Array, Array]]:
        rows, weights = _part(rows, axis)
        new, loss, _ = shared.step(network, tx, state, images[rows], labels[rows], weights, axis)
        return new, (loss, _rms(jax.tree.map(jnp.subtract, new[0], state[0])))

    def epoch(state: State, key: Array, length: int = steps) -> tuple[State, tuple[Array, Array]]:
        order = shared.epoch_order(key, n)
        batches, left = order[: n - rest].reshape(full, config.batch_size), order[n - rest :]
        per_step = []
        if full:
            state, several = jax.lax.scan(step, state, batches[:length])
            per_step.append(several)
        if length > full:  # a step of its own, its mean over its own images
            state, last = step(state, left)
            per_step.append(jax.tree.map(lambda x: x[None], last))
        return state, jax.tree.map(lambda *parts: jnp.concatenate(parts), *per_step)

    def evaluated(params: Params, part: str) -> Evaluation:
        arrays = (jnp.asarray(getattr(data, f"{part}_{what}")) for what in ("images", "labels"))
        return evaluate(network.logits, params, *arrays, axis=axis)

    def read(state: State) -> Measured:
        found = evaluated(eval_params(state[1], state[0]), "validation")
        measured = {}
        if config.telemetry:
            probe = network, state, images, labels, config.batch_size, keys.probe
            measured = telemetry.measure(*probe, config.telemetry)
        return found.accuracy, found.loss.mean(), measured

    def epoch_and_reading(
        state: State, key_and_flag: tuple[Array, Array | None]
    ) -> tuple[State, tuple[Array, Array, Measured | None]]:
        key, flag = key_and_flag
        state, (losses, moved) = epoch(state, key)
        if flag is None:
            return state, (losses, moved, None)
        nothing = jax.tree.map(jnp.zeros_like, jax.eval_shape(read, state))
        return state, (losses, moved, jax.lax.cond(flag, read, lambda _: nothing, state))

    early = config.reading_epochs(n)[:-1]  # the last reading is made after the last step
    flags = jnp.asarray(np.isin(np.arange(whole_epochs), early)) if early else None
    epoch_keys = shared.epoch_keys(keys.order, whole_epochs + (cut > 0))
    params = network.init(keys.init, channels, data.num_classes)
    state, curves, changes, readings = (params, tx.init(params)), [], [], []
    if whole_epochs:
        per_epoch = (epoch_keys[:whole_epochs], flags)
        state, (losses, moved, early_read) = jax.lax.scan(epoch_and_reading, state, per_epoch)
        curves.append(losses.mean(1))
        changes.append(moved.ravel())
        if early:
            readings.append(jax.tree.map(lambda x: x[np.array(early)], early_read))
    if cut:
        state, (losses, moved) = epoch(state, epoch_keys[-1], cut)
        curves.append(losses.mean()[None])
        changes.append(moved)
    if config.readings:
        readings.append(jax.tree.map(lambda x: x[None], read(state)))
    validation: Measured | tuple[None, None, dict[str, Array]] = (None, None, {})
    if readings:
        validation = jax.tree.map(lambda *parts: jnp.concatenate(parts), *readings)
    params = eval_params(state[1], state[0])
    test = None if data.test_images is None else evaluated(params, "test")
    return Trained(
        params=params,
        train_loss=jnp.concatenate(curves),
        train_accuracy=evaluated(params, "train").accuracy,
        test_accuracy=None if test is None else test.accuracy,
        test_correct=None if test is None else test.correct,
        validation_accuracy=validation[0],
        validation_loss=validation[1],
        update_rms=jnp.concatenate(changes).mean(),
        telemetry=validation[2],
    )


def _part(rows: Array, axis: str | None) -> tuple[Array, Array | None]:
    """This device's part of a batch's rows, and what each counts in the batch's mean."""
    if axis is None:
        return rows, None
    n = rows.shape[0]
    size = -(-n // jax.lax.axis_size(axis))
    places = jax.lax.axis_index(axis) * size + jnp.arange(size)
    inside = places < n  # the parts are of one size; what the last ones lack counts nothing
    return rows[jnp.where(inside, places, 0)], inside / jnp.float32(n)


def _rms(tree: Params) -> Array:
    leaves = jax.tree.leaves(tree)
    squares = sum(jnp.sum(leaf * leaf) for leaf in leaves)
    return jnp.sqrt(squares / sum(leaf.size for leaf in leaves))
