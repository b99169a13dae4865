"""Runs of so many steps, with a schedule and validation readings, against plain loops.

The network is one layer, so that a plain loop and its compilation take no time.
"""

import base64
import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from one_layer import LINEAR, init, logits
from params import slow

from experiments import training
from experiments.training import Config, Data, Outcome, Run
from experiments.training.whole_run import train

Array = jax.Array


run_many = functools.partial(training.run_many, network=LINEAR, devices=1)
RUN = Run({"learning_rate": 3e-4}, 1)


def adam(hyperparameters, key, steps_per_epoch, total_steps):
    return optax.adam(**hyperparameters)


def make_data(n: int, tests: int = 0, validations: int = 0) -> Data:
    rng = np.random.default_rng(n)
    count = n + tests + validations
    labels = rng.integers(0, 4, count).astype(np.int32)
    images = rng.integers(0, 200, (count, 32, 32, 1)).astype(np.uint8)
    images += (13 * labels[:, None, None, None]).astype(np.uint8)
    ends = np.cumsum([n, tests])
    (a, b, c), (x, y, z) = np.split(images, ends), np.split(labels, ends)
    test = (b, y) if tests else (None, None)
    return Data(a, x, *test, *((c, z) if validations else (None, None)), num_classes=4)


def floats(images: Any) -> np.ndarray:
    return np.asarray(images, np.float32) / 127.5 - 1


def bits(outcome: Outcome, data: Data) -> np.ndarray:
    assert outcome.test_correct is not None
    packed = np.frombuffer(base64.b64decode(outcome.test_correct), np.uint8)
    return np.unpackbits(packed, count=len(np.asarray(data.test_labels))).astype(bool)


def plain_loop(run: Run, data: Data, config: Config, rate: Any) -> dict[str, Any]:
    """The same run, one step at a time, its readings where config wants them."""
    root = jax.random.key(run.seed)
    n, total = len(data.train_labels), config.total_steps(len(data.train_labels))
    epochs = -(-total // config.steps_per_epoch(n))
    params = init(jax.random.fold_in(root, 0), 1, data.num_classes)
    tx = optax.adam(rate)
    opt_state = tx.init(params)
    step = jax.jit(LINEAR.loss_and_gradient)
    found: dict[str, Any] = {"train_loss": [], "accuracy": [], "loss": []}
    done = 0
    for epoch, key in enumerate(jax.random.split(jax.random.fold_in(root, 1), epochs)):
        order, losses = np.asarray(jax.random.permutation(key, n)), []
        for start in range(0, n, config.batch_size):
            if done < total:
                rows = order[start : start + config.batch_size]
                images, labels = floats(data.train_images[rows]), data.train_labels[rows]
                loss, grads = step(params, images, labels, None)
                updates, opt_state = tx.update(grads, opt_state, params)
                params = optax.apply_updates(params, updates)
                losses.append(float(loss))
                done += 1
        found["train_loss"].append(np.mean(losses))
        if epoch in config.reading_epochs(n):
            z = np.asarray(logits(params, floats(data.validation_images)), np.float64)  # type: ignore
            y = np.asarray(data.validation_labels)
            found["accuracy"].append(np.mean(z.argmax(1) == y))
            right = z[np.arange(len(y)), y]
            found["loss"].append(np.mean(np.log(np.exp(z).sum(1)) - right))
    z = np.asarray(logits(params, floats(data.test_images)))  # type: ignore
    return found | {"correct": z.argmax(1) == data.test_labels, "steps": done}


# 100 images in batches of 16: six whole steps an epoch and one of four images.
@pytest.mark.parametrize(
    ("steps", "readings", "epochs_read", "schedule"),
    [
        (23, 9, [0, 1, 2, 3], "warmup_cosine"),  # two steps of a fourth
        slow(21, 2, [0, 2], "warmup_cosine"),  # three epochs
        slow(20, 2, [0, 2], "constant"),  # all of the third but its short step
        slow(13, 1, [1], "warmup_cosine"),
        slow(4, 1, [0], "constant"),  # less than an epoch
        # The same with the other schedule.
        slow(21, 2, [0, 2], "constant"),
        slow(23, 9, [0, 1, 2, 3], "constant"),
        slow(20, 2, [0, 2], "warmup_cosine"),
        slow(13, 1, [1], "constant"),
        slow(4, 1, [0], "warmup_cosine"),
    ],
)
def test_a_plain_loop_gives_the_same(
    steps: int, readings: int, epochs_read: list[int], schedule: str
) -> None:
    data = make_data(100, 21, 33)
    config = Config(batch_size=16, steps=steps, scheduled=True, readings=readings)
    assert config.reading_epochs(100) == epochs_read
    (got,) = run_many(adam, [dataclasses.replace(RUN, schedule=schedule)], data, config)
    cosine = optax.warmup_cosine_decay_schedule(1.0, 1.0, steps // 20, steps)
    factor = cosine if schedule == "warmup_cosine" else optax.constant_schedule(1.0)
    want = plain_loop(RUN, data, config, lambda count: 3e-4 * factor(count))
    assert want["steps"] == steps
    np.testing.assert_allclose(got.train_loss, want["train_loss"], rtol=1e-4)
    np.testing.assert_allclose(got.validation_accuracy, want["accuracy"], rtol=1e-6)
    np.testing.assert_allclose(got.validation_loss, want["loss"], rtol=1e-4)
    np.testing.assert_array_equal(bits(got, data), want["correct"])
    assert got.test_accuracy == pytest.approx(want["correct"].mean())


def test_sixty_steps_are_twelve_epochs_bit_for_bit() -> None:
    data = make_data(5000, 30)
    outcomes = [
        next(run_many(adam, [RUN], data, config)) for config in (Config(), Config(steps=60))
    ]
    same = [dataclasses.replace(o, seconds=0, compile_seconds=0) for o in outcomes]
    assert same[0] == same[1]
    assert len(same[0].train_loss) == 12


def test_a_reading_changes_nothing_of_the_run() -> None:
    data = make_data(100, 21, 33)
    none, some = (
        next(run_many(adam, [RUN], data, Config(batch_size=16, epochs=4, readings=r)))
        for r in (0, 3)
    )
    np.testing.assert_allclose(some.train_loss, none.train_loss, rtol=1e-5)
    assert none.validation_accuracy is none.validation_loss is None
    assert len(some.validation_accuracy or []) == len(some.validation_loss or []) == 3


def test_all_trials_with_both_schedules_share_a_program() -> None:
    traces = []

    def build(hyperparameters, *_):
        traces.append(hyperparameters)
        assert callable(hyperparameters["learning_rate"])
        return optax.adamw(**hyperparameters)

    data = make_data(100, 0, 10)
    config = Config(batch_size=16, steps=45, scheduled=True, readings=2)
    runs = [
        Run({"learning_rate": rate, "b1": b1}, seed, schedule)
        for rate, b1, seed, schedule in (
            (1e-4, 0.9, 0, "constant"),
            (1e-4, 0.9, 0, "warmup_cosine"),
            (1e-4, 0.9, 0, "warmup"),
            (1e-3, 0.8, 1, "warmup_cosine"),
        )
    ]
    outcomes = list(run_many(build, runs, data, config))
    assert len(traces) == 1
    assert len({outcome.train_loss[-1] for outcome in outcomes}) == 4
    assert all(outcome.test_correct is outcome.test_accuracy is None for outcome in outcomes)
    together = list(run_many(build, runs, data, config, together=4))
    for a, b in zip(outcomes, together, strict=True):
        np.testing.assert_allclose(a.train_loss, b.train_loss, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("split", [slow(2), 3])
def test_a_split_run_gives_the_same_to_rounding(split: int) -> None:
    data = make_data(100, 22, 34)  # of 34 images the third device has two fewer
    config = Config(batch_size=16, steps=23, scheduled=True, readings=3)
    run = dataclasses.replace(RUN, schedule="warmup_cosine")
    one, several = (next(run_many(adam, [run], data, config, devices=n)) for n in (1, split))
    for name in ("train_loss", "validation_accuracy", "validation_loss", "update_rms"):
        np.testing.assert_allclose(getattr(several, name), getattr(one, name), rtol=1e-4)
    np.testing.assert_array_equal(bits(several, data), bits(one, data))


def test_tuning_runs_hold_no_test_arrays() -> None:
    data = make_data(20, 0, 10)
    config = Config(batch_size=16, steps=4, readings=1)

    def arrays(data: Data) -> list[tuple[int, ...]]:
        def run(images: Array, more: Array) -> Any:
            given = dataclasses.replace(data, train_images=images, validation_images=more)
            return train(adam, given, config, {"learning_rate": 1e-3}, 0, network=LINEAR)

        jaxpr = jax.make_jaxpr(run)(data.train_images, data.validation_images)
        shapes = [x.shape for x in jaxpr.consts if hasattr(x, "shape")]
        return [shape for shape in shapes if len(shape) == 4]

    assert arrays(data) == []
    test = {"test_images": np.zeros((7, 32, 32, 1), np.uint8), "test_labels": np.zeros(7, int)}
    assert arrays(dataclasses.replace(data, **test)) == [(7, 32, 32, 1)]  # type: ignore


def test_averaged_parameters_are_what_is_read() -> None:
    """At parameters of 0 all logits are equal, of which the first is the greatest."""

    def build(hyperparameters, *_):
        zeros = functools.partial(jax.tree.map, jnp.zeros_like)
        return optax.sgd(**hyperparameters), lambda opt_state, params: zeros(params)

    data = make_data(20, 4, 30)
    config = Config(batch_size=16, epochs=3, readings=2)
    (outcome,) = run_many(build, [RUN], data, config)
    accuracy = np.mean(np.asarray(data.validation_labels) == 0)
    assert outcome.validation_accuracy == pytest.approx([accuracy] * 2)
    (plain,) = run_many(lambda *given: build(*given)[0], [RUN], data, config)
    assert plain.validation_accuracy[-1] != pytest.approx(accuracy)
    assert outcome.status == "ok"


@pytest.mark.parametrize(
    ("run", "config", "message"),
    [
        ({}, {"steps": 0}, "Config.steps must be a positive integer, got 0"),
        ({}, {"steps": 2.5}, r"Config.steps must be a positive integer, got 2\.5"),
        ({}, {"readings": -1}, "Config.readings must be an integer from 0 up, got -1"),
        ({}, {"readings": 2}, "Config.readings is 2, but data has no validation_images"),
        ({"schedule": "cosine"}, {}, "Run.schedule must be one of constant, warmup_cosine, warmup"),
        ({"schedule": "warmup"}, {}, "Run.schedule is 'warmup', which needs Config.scheduled"),
        ({"hyperparameters": {}}, {"scheduled": True}, "to name a learning_rate"),
    ],
)
def test_wrong_regimes_are_named(run: dict, config: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        next(run_many(adam, [dataclasses.replace(RUN, **run)], make_data(20), Config(**config)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"validation_labels": None}, "validation_images and validation_labels must be given tog"),
        ({"validation_images": np.zeros((3, 32, 32, 3), np.uint8)}, "validation_images must be"),
        ({"validation_labels": np.full(3, 4)}, r"validation_labels must lie in 0 … 3"),
    ],
)
def test_wrong_validation_images_are_named(change: dict, message: str) -> None:
    data = dataclasses.replace(make_data(20, 0, 3), **change)
    with pytest.raises(ValueError, match=message):
        next(run_many(adam, [RUN], data, Config(readings=1)))
