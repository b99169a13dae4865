"""The order of the tuning runs and the winner, against the plan that asked for them."""

import math
import random
from dataclasses import replace

import pytest
from made_records import Made, rate

from experiments import optimizers
from experiments.analysis import summaries
from experiments.analysis.arms import arms, at_edge
from experiments.analysis.ledger import configuration_of, in_order
from experiments.protocols import fair


def peak(at):
    return lambda cell: 0.8 - 0.05 * abs(math.log10(rate(cell) / at)) + 0.001 * (cell.trial or 0)


def studied(accuracy, status=lambda cell: "ok"):
    resolved = {name: optimizers.resolve(name) for name in ("adamw", "thermolion")}
    one, made = fair.study(["digits"], resolved, regimes=("B",)), Made(accuracy, status)
    made.finish(one)
    return one, made


def read(records):
    """The arms of records as a report reads them, sorted by their numbers."""
    kept = [one for entry in summaries.entries(records) for one in entry.records]
    return {arm.optimizer: arm for arm in arms(kept)}


@pytest.mark.parametrize("at", [1e-3, 1e-6, 0.03, 1e2])
def test_the_ledger_is_in_the_order_in_which_the_plan_asked(at):
    """With the best rate on the grid, below it, at its upper edge and above it."""
    one, made = studied(peak(at))
    for chain in one.chains:
        name = chain.contestant.name
        wanted = [
            made.records[cell]
            for cell in made.order
            if cell.learner.optimizer == name and not cell.reads_test
        ]
        shuffled = random.Random(0).sample(wanted, len(wanted))
        assert in_order(shuffled) == wanted
        assert list(read(made.records.values())[name].ledger) == wanted


def test_where_all_candidates_diverge_the_winner_is_the_plans():
    def later_trials_first(cell):
        return 0.8 if cell.trial is None else 0.85 - 0.01 * cell.trial

    one, made = studied(
        later_trials_first, lambda cell: "diverged" if cell.phase in ("confirm", "final") else "ok"
    )
    found = read(made.records.values())
    for chain in one.chains:
        name = chain.contestant.name
        final = [cell for cell in made.order if cell.phase == "final"]
        (winner,) = {cell.learner for cell in final if cell.learner.optimizer == name}
        arm = found[name]
        assert dict(arm.winner.hyperparameters) == dict(winner.changed)
        assert len(arm.tuned) == 20


def test_a_configuration_with_fewer_confirming_runs_than_others_does_not_win():
    _, made = studied(peak(1e-3))
    (winner,) = {
        configuration_of(one)
        for cell, one in made.records.items()
        if cell.phase == "final" and one.optimizer == "adamw"
    }
    kept = [
        one
        for one in made.records.values()
        if not (one.phase == "confirm" and one.seed == 103 and configuration_of(one) == winner)
    ]
    assert len(kept) == len(made.records) - 1
    arm = read(kept)["adamw"]
    assert (arm.winner, arm.tuned, len(arm.default)) == (None, (), 20)
    others = [
        one
        for one in made.records.values()
        if not (one.phase == "confirm" and one.seed == 103 and configuration_of(one) != winner)
    ]
    assert read(others)["adamw"].winner == winner


@pytest.mark.parametrize("phase", ["confirm", "final"])
def test_a_winner_whose_records_are_lost_is_none(phase):
    _, made = studied(peak(1e-3))
    arm = read(one for one in made.records.values() if one.phase != phase)["adamw"]
    assert (arm.winner, arm.tuned, arm.at_edge) == (None, (), False)


def test_without_its_first_stage_an_arm_is_not_said_to_be_at_the_edge():
    _, made = studied(peak(1e-3))
    arm = read(one for one in made.records.values() if one.phase != "tune")["adamw"]
    assert arm.winner is not None
    assert not arm.at_edge
    whole = read(made.records.values())["adamw"]
    lowest = min(one.hyperparameters["learning_rate"] for one in whole.ledger)
    numbers = tuple(
        (name, lowest if name == "learning_rate" else value)
        for name, value in whole.winner.hyperparameters
    )
    assert at_edge(whole.ledger, replace(whole.winner, hyperparameters=numbers))
