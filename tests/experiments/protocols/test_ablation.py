"""The ablation study, driven by made-up scores in place of training."""

import math
from collections import Counter
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from made_records import Made, rate

from experiments import networks, optimizers, training
from experiments.protocols import ablation
from experiments.protocols.ablation import constants
from experiments.protocols.ablation.study import rate_of_step
from experiments.protocols.fair import constants as fair
from experiments.training.whole_run import train

GATE = {"snr_mean", "gate_mean", "noise_std"}
THREE = ("thermolion", "adamw", "signum:weight_decay=0.01")


def study(names=THREE, datasets=("digits",), budget="full", regimes=("B",)):
    resolved = {name: optimizers.resolve(name) for name in names}
    return ablation.study(list(datasets), resolved, budget=budget, regimes=regimes)


def best_at(value):
    return lambda cell: 0.9 - 0.05 * abs(math.log10(rate(cell) / value))


class Stepping(Made):
    """AdamW's steps grow as the root of its rate; ThermoLion's are all of one size."""

    def run(self, cells):
        super().run(cells)
        for cell in cells:
            rms = 1e-4 * (rate(cell) / 1e-3) ** 0.5
            rms = 1.5e-4 if cell.learner.optimizer == "thermolion" else rms
            self.records[cell] = replace(self.records[cell], update_rms=rms)


def test_every_arm_is_named_canonically_and_can_be_trained():
    numbers = constants.protocol()
    for name in numbers["arms"]:
        assert optimizers.resolve(name).name == name
    spoken = {*numbers["up"], *numbers["down"]}
    for asked in numbers["questions"].values():
        spoken |= {asked["first"], *asked["against"]}
    assert spoken <= {*numbers["arms"], *numbers["derived"]}
    for derived in numbers["derived"].values():
        assert {derived["optimizer"], derived["step_of"]} <= {*numbers["arms"]}


@pytest.mark.parametrize("name", ablation.OPTIMIZERS)
def test_every_arm_is_trained_under_a_schedule_and_its_gate_is_read(name):
    found = optimizers.resolve(name)
    data = training.Data(
        np.zeros((8, 32, 32, 1), np.uint8), np.arange(8, dtype=np.int32) % 2, num_classes=2
    )
    data = replace(data, validation_images=data.train_images, validation_labels=data.train_labels)
    config = training.Config(batch_size=4, steps=3, scheduled=True, readings=2, telemetry="gate")
    numbers = {key: jnp.float32(value) for key, value in found.hyperparameters.items()}
    network = networks.resolve("convnet")
    trained = jax.eval_shape(
        lambda: train(found.build, data, config, numbers, 0, network=network, schedule=1)
    )
    gated = name.startswith(("thermolion", "grafted"))
    assert set(trained.telemetry) == (GATE if gated else set())
    assert {x.shape for x in trained.telemetry.values()} <= {(2,)}


def test_the_whole_study_has_the_runs_that_it_says():
    one = study(ablation.OPTIMIZERS, ("fashion_mnist", "signs.npz"), regimes=("B", "A"))
    made = Stepping(best_at(1e-3))
    plan = made.run_all(one)
    arms = len(ablation.OPTIMIZERS)
    assert plan.left == 0
    assert plan.done == len(made.order) == 4 * (arms * (7 + 2 + 10) + 10)
    assert all(cell.reads_test == (cell.phase == "final") for cell in made.order)
    assert {cell.seed for cell in made.order if cell.reads_test} == set(range(201, 211))
    assert {cell.learner.schedule for cell in made.order} == {"warmup_cosine"}
    assert len({made.records[cell].identity for cell in made.order}) == len(made.order)


def test_signum_and_thermolion_are_tuned_over_rates_that_both_need():
    tried = {
        chain.name: sorted(one["learning_rate"] for one in chain.candidates)
        for chain in study().arms.chains
    }
    assert tried["thermolion"][::6] == pytest.approx([3.16228e-5, 3.16228e-2])
    assert tried["signum:weight_decay=0.01"][::6] == pytest.approx([1e-5, 1e-2], 1e-5)


def test_a_rate_stated_in_a_name_is_the_centre_of_its_list():
    found = optimizers.resolve("signum:weight_decay=0.01,learning_rate=0.1")
    made = ablation.study(["digits"], {found.name: found})
    assert made.arms.chains[0].candidates[0] == {"learning_rate": 0.1}


def test_adamw_runs_at_the_step_of_thermolion_too():
    made, one = Stepping(best_at(1e-3)), study()
    made.run_all(one)
    final = [c for c in made.order if c.learner.optimizer == "adamw" and c.phase == "final"]
    assert Counter(map(rate, final)) == {1e-3: 10, 2.25e-3: 10}  # 1e-3 · 1.5²


@pytest.mark.parametrize(
    ("start", "wanted", "expected"),
    [(2.0, 4.0, 2.0), (1.0, 16.0, 4.0), (2.0, 2.0, 2**0.5), (2.0, 0.5, 0.5), (4.0, 32.0, 8.0)],
)
def test_a_rate_is_found_from_the_steps_of_its_neighbours(start, wanted, expected):
    sizes = {1.0: 1.0, 2.0: 4.0, 4.0: 16.0}  # beyond these ends in proportion
    assert rate_of_step(sizes, start, wanted) == pytest.approx(expected)


def test_steps_that_shrink_beyond_are_passed_over():
    assert rate_of_step({1.0: 1.0, 2.0: 0.5, 4.0: 2.0}, 1.0, 1.0) == 1.0
    assert rate_of_step({1.0: 1.0, 2.0: 0.5, 4.0: 2.0}, 1.0, 2.0) == pytest.approx(4.0)


def test_steps_that_are_of_one_size_at_all_rates_leave_the_rate_as_it_is():
    assert rate_of_step({1.0: 2.0, 2.0: 2.0, 0.5: 2.0}, 1.0, 2.0) == 1.0
    assert rate_of_step({1.0: 2.0, 2.0: 2.0, 0.5: 2.0}, 1.0, 3.0) == pytest.approx(3.0)


def test_the_derived_rate_waits_for_another_shard_and_says_so():
    one = study(("thermolion", "adamw"))
    first, second = (one.share(index, 2) for index in range(2))
    made = Stepping(best_at(1e-3))
    waiting = made.run_all(second).waiting
    assert waiting == ("the tuning of thermolion on digits, regime B",)
    assert made.run_all(first).waiting == ()
    plan = made.run_all(second)
    whole = Stepping(best_at(1e-3))
    whole.run_all(one)
    assert (plan.waiting, set(made.records)) == ((), set(whole.records))


def test_where_an_arm_diverged_throughout_there_is_no_derived_rate():
    made = Stepping(best_at(1e-3), status=lambda cell: "diverged")
    plan = made.run_all(study(("thermolion", "adamw")))
    assert (plan.waiting, plan.left, plan.done) == ((), 0, 2 * 19)


def test_killed_anywhere_it_continues_to_the_same_end():
    one, whole, torn = study(budget="smoke"), Stepping(best_at(1e-3)), Stepping(best_at(1e-3))
    whole.run_all(one)
    while cells := one.plan(torn.find).cells:
        torn.run(cells[:1])
    assert set(torn.records) == set(whole.records)


def test_the_hash_is_of_what_decides_runs(monkeypatch):
    candidates = ({"learning_rate": 1e-3},)
    before = constants.content_hash(candidates)
    assert before != constants.content_hash(({"learning_rate": 2e-3},))
    for name in constants.WORDS:
        assert_same = {**constants.protocol(), name: "another"}
        monkeypatch.setattr(constants, "protocol", lambda changed=assert_same: changed)
        assert constants.content_hash(candidates) == before
        monkeypatch.undo()
    other = {**constants.protocol(), "schedule": "constant"}
    monkeypatch.setattr(constants, "protocol", lambda: other)
    assert constants.content_hash(candidates) != before
    monkeypatch.undo()
    limit = {**fair.protocol(), "limit": 100}
    monkeypatch.setattr(fair, "protocol", lambda: limit)
    assert constants.content_hash(candidates) != before


def test_records_name_the_study_and_its_hash():
    cell = study(budget="smoke").plan(lambda cell: None).cells[0]
    said = cell.fields("0", {}, {})
    assert (said["protocol"], said["budget"]) == ("ablation[budget=smoke]", "smoke")
    assert len(said["protocol_hash"]) == 16
    assert (cell.regime.steps, cell.regime.scheduled, cell.task.parts) == (60, True, "split")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": "half"}, "unknown budget 'half': there are full, smoke"),
        ({"regimes": ("D",)}, "unknown regime 'D'"),
        ({"datasets": ("digits", "digits")}, "data set given twice"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        study(**change)
