import numpy as np
import optax
import pytest

from experiments import datasets
from experiments.gate_study import phases
from thermolion_optax import smes, thermolion

QUIET = {"temperature": 0.0, "weight_decay": 0.0}


def phi(rho, aligned):
    """The published length of a step at learning rate 1."""
    gate = np.tanh(rho)
    return (1 - gate) * (1 + 0.5 * aligned) + 2 * gate * rho


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("rms", [1e-3, 1.0])
def test_the_update_of_thermolion_is_phi_at_every_scale(aligned, rms):
    rho, update = phases.update_at(thermolion(1.0, **QUIET), [0.05, 0.7, 2.5], rms, aligned=aligned)
    np.testing.assert_allclose(update, phi(rho.astype(np.float64), aligned), rtol=1e-4)
    np.testing.assert_allclose(rho, [0.05, 0.7, 2.5], rtol=0.12)


def test_the_updates_of_the_others():
    at = np.array([0.1, 1.0, 2.0])
    rho, update = phases.update_at(optax.lion(1.0, weight_decay=0.0), at)
    np.testing.assert_array_equal(rho, at.astype(np.float32))
    np.testing.assert_array_equal(update, 1)
    for alpha in (0.0, 0.25, 0.5, 1.0):
        rho, update = phases.update_at(smes(1.0, alpha), at, rms=0.3)
        np.testing.assert_allclose(update, rho * 0.3 ** (1 - 2 * alpha), rtol=2e-3)


def test_the_first_steps_under_a_constant_gradient_are_the_known_ones():
    driven = phases.drive(thermolion(1.0, **QUIET), np.full((60, 2), 1e-3))
    at = np.array([1, 5, 10, 20, 60]) - 1
    np.testing.assert_allclose(driven.rho[at, 0], [1.0, 1.85, 2.11, 2.06, 1.48], atol=0.006)
    lengths = -driven.updates[:, 1]
    assert lengths.argmax() + 1 == 13
    np.testing.assert_allclose([lengths.max(), lengths[-1]], [4.19, 2.82], atol=0.01)
    assert driven.aligned.all()


def test_the_phases_add_up_to_the_step():
    gradients = phases.noisy_gradients(phases.rising_signal(200, start=50, end=150), 3)
    driven = phases.drive(thermolion(1.0, **QUIET), gradients)
    parts = phases.update_parts(driven)
    np.testing.assert_allclose(
        parts["gas"] + parts["solid"], np.abs(driven.updates), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_array_equal(driven.gradients, gradients)
    assert parts["gate"][:50].mean() < 0.5 < parts["gate"][150:].mean()


def test_zero_gradients_have_no_ratio():
    driven = phases.drive(thermolion(1.0, **QUIET), np.zeros((3, 1)))
    for values in (driven.rho, driven.updates, phases.update_parts(driven)["gas"]):
        np.testing.assert_array_equal(values, 0)


def test_streams_have_the_mean_and_the_noise_asked_for():
    stream = phases.noisy_gradients([0.0, 3.0], 20_000, std=2.0, seed=1)
    np.testing.assert_allclose(stream.mean(1), [0.0, 3.0], atol=0.06)
    np.testing.assert_allclose(stream.std(1), 2.0, rtol=0.03)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_exactly_that_share_of_the_labels_is_wrong(share):
    labels = np.arange(1000, dtype=np.int32) % 7
    wrong = phases.with_wrong_labels(labels, share, 7)
    assert np.sum(wrong != labels) == round(1000 * share)
    assert wrong.min() >= 0
    assert wrong.max() < 7
    assert wrong.dtype == labels.dtype
    if share:
        shifts = (wrong - labels)[wrong != labels] % 7
        assert set(shifts) == set(range(1, 7))  # every other class, none of them twice as likely
        assert np.bincount(shifts)[1:].max() < 1.6 * np.bincount(shifts)[1:].min()


@pytest.fixture(scope="module")
def watched():
    digits = datasets.load("digits", limit=64)
    labels = [digits.labels, phases.with_wrong_labels(digits.labels, 0.5, 10)]
    return phases.watch(
        thermolion(3e-4), digits.images, labels, num_classes=10, steps=12, batch_size=16, every=4
    )


def test_a_run_is_watched_at_the_steps_asked_for(watched):
    for run in watched:
        np.testing.assert_array_equal(run.steps, [4, 8, 12])
        assert {curve.shape for curve in run.log.values()} == {(3,)}
        np.testing.assert_allclose(run.log["temperature/all"], 0.99**run.steps, rtol=1e-5)
        for name in ("gate_mean", "gas_share", "alignment_rate", "zero_gradient_share"):
            for part in ("all", "conv1.kernel", "dense2.bias"):
                curve = run.log[f"{name}/{part}"]
                assert np.all((curve >= 0) & (curve <= 1)), name
        assert np.all(run.log["alignment_rate/all"] + run.log["zero_gradient_share/all"] <= 1)
        assert np.all(run.log["noise_std/conv2.kernel"] > 0)


def test_runs_share_everything_but_their_labels(watched):
    """The network learns the right labels first; wrong ones are harder from the start."""
    right, wrong = watched
    assert right.loss[-1] < right.loss[0] < 2.5
    assert right.loss[-1] < wrong.loss[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 10, "every": 4}, "steps = 10 is not a positive multiple of every = 4"),
        ({"batch_size": 9}, "batch_size = 9"),
        ({"batch_size": 0}, "batch_size = 0"),
    ],
)
def test_lengths_that_do_not_fit_are_named(arguments, message):
    images, labels = np.zeros((8, 32, 32, 1), np.uint8), np.zeros(8, np.int32)
    with pytest.raises(ValueError, match=message):
        phases.watch(thermolion(), images, [labels], num_classes=2, **arguments)


@pytest.mark.parametrize(("share", "classes"), [(-0.1, 10), (1.1, 10), (0.5, 1)])
def test_impossible_wrong_labels_are_refused(share, classes):
    with pytest.raises(ValueError, match=r"share|num_classes"):
        phases.with_wrong_labels(np.zeros(4, np.int32), share, classes)
