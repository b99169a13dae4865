"""The distortion study: its network, its runs in their order, one of them trained, its words."""

import inspect
import json
import math
from dataclasses import fields, replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax
from made_distortion import made
from params import slow

from experiments import datasets
from experiments.distortion_study import findings, network, outcomes, plan, readings, training
from experiments.distortion_study.record import DistortionRecord, GradientReading
from experiments.networks import taps
from experiments.records import lines


def lax_convolve(kernel, images):
    dimensions = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(images, kernel, (1, 1), "SAME", dimension_numbers=dimensions)


@pytest.mark.parametrize(("channels", "features"), [(3, 5), slow(1, 16), slow(16, 16)])
def test_the_taps_are_xlas_convolution_and_so_are_their_gradients(channels, features):
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(0), 3)
        kernel = jax.random.normal(keys[0], (3, 3, channels, features), "float64")
        images = jax.random.normal(keys[1], (2, 6, 8, channels), "float64")
        cotangent = jax.random.normal(keys[2], (2, 6, 8, features), "float64")
        results = []
        for form in (taps.convolve, lax_convolve):

            @jax.jit
            def both(kernel, images, cotangent, form=form):
                value, pull = jax.vjp(form, kernel, images)
                return value, *pull(cotangent)

            results.append(both(kernel, images, cotangent))
    for got, want in zip(*results, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)


@pytest.mark.slow
@pytest.mark.slow
def test_a_layers_gain_decides_whether_the_signal_dies():
    images = jax.random.normal(jax.random.key(1), (8, 16, 16, 1))

    def variation(gain):
        params = network.init(jax.random.key(0), 20, 10, gain)
        return float(network.logits(params, images).std(0).mean())

    assert variation(plan.GAINS["default"]) < 1e-6 < 1 < variation(plan.GAINS["large"])


def test_weights_are_pytorchs_but_for_the_gain():
    plain, large = (network.init(jax.random.key(0), 2, 10, gain) for gain in (1.0, 3.0))
    for name, inputs in (("conv01", 9), ("conv02", 144), ("dense", 16)):
        for leaf in plain[name].values():
            assert float(jnp.abs(leaf).max()) <= 1 / math.sqrt(inputs)
        scale = 1.0 if name == "dense" else 3.0
        np.testing.assert_allclose(large[name]["kernel"], scale * plain[name]["kernel"], rtol=1e-6)
        np.testing.assert_array_equal(large[name]["bias"], plain[name]["bias"])


def test_the_best_size_runs_again_on_fresh_seeds_and_nothing_else():
    found = []
    while due := plan.due(found):
        run = due[0]
        loss = abs(math.log10(run.size / 1e-3))
        diverges = run.size == 1e-3 and run.arm.optimizer == "SGD"
        found.append(made(run, None if diverges else loss, status="diverged" if diverges else "ok"))
    arms = len(plan.all_arms())
    assert arms == 2 * 2 * 5 * 2
    assert len(found) == len({plan.run_of(one) for one in found}) == arms * (7 + 3)
    for one in found:
        if one.phase == "final":
            best = {3e-3, 3e-4} if one.optimizer == "SGD" else {1e-3}
            assert one.size in best
            assert one.seed in plan.SEEDS


def test_expectations_are_judged_by_what_trains():
    def text_of(accuracy):
        found = [
            made(plan.DistortionRun(arm, 1e-3, seed, phase), accuracy=accuracy(arm))
            for arm in plan.all_arms()
            for phase, seeds in (("tune", (1,)), ("final", plan.SEEDS))
            for seed in seeds
        ]
        return findings.text(found)

    as_expected = text_of(lambda arm: 0.8 if plan.ALPHAS[arm.optimizer] == 0.5 else 0.1)
    words = "Is SMES α=½ nearly immune? Yes: it trains 4 of 4 networks, mean train accuracy 80 %"
    assert words in as_expected
    assert "Is SMES α=0 helpless? Yes: it trains 0 of 4" in as_expected
    otherwise = text_of(lambda arm: 0.8 if arm.depth == 10 else 0.1)
    assert "Is SMES α=½ nearly immune? No: it trains 2 of 4" in otherwise
    assert "Is SMES α=0 helpless? No: it trains 2 of 4" in otherwise
    assert "kernels max/min" in otherwise
    rescued = text_of(lambda arm: 0.8 if arm.strength and arm.start == "large" else 0.1)
    words = "SGD: trains 0 of 4 networks as it is, 2 with the rescaling; mean train accuracy %: "
    assert words + "10 layers default 10 → 10, 10 layers large 10 → 80" in rescued
    assert "over these networks 10 → 45, a change of +35.0 [+35.0, +35.0] points" in rescued
    assert "1.0e+03 → 1.0e+03" in otherwise
    assert "the smallest kernel's, root mean square, is 1.0e-03." in otherwise


def test_a_best_size_at_the_end_of_the_list_is_told():
    found = [
        made(plan.DistortionRun(arm, plan.FULL.sizes[-1], seed, "final"), accuracy=0.1)
        for arm in plan.all_arms()
        for seed in plan.SEEDS
    ]
    said = "10 layers default: at chance at the largest size tried"
    assert all(said in one.text for one in findings.expectations(outcomes.finals(found)))


def test_where_runs_are_missing_there_is_no_answer():
    arm = plan.DistortionArm(10, "large", "SMES α=½", 0.0)
    found = [made(plan.DistortionRun(arm, 1e-3, seed, "final")) for seed in plan.SEEDS]
    found.append(made(plan.DistortionRun(arm, 1e-3, plan.TUNING_SEED, "tune")))
    said = findings.text(found)
    assert "nearly immune? No answer yet: it trains 1 of 1 networks, mean train accuracy" in said
    assert "19 of 20 arms are still being run" in said
    assert "No arm has all its final runs yet" in findings.text(found[:1])


def test_a_ratio_of_what_is_not_there_is_none():
    assert readings.ratio([1.0, 4.0, 2.0]) == 4.0
    assert readings.ratio([0.0, 1.0]) is readings.ratio([None, 1.0]) is readings.ratio([]) is None


def test_a_layers_distortion_is_its_gradient_over_the_mean_of_all():
    reading = GradientReading(step=0, spread=None, kernel=[1e-3, 0.0], bias=[1e-1, None])
    found = readings.distortions(reading)
    np.testing.assert_allclose(found["kernels"], [0.1, np.nan])
    np.testing.assert_allclose(found["biases"], [10, np.nan])


def test_a_seed_that_died_or_diverged_is_in_no_median_and_that_is_said():
    arms = plan.all_arms()
    dead = [
        GradientReading(step=0, spread=2.0, kernel=[1e-3, 1.0], bias=[0.1] * 2),
        GradientReading(step=9, spread=1.0, kernel=[0.0, 0.0], bias=[0.0, 0.1]),
    ]
    found = []
    for arm in arms:
        for phase, seeds in (("tune", (1,)), ("final", plan.SEEDS)):
            found += [made(plan.DistortionRun(arm, 1e-3, seed, phase)) for seed in seeds]
    assert "of 3 seeds)" not in findings.text(found)
    assert findings.left(outcomes.finals(found)) == []
    first = next(i for i, one in enumerate(found) if one.seed == plan.SEEDS[0])
    found[first] = replace(found[first], gradients=dead)
    found[first + 1] = replace(found[first + 1], status="diverged")
    said = findings.text(found)
    assert "| 1.0e+03 → 1.0e+03 (1 of 3 seeds) | 2 → 2 (1 of 3 seeds) |" in said
    assert findings.left(outcomes.finals(found)) == ["SGD on 10 layers default: 1 of 3"]


@pytest.fixture(scope="module")
def images():
    train = datasets.load("digits")
    return training.shrunk(train.images[:64], train.labels[:64], 10)


def test_shrinking_takes_means_of_four_pixels():
    bytes_ = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 1), np.uint8)
    found = training.shrunk(bytes_, np.zeros(2, np.int32), 10).images
    assert found.shape == (2, 16, 16, 1)
    assert found[1, 3, 5, 0] == pytest.approx(bytes_[1, 6:8, 10:12].mean() / 127.5 - 1)


@pytest.mark.slow
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_run_is_what_a_plain_loop_makes_of_it(images, strength):
    """SMES at ¼ against optax's primitives, step by step; the rate is in the steps' units."""
    scale = plan.StudyScale(depths=(2,), steps=4, readings=3)
    arm = plan.DistortionArm(2, "large", "SMES α=¼", strength)
    found = training.train(plan.DistortionRun(arm, 1e-3, 5, "tune"), images, scale)
    root = jax.random.key(5)
    params = network.init(jax.random.fold_in(root, 0), 2, 10, plan.GAINS["large"])
    m, v = (jax.tree.map(jnp.zeros_like, params) for _ in range(2))
    losses, rate = [], None
    for t in range(1, 5):
        key = jax.random.fold_in(jax.random.fold_in(root, 1), t - 1)
        rows = jax.random.randint(key, (32,), 0, 64)
        batch = images.images[rows], images.labels[rows]
        loss, g = jax.value_and_grad(network.loss)(params, *batch)
        losses.append(float(loss))
        sizes = jnp.array([jnp.sqrt(jnp.mean(leaf**2)) for leaf in jax.tree.leaves(g)])
        if strength:
            middle = jnp.exp(jnp.log(sizes).mean())
            g = jax.tree.map(lambda leaf, s=middle: leaf * s / jnp.sqrt(jnp.mean(leaf**2)), g)
        if rate is None:
            largest = float(middle if strength else sizes.max())
            rate = 1e-3 / math.sqrt(largest)
            assert found.rate == pytest.approx(rate, rel=1e-4)
        m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b**2, v, g)
        steps = jax.tree.map(
            lambda a, b, n=t: jnp.where(
                b > 0, a / (1 - 0.9**n) / jnp.maximum(b / (1 - 0.999**n), 1e-38) ** 0.25, 0
            ),
            m,
            v,
        )
        params = optax.apply_updates(params, jax.tree.map(lambda u, r=rate: -r * u, steps))
    np.testing.assert_allclose(found.losses, np.array(losses).reshape(2, 2).mean(1), rtol=1e-4)
    assert [one.step for one in found.gradients] == [0, 2, 4]
    assert len(found.gradients[0].kernel) == 3


def test_a_record_reads_back_and_an_older_one_says_no_more_than_it_did():
    older = made(plan.DistortionRun(plan.DistortionArm(3, "large", "AdamW", 0.0), 1e-3, 5, "tune"))
    newer = replace(older, versions={"jax": "0"}, device={"count": 1}, code="0", rate=math.inf)
    assert lines.build(DistortionRecord, lines.encode(older)) == older
    assert lines.build(DistortionRecord, lines.encode(newer)) == replace(newer, rate=None)
    said = json.loads(lines.encode(older))
    assert not {"versions", "device", "commit", "code"} & said.keys()
    for change, message in (
        ({"gradients": [3]}, r"Expected `object`, got `int` - at `\$.gradients\[0\]`"),
        ({"gradients": 3}, r"Expected `array`, got `int` - at `\$.gradients`"),
        ({"gradients": [{"step": 0}]}, r"missing required field `spread` - at `\$.gradients\[0\]`"),
    ):
        with pytest.raises(ValueError, match=message):
            lines.build(DistortionRecord, json.dumps(said | change).encode())


def test_every_field_is_documented():
    for kind in (DistortionRecord, GradientReading):
        for one in fields(kind):
            assert f"    {one.name}: " in (inspect.getdoc(kind) or ""), one.name
