"""The short tuning, driven by made-up scores in place of training."""

from dataclasses import replace

import pytest
from made_records import Made, rate

from experiments.protocols import ProtocolName, Regime, Task
from experiments.protocols.short_tuning import (
    Seeds,
    ShortChain,
    follow_short,
    rates_around,
    short_study,
)

SEEDS = Seeds(tune=101, confirm=102, final=(201, 202, 203))
REGIME = Regime(batch_size=128, steps=60, name="B", scheduled=True, readings=4)


def chain(name="adamw", candidates=None, dataset="digits", **changes):
    one = ShortChain(
        task=Task(dataset, parts="split"),
        regime=REGIME,
        name=name,
        candidates=rates_around(1e-3, 5) if candidates is None else candidates,
        schedule="warmup_cosine",
        seeds=SEEDS,
        protocol=ProtocolName("short", 1, "0"),
    )
    return replace(one, **changes)


def best_at(value):
    return lambda cell: 0.9 - 0.1 * abs(rate(cell) - value) / (rate(cell) + value)


def test_the_list_then_the_best_two_again_then_the_winner_reads_the_test_images():
    made, one = Made(best_at(1e-3)), chain()
    plan = made.finish(short_study([one]))
    assert (plan.left, plan.done) == (0, one.length) == (0, 5 + 2 + 3)
    stages = [(cell.phase, cell.seed, cell.reads_test) for cell in made.order]
    assert stages[:5] == [("tune", 101, False)] * 5
    assert stages[5:7] == [("confirm", 102, False)] * 2
    assert stages[7:] == [("final", seed, True) for seed in (201, 202, 203)]
    assert {cell.learner.schedule for cell in made.order} == {"warmup_cosine"}
    assert len({made.records[cell].identity for cell in made.order}) == 10


def test_the_mean_over_both_seeds_wins_and_only_the_best_two_are_asked_again():
    first = {0.1: 0.80, 0.2: 0.90, 0.3: 0.85, 0.4: 0.70}
    second = {0.2: 0.60, 0.3: 0.70}  # 0.2 has the best single run, 0.3 the best mean
    made = Made(lambda cell: (first if cell.seed == 101 else second).get(rate(cell), 0.5))
    one = chain(candidates=tuple({"learning_rate": value} for value in first))
    made.finish(short_study([one]))
    progress = follow_short(one, made.find)
    assert dict(progress.winner.changed) == {"learning_rate": 0.3}
    assert [(rate(cell), cell.seed) for cell in progress.chosen_by] == [(0.3, 101), (0.3, 102)]
    assert sorted(rate(cell) for cell in made.order if cell.phase == "confirm") == [0.2, 0.3]


def test_a_diverged_run_is_the_worst_and_ties_go_to_the_earlier():
    made = Made(lambda cell: 0.5, status=lambda cell: "diverged" if rate(cell) == 1e-3 else "ok")
    one = chain()
    made.finish(short_study([one]))
    assert dict(follow_short(one, made.find).winner.changed) == {"learning_rate": 0.000316228}
    always = Made(lambda cell: 0.5, status=lambda cell: "diverged")
    always.finish(short_study([one]))
    assert len(always.order) == one.length  # nothing is missing


def test_candidates_may_be_of_several_hyperparameters():
    grid = tuple({"learning_rate": r, "eps": e} for r in (1e-3, 1e-2) for e in (1e-8, 1e-4))
    made = Made(lambda cell: 0.9 if dict(cell.learner.changed) == grid[3] else 0.1)
    one = chain(candidates=grid)
    made.finish(short_study([one]))
    assert dict(follow_short(one, made.find).winner.changed) == grid[3]


def test_one_candidate_alone_is_still_run_on_both_seeds():
    one = chain(candidates=({"learning_rate": 0.1},))
    made = Made(lambda cell: 0.5)
    made.finish(short_study([one]))
    assert [cell.phase for cell in made.order] == ["tune", "confirm", "final", "final", "final"]
    assert len(made.order) == one.length


def test_killed_anywhere_it_continues_to_the_same_end():
    one = short_study([chain(), chain("signum", rates_around(1e-4, 3))])
    whole, torn = Made(best_at(2e-4)), Made(best_at(2e-4))
    whole.finish(one)
    lefts = []
    while cells := one.plan(torn.find).cells:
        lefts.append(one.plan(torn.find).left)
        torn.run(cells[:1])  # killed after every run
    assert set(torn.records) == set(whole.records)
    assert lefts == list(range(len(whole.records), 0, -1))


def test_deleted_records_are_made_again_and_nothing_else():
    one, made = short_study([chain()]), Made(best_at(1e-3))
    made.finish(one)
    gone = [cell for cell in made.order if cell.phase == "confirm"][1:]
    for cell in gone:
        del made.records[cell]
    assert list(one.plan(made.find).cells) == gone


def test_shards_cover_the_chains_once():
    one = short_study([chain(name) for name in ("adamw", "signum", "thermolion")])
    shares = [one.share(index, 2) for index in range(2)]
    assert sorted(c.name for s in shares for c in s.mine) == ["adamw", "signum", "thermolion"]
    assert all(share.optimizers == one.optimizers for share in shares)
    with pytest.raises(ValueError, match="numbered from 0"):
        one.share(2, 2)


def test_rates_are_half_a_decade_apart_nearest_to_the_default_first():
    rates = [one["learning_rate"] for one in rates_around(1e-3, 7)]
    assert rates[0] == 1e-3
    assert sorted(rates) == pytest.approx([1e-3 * 10 ** (k / 2) for k in range(-3, 4)], rel=1e-5)
