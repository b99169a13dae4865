"""Whole runs: against a plain loop, repeatable, batched, sharded, diverging, interrupted."""

import dataclasses
import functools
import signal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from params import slow

from experiments import networks, training
from experiments.networks import convnet, convolution, network
from experiments.training import Config, Data, Run, cores

CONFIG = Config(epochs=2, batch_size=16)
run_many = functools.partial(training.run_many, network=networks.resolve("convnet"))
# Two ordinary runs, one that diverges between them, and one whose weights stand still.
ADAM = [
    Run({"learning_rate": rate}, seed) for rate, seed in ((1e-3, 0), (1e30, 0), (3e-3, 1), (0.0, 3))
]


def adam(hyperparameters, key, steps_per_epoch, total_steps):
    return optax.adam(**hyperparameters)


def sgd(hyperparameters, key, steps_per_epoch, total_steps):
    return optax.sgd(**hyperparameters)


def make_data(n: int = 40, tests: int = 7, channels: int = 1, num_classes: int = 4) -> Data:
    """Bars whose place tells the class, under noise: something to learn in a few steps."""
    rng = np.random.default_rng(n)
    labels = rng.integers(0, num_classes, n + tests).astype(np.int32)
    images = rng.integers(0, 120, (n + tests, 32, 32, channels)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[8 * (label % 4) : 8 * (label % 4) + 8] += 120
    return Data(images[:n], labels[:n], images[n:], labels[n:], num_classes=num_classes)


@pytest.fixture(scope="module")
def data() -> Data:
    return make_data()


@pytest.fixture(scope="module")
def outcomes(data: Data) -> list[training.Outcome]:
    return list(run_many(adam, ADAM, data, CONFIG, devices=2))


def numbers(outcome: training.Outcome) -> list[float]:
    assert outcome.test_accuracy is not None
    return [
        *outcome.train_loss, outcome.train_accuracy, outcome.test_accuracy, outcome.update_rms
    ]  # fmt: skip


def plain_loop(run: Run, data: Data, config: Config) -> list[float]:
    """The same run, one step a call, on XLA's own convolution: written for reading."""
    root = jax.random.key(run.seed)
    params = convnet.init(jax.random.fold_in(root, 0), data.train_images.shape[3], data.num_classes)
    tx = optax.adam(**run.hyperparameters)
    opt_state = tx.init(params)
    images = np.asarray(data.train_images, np.float32) / 127.5 - 1
    tests = np.asarray(data.test_images, np.float32) / 127.5 - 1
    logits = functools.partial(convnet.logits, features=convolution.lax_features)

    @jax.jit
    def step(params, opt_state, images, labels):
        loss, grads = network.loss_and_gradient_of(logits)(params, images, labels)
        updates, opt_state = tx.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, loss

    curve, changes = [], []
    for key in jax.random.split(jax.random.fold_in(root, 1), config.epochs):
        order = np.asarray(jax.random.permutation(key, len(images)))
        losses = []
        for start in range(0, len(images), config.batch_size):
            rows = order[start : start + config.batch_size]
            old = params
            params, opt_state, loss = step(params, opt_state, images[rows], data.train_labels[rows])
            losses.append(float(loss))
            moved = [
                np.ravel(a - b) for a, b in zip(*map(jax.tree.leaves, (params, old)), strict=True)
            ]
            changes.append(np.sqrt(np.mean(np.concatenate(moved) ** 2)))
        curve.append(np.mean(losses))
    accuracies = [
        np.mean(np.argmax(convnet.logits(params, x), -1) == y)
        for x, y in ((images, data.train_labels), (tests, data.test_labels))
    ]
    return [*curve, *accuracies, np.mean(changes)]


def test_a_plain_loop_gives_the_same_curve(data: Data, outcomes: list[training.Outcome]) -> None:
    for run, outcome in zip(ADAM[::2], outcomes[::2], strict=True):
        np.testing.assert_allclose(numbers(outcome), plain_loop(run, data, CONFIG), rtol=1e-4)


def test_runs_learn_and_are_reported_in_order(outcomes: list[training.Outcome]) -> None:
    assert [outcome.status for outcome in outcomes] == ["ok", "diverged", "ok", "ok"]
    assert all(outcome.train_loss[1] < outcome.train_loss[0] for outcome in outcomes[::2])
    assert outcomes[3].update_rms == 0
    assert not np.all(np.isfinite(outcomes[1].train_loss))  # recorded as it is
    assert all(outcome.seconds > 0 and outcome.compile_seconds > 0 for outcome in outcomes)
    assert type(outcomes[0].train_loss[0]) is float


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_keeps_the_finished_runs_and_they_repeat_bit_for_bit(
    data: Data, outcomes: list[training.Outcome]
) -> None:
    # The third run of `outcomes` comes first here: what runs before a run does not matter.
    finished = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 (the loop is what is interrupted)
        for outcome in run_many(adam, [ADAM[2], ADAM[0], ADAM[3]], data, CONFIG, devices=2):
            finished.append(outcome)
            if len(finished) == 2:
                signal.raise_signal(signal.SIGINT)
    assert [numbers(outcome) for outcome in finished] == [numbers(outcomes[i]) for i in (2, 0)]


@pytest.mark.parametrize(
    ("together", "devices", "devices_per_run"),
    [
        (2, 4, 2),
        slow(3, 1, 1),
        slow(1, 3, None),
        slow(2, 2, 1),
        slow(1, 1, 1),
    ],
)
def test_batched_sharded_and_split_runs_agree(
    data: Data,
    outcomes: list[training.Outcome],
    together: int,
    devices: int,
    devices_per_run: int | None,
) -> None:
    how = {"together": together, "devices": devices, "devices_per_run": devices_per_run}
    together = list(run_many(adam, ADAM, data, CONFIG, **how))
    assert [outcome.status for outcome in together] == [outcome.status for outcome in outcomes]
    for at in (0, 2, 3):
        np.testing.assert_allclose(numbers(together[at]), numbers(outcomes[at]), rtol=1e-4)


@pytest.mark.slow
def test_a_short_batch_may_leave_devices_without_images() -> None:
    data = make_data(17, 1)
    alone, several = (next(run_many(adam, ADAM, data, CONFIG, devices=n)) for n in (1, 3))
    np.testing.assert_allclose(numbers(several), numbers(alone), rtol=1e-4)


def test_patience_reaches_the_compiler(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "PATIENCE", dict.fromkeys(cores.PATIENCE, "forever"))
    with pytest.raises(jax.errors.JaxRuntimeError, match=next(iter(cores.PATIENCE))):
        next(run_many(adam, ADAM, data, CONFIG))


def test_a_sweep_and_data_of_its_shape_compile_once() -> None:
    compilations, traces = [], []

    def listen(event: str, seconds: float, **_: object) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compilations.append(seconds)

    def build(hyperparameters, *_):
        traces.append(hyperparameters)
        return optax.sgd(hyperparameters["learning_rate"])

    runs = [
        Run({"learning_rate": rate}, seed)
        for rate in np.logspace(-4, -1, 7)
        for seed in range(5)
    ]  # fmt: skip
    data = make_data(4, 2)
    same_shape = dataclasses.replace(data, train_labels=1 - data.train_labels % 2)
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        programs = {}
        swept = list(run_many(build, runs, data, Config(epochs=1), programs=programs))
        other = next(run_many(build, runs, same_shape, Config(epochs=1), programs=programs))
    finally:
        jax.monitoring.clear_event_listeners()
    assert len(swept) == 35
    first = {outcome.train_loss[0] for outcome in [*swept, other]}
    assert len(first) == 5 + 1  # before the first update: five seeds, and the other labels
    assert other.compile_seconds == swept[0].compile_seconds
    assert len(traces) == 1
    assert len(compilations) == 1


def test_optimizers_share_initial_weights_and_data_order(
    data: Data, outcomes: list[training.Outcome]
) -> None:
    # At a learning rate of 0 the loss shows nothing but the weights and the batches.
    still = next(run_many(sgd, ADAM[3:], data, CONFIG))
    np.testing.assert_allclose(still.train_loss, outcomes[3].train_loss, rtol=1e-6)


def test_eval_params_are_what_is_evaluated() -> None:
    data = make_data(12, 5)

    def build(hyperparameters, *_):
        def all_for_class_two(opt_state, params):
            bias = params["dense2"]["bias"].at[2].add(1e6)
            return params | {"dense2": params["dense2"] | {"bias": bias}}

        return optax.sgd(**hyperparameters), all_for_class_two

    outcome = next(run_many(build, ADAM[:1], data, Config(epochs=1)))
    assert outcome.train_accuracy == pytest.approx(np.mean(data.train_labels == 2))
    assert outcome.test_accuracy == pytest.approx(np.mean(data.test_labels == 2))


def test_no_test_set_and_one_short_batch() -> None:
    whole = make_data(5, 2, channels=3, num_classes=100)
    data = dataclasses.replace(whole, test_images=None, test_labels=None)
    outcome = next(run_many(adam, ADAM[:1], data, Config(epochs=1, batch_size=1024)))
    assert outcome.test_accuracy is None
    assert outcome.status == "ok"


def test_out_of_memory_says_what_to_lower() -> None:
    def build(hyperparameters, *_):
        def init(params):
            return jnp.zeros(1 << 46)

        def update(grads, state, params=None):
            return optax.tree.scale(state[-1], grads), state + optax.tree.norm(grads)

        return optax.GradientTransformation(init, update)

    with pytest.raises(MemoryError, match=r"lower together .* then batch_size"):
        list(run_many(build, ADAM[:1], make_data(4, 2), Config(epochs=2)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"train_images": np.zeros((4, 28, 28, 1), np.uint8)},
            r"train_images must be uint8 \(N, 32",
        ),
        ({"train_images": np.zeros((4, 32, 32, 1))}, "got float64"),
        ({"train_images": np.zeros((0, 32, 32, 1), np.uint8)}, "holds no image"),
        ({"train_labels": np.array([0, 1, 2, 4])}, r"must lie in 0 … 3 .* got 0 … 4"),
        ({"train_labels": np.zeros(3, int)}, r"train_labels must be integers \(4,\)"),
        ({"test_images": np.zeros((2, 32, 32, 3), np.uint8)}, r"test_images must be uint8"),
        ({"test_labels": None}, "must be given together"),
    ],
)
def test_wrong_data_is_named(change: dict, message: str) -> None:
    data = dataclasses.replace(make_data(4, 2), **change)
    with pytest.raises(ValueError, match=message):
        next(run_many(adam, ADAM, data, CONFIG))


@pytest.mark.parametrize(
    ("runs", "options", "message"),
    [
        (ADAM, {"config": Config(epochs=0)}, "Config.epochs must be a positive integer"),
        (ADAM, {"config": Config(batch_size=0.5)}, "Config.batch_size must be"),  # type: ignore
        (ADAM, {"together": 0}, "together must be at least 1"),
        (ADAM, {"devices": 99}, "devices must be 1 … 8"),
        (
            ADAM,
            {"devices": 4, "devices_per_run": 3},
            "devices_per_run must divide devices, which is 4, got 3",
        ),
        (ADAM, {"devices_per_run": 0}, "devices_per_run must divide devices"),
        ([ADAM[0], Run({"momentum": 0.9}, 0)], {}, "must name the same hyperparameters"),
        ([Run({}, -1)], {}, "seed must be 0"),
    ],
)
def test_wrong_arguments_are_named(runs, options: dict, message: str, data: Data) -> None:
    with pytest.raises(ValueError, match=message):
        next(run_many(adam, runs, data, **options))


def test_wrong_build_is_named(data: Data) -> None:
    with pytest.raises(ValueError, match=r"build returned None, expected an optax\.Gradient"):
        next(run_many(lambda *_: None, ADAM, data, CONFIG))


def test_no_runs_give_no_outcomes(data: Data) -> None:
    assert list(run_many(adam, [], data, CONFIG)) == []
