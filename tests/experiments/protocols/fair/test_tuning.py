"""The stages of tuning, driven by made-up scores in place of training."""

import math
from dataclasses import replace

import pytest
from made_records import Made, rate

from experiments import optimizers, records
from experiments.analysis.selection import score
from experiments.protocols import fair
from experiments.protocols.fair import constants
from experiments.protocols.fair.transfer import best_elsewhere
from experiments.protocols.fair.tuning import follow


def study(names=("adamw",), datasets=("digits",), budget="full", regimes=("A",)):
    resolved = {name: optimizers.resolve(name) for name in names}
    return fair.study(list(datasets), resolved, budget=budget, regimes=regimes)


def peak(at, schedule="warmup_cosine"):
    """Scores that fall with the distance of the rate from ``at``, better under one schedule."""

    def accuracy(cell):
        distance = abs(math.log10(rate(cell) / at))
        return 0.9 - 0.05 * distance + 0.01 * (cell.learner.schedule == schedule)

    return accuracy


def test_the_stages_have_the_runs_that_the_protocol_states():
    made, one = Made(peak(1e-3)), study()
    plan = made.finish(one)
    assert (plan.cells, plan.left) == ([], 0)
    stages = [(cell.phase, cell.seed) for cell in made.order]
    assert stages[:18] == [("tune", 101)] * 18
    assert stages[18:27] == [("tune", 102)] * 9
    assert stages[27:35] == [("refine", 101)] * 8
    assert [phase for phase, _ in stages[35:41]] == ["confirm"] * 6
    assert sorted(seed for _, seed in stages[35:41]) == [103] * 3 + [104] * 3
    assert [phase for phase, _ in stages[41:]] == ["final"] * 20 + ["default"] * 20
    assert len(made.order) == one.chains[0].length == plan.done
    assert len({made.records[cell].identity for cell in made.order}) == len(made.order)


def test_a_regime_without_tuning_runs_on_with_the_winner_of_another():
    made, both = Made(peak(1e-3)), study(("adamw", "adam"), regimes=("C", "B"))
    plan = made.finish(both)
    assert (plan.left, plan.waiting) == (0, ())
    longer, _, shorter, _ = both.chains
    winner = follow(shorter, made.find).winner
    in_c = [cell for cell in made.order if cell.regime.name == "C"]
    adamw = [cell for cell in in_c if cell.learner.optimizer == "adamw"]
    assert {(cell.phase, cell.learner, cell.regime.steps) for cell in adamw} == {
        ("final", winner, 2400)
    }
    assert [cell.seed for cell in adamw] == list(range(201, 221))
    assert len(adamw) == longer.length
    assert {cell.phase for cell in in_c if cell not in adamw} == {"default"}  # untuned Adam


def test_a_regime_without_tuning_waits_for_that_of_another_and_says_so():
    made, one = Made(peak(1e-3)), study(regimes=("C",))
    plan = one.plan(made.find)
    assert (plan.cells, plan.left, plan.done) == ([], 20, 0)
    (said,) = plan.waiting
    assert said == "the setting of adamw on digits that wins in B (add B to --regimes)"
    here, there = (study(regimes=("B", "C")).share(place, 2) for place in (1, 0))
    assert here.plan(made.find).waiting == ("the setting of adamw on digits that wins in B",)
    assert not there.plan(made.find).waiting
    made.finish(study(regimes=("B",)))
    assert len(one.plan(made.find).cells) == 20


def test_rates_are_half_a_decade_apart_around_the_default():
    chain = study().chains[0]
    rates = [chain.rate(place) for place in chain.places]
    assert rates[4] == 1e-3
    assert rates == pytest.approx([1e-3 * 10 ** (k / 2) for k in range(-4, 5)], rel=1e-5)


def test_a_rate_stated_in_a_name_goes_before_smess_own_units():
    stated, plain = (
        fair.study(["digits"], {"smes": optimizers.resolve(name)}).chains[0].contestant.space
        for name in ("smes:learning_rate=0.5", "smes")
    )
    assert (stated.learning_rate, plain.learning_rate) == (0.5, 0.08192)
    assert stated.ranges == plain.ranges


def test_only_final_and_default_runs_read_the_test_images():
    made = Made(peak(1e-3))
    made.finish(study(("adamw", "thermolion"), ("digits", "usps")))
    for cell in made.order:
        assert cell.reads_test == (cell.phase in ("final", "default"))
    tuning = {cell.seed for cell in made.order if not cell.reads_test}
    assert not tuning & {cell.seed for cell in made.order if cell.reads_test}


def test_the_better_schedule_and_the_best_rate_win():
    made, one = Made(peak(1e-3 * 10**0.5, "constant")), study()
    made.finish(one)
    assert follow(one.chains[0], made.find).schedule == "constant"
    assert {cell.learner.schedule for cell in made.order if cell.phase == "refine"} == {"constant"}
    assert rate_of_winner(made) == pytest.approx(1e-3 * 10**0.5, rel=0.2)
    default = [cell for cell in made.order if cell.phase == "default"]
    assert {(rate(cell), cell.learner.schedule) for cell in default} == {(1e-3, "constant")}


@pytest.mark.parametrize(
    ("at", "outwards", "centre"),
    [
        (1e2, [5, 6, 7, 8, 9, 10], 10),  # not reached: three times are as often as it goes
        (1e-6, [-5, -6, -7, -8], -6),
        (0.3, [5, 6], 5),
    ],
)
def test_a_best_rate_at_the_edge_is_followed_outwards_on_this_stages_runs(at, outwards, centre):
    made, one = Made(peak(at)), study()
    made.finish(one)
    refine = [cell for cell in made.order if cell.phase == "refine"]
    assert len(refine) == 8
    moved = [rate(cell) for cell in refine if cell.trial is None]
    assert moved == pytest.approx([one.chains[0].rate(place) for place in outwards])
    around = one.chains[0].rate(centre)
    for cell in refine[len(moved) :]:
        assert around / 10**0.5 < rate(cell) < around * 10**0.5
    known = {}  # at every run on the way what is left and what is done make the whole
    for number, cell in enumerate(made.order):
        plan = one.plan(known.get)
        assert (plan.done, plan.left) == (number, one.chains[0].length - number)
        known[cell] = made.records[cell]
    assert len(made.order) == one.chains[0].length


def test_what_is_left_has_the_runs_at_a_setting_carried_over_before_it_is_known():
    """Of AdamW each set tunes and judges 81 runs, and 20 more at what is best on the other."""
    made, one = Made(peak(1e-3)), study(datasets=("digits", "usps"))
    plan = one.plan(made.find)
    whole = plan.left + plan.done
    assert whole == 2 * (one.chains[0].length + 20)
    while plan.cells:
        made.run(plan.cells)
        plan = one.plan(made.find)
        assert plan.left + plan.done == whole
    assert plan.left == 0


def test_quasi_random_points_lie_around_the_centre_and_tune_every_number():
    made, one = Made(peak(1e-3)), study()
    made.finish(one)
    trials = [cell for cell in made.order if cell.trial is not None]
    assert [cell.trial for cell in trials] == list(range(8))
    for cell in trials:
        numbers = dict(cell.learner.changed)
        assert set(numbers) == {"learning_rate", "b1", "b2", "eps", "weight_decay"}
        assert 10**-3.5 <= numbers["learning_rate"] <= 10**-2.5
    assert len({cell.learner for cell in trials}) == 8


def test_the_confirmation_alone_decides():
    """The luckiest of the first seed loses where fresh seeds say otherwise."""

    def accuracy(cell):
        lucky = cell.trial == 3 or (cell.phase == "confirm" and rate(cell) != 1e-3)
        if cell.phase == "confirm":
            return 0.2 if lucky else 0.8
        return 0.99 if lucky else peak(1e-3)(cell)

    made, one = Made(accuracy), study()
    made.finish(one)
    assert rate_of_winner(made) == 1e-3


def test_a_diverged_run_has_the_worst_score_and_counts():
    made = Made(peak(1e-3), status=lambda cell: "diverged" if rate(cell) > 5e-4 else "ok")
    one = study()
    made.finish(one)
    assert rate_of_winner(made) < 5e-4
    always = Made(peak(1e-3), status=lambda cell: "diverged")
    always.finish(one)
    assert len(always.order) == one.chains[0].length  # nothing is missing, nothing is lost
    assert score(None) < (0.0, 0.0)


def test_a_loss_that_is_no_number_counts_alike_before_and_after_it_is_in_a_file(synthetic):
    """In a file it is null; a NaN compares with nothing, so that its order would decide."""
    made = synthetic(validation_accuracy=[0.5], validation_loss=[float("nan")])
    read = records.parse(records.encode(made))
    assert read.validation_loss == [None]
    assert score(made) == score(read) == (0.5, float("-inf"))


def rate_of_winner(made):
    """The rate of the final runs, which are all of one configuration."""
    (winner,) = {cell.learner for cell in made.order if cell.phase == "final"}
    return dict(winner.changed)["learning_rate"]


def test_killed_anywhere_it_continues_to_the_same_end():
    whole, one = Made(peak(2e-3)), study(("adamw", "lion"), ("digits",), "smoke")
    whole.finish(one)
    torn = Made(peak(2e-3))
    while plan := one.plan(torn.find).cells:
        torn.run(plan[:1])  # killed after every run
    assert set(torn.records) == set(whole.records)


def test_deleted_records_are_made_again_and_nothing_else():
    made, one = Made(peak(1e-3)), study()
    made.finish(one)
    gone = [cell for cell in made.order if cell.phase == "confirm"][:2]
    for cell in gone:
        del made.records[cell]
    assert list(one.plan(made.find).cells) == gone


def test_shards_share_the_chains_and_make_the_whole_study():
    whole, one = (
        Made(peak(1e-3)),
        study(("adamw", "lion", "thermolion"), ("digits", "usps"), "smoke"),
    )
    whole.finish(one)
    parts = Made(peak(1e-3))
    shares = [one.share(index, 4) for index in range(4)]
    waited = [parts.finish(share).waiting for share in shares]
    assert any("the first stage of" in reason for reasons in waited for reason in reasons)
    for share in shares:
        assert not parts.finish(share).waiting
    assert set(parts.records) == set(whole.records)


def test_optimizers_for_comparison_run_at_their_default_only():
    made = Made(peak(1e-3))
    made.finish(study(("adam",)))
    assert [cell.phase for cell in made.order] == ["default"] * 10


def test_a_setting_carried_over_is_the_best_of_the_other_sets_alone():
    best = {"digits": 1e-3, "usps": 1e-2, "semeion": 1e-2}
    made = Made(lambda cell: peak(best[cell.task.dataset])(cell))
    one = study(("adamw",), tuple(best))
    made.finish(one)
    carried = {
        chain.task.dataset: dict(best_elsewhere(chain, one.chains, made.find)[0].changed)[
            "learning_rate"
        ]
        for chain in one.chains
    }
    assert carried["digits"] == 1e-2
    assert carried["usps"] < 1e-2
    for chain in one.chains:
        learner, _ = best_elsewhere(chain, one.chains, made.find)
        run = [c for c in made.order if c.task == chain.task and c.learner == learner]
        assert sum(cell.phase == "final" for cell in run) == 20


def test_smaller_budgets_say_so_in_their_name():
    for budget, name in (("full", "fair"), ("half", "fair[budget=half]")):
        cell = study(budget=budget).plan(lambda cell: None).cells[0]
        said = cell.fields("0", {}, {})
        assert (said["protocol"], said["budget"]) == (name, budget)
        assert said["protocol_hash"] == constants.content_hash(optimizers.resolve("adamw").space)
    regime = study(budget="smoke", regimes=("B",)).chains[0].regime
    assert (regime.steps, regime.batch_size) == (60, 128)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": "ful"}, "unknown budget 'ful': did you mean full"),
        ({"regimes": ("D",)}, "unknown regime 'D'"),
        ({"regimes": ("A", "A")}, "regime given twice: A"),
        ({"datasets": ("digits", "digits")}, "data set given twice"),
        ({"datasets": ("a/mine.npz", "b/mine.npz")}, "2 data sets would be called mine.npz in the"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        study(**change)


def test_a_record_of_another_grid_is_not_a_record_of_this_study():
    cell = study().plan(lambda cell: None).cells[0]
    other = replace(cell, protocol=replace(cell.protocol, hash="0"))
    assert records.identity(cell.fields("0", {}, {})) != records.identity(other.fields("0", {}, {}))
