"""The fair study's section, from records of runs that never were."""

import base64
import shlex
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from made_fair import FACTS, accuracy, built, made, ours_on_digits
from made_records import Made

from experiments import optimizers
from experiments.command_line import run_options
from experiments.command_line.options import parser
from experiments.protocols import fair
from experiments.protocols.fair import constants
from experiments.reports import report

COMMANDS = ("run", "report", "findings", "list", "prepare", "train")


def line_of(found, number):
    (line,) = (line for line in found.verdicts if line.startswith(number))
    return line


@pytest.fixture(scope="module")
def whole():
    return made()


def test_the_first_verdict_is_on_the_users_optimizer():
    def mine(one):
        """NadamW's runs as those of a user's optimizer, judged 10 points better than the others."""
        judged = one.test_accuracy is not None
        return replace(one, optimizer="mine:sharp", test_accuracy=0.6 if judged else None)

    records = made(names=("adamw", "nadamw", "thermolion"), sets=("digits", "usps"))
    records = [mine(one) if one.optimizer == "nadamw" else one for one in records]
    few = [one for one in records if one.optimizer != "mine:sharp" or one.seed < 211]
    found = built(few)
    assert found.missing == ()
    assert found.verdicts[0] == (
        "yours, regime B: Is mine:sharp better? mine:sharp against AdamW, held-out accuracy: over "
        "2 sets, better: +10.00 points [+10.00, +10.00] at 97.5 %, 10 seeds; smallest detectable "
        "0.00 points; train loss: over 2 sets, no difference larger than 5 %: +0.00 % "
        "[+0.00, +0.00] at 97.5 %, 10 seeds; smallest detectable 0.00 %."
    )
    starts = [line.partition("?")[0] for line in found.verdicts]
    assert starts[1] == "yours, regime B: Is mine:sharp better"
    assert starts[2].startswith("Q0, regime B")
    one_set = built([one for one in few if one.dataset == "usps"])
    assert "mine:sharp against AdamW on USPS, held-out accuracy: better" in one_set.verdicts[0]


def test_a_users_optimizer_with_nobody_to_be_compared_with_is_told_so():
    some = made(names=("nadamw", "lion"), sets=("digits",))
    some = [
        replace(one, optimizer="mine:sharp") if one.optimizer == "lion" else one for one in some
    ]
    assert built(some).verdicts == (
        "Is mine:sharp better? No answer: it is compared with adamw and thermolion, and neither "
        "was run. Add one: --optimizers mine:sharp adamw.",
    )


def test_with_one_data_set_no_setting_can_be_carried_over(whole):
    found = built([one for one in whole if one.dataset == "digits"])
    assert line_of(found, "Q0").endswith(
        "No answer: it needs a second data set, to carry the setting over from."
    )
    assert found.missing == ()


def test_of_a_whole_study_nothing_is_missing(whole):
    found = built(whole)
    assert found.missing == ()
    assert "over 2 sets, no difference larger than 1 point" in line_of(found, "Q1")
    assert "Unfinished" not in line_of(found, "Q1")


@pytest.mark.parametrize("budget", ["full", "half", "smoke"])
def test_every_optimizer_has_as_many_runs_as_the_plan_asks_for(budget):
    names = ("adamw", "sgd", "schedule_free_adamw", "adam")
    records = made(budget=budget, names=names, sets=("digits",))
    for name in names:
        phases = Counter(one.phase for one in records if one.optimizer == name)
        assert constants.runs_by_phase(name, budget) == phases


def test_a_study_whose_confirmation_diverged_is_reported_as_chance():
    bad = {"confirm", "final"}
    found = built(
        made(
            lambda cell: (
                "diverged" if cell.phase in bad and cell.learner.optimizer == "thermolion" else "ok"
            )
        )
    )
    assert found.missing == ()
    assert "over 2 sets, worse: -40.00 points" in line_of(found, "Q1")


@pytest.mark.parametrize(
    ("phase", "said"),
    [
        ("confirm", "0 of 6 confirm runs, 0 of 20 final runs"),
        ("final", "0 of 20 final runs, 0 of 20 final runs at the setting best on the other sets"),
        ("tune", "0 of 27 tune runs, 0 of 20 final runs at the setting best on the other sets"),
        ("refine", "0 of 8 refine runs"),
        ("default", "0 of 20 untuned runs"),
    ],
)
def test_lost_records_are_listed_and_not_a_crash(whole, phase, said):
    found = built([one for one in whole if not ours_on_digits(one, phase)])
    assert found.missing[0] == f"ThermoLion on digits, B: {said}"
    assert found.missing[-1].endswith("--regimes B --out results`")


def test_the_commands_that_go_on_start_what_is_listed_and_nothing_else():
    names = ("adamw", "thermolion", "signum", "lion")
    resolved = {name: optimizers.resolve(name) for name in names}
    every = Made(accuracy)
    every.finish(fair.study(["digits", "usps"], resolved, budget="smoke", regimes=("B", "A")))
    begun = {
        cell: one
        for cell, one in every.records.items()
        if (cell.learner.optimizer, cell.task.dataset) != ("lion", "usps")
    }  # Lion is not begun on USPS

    def kept(cell):
        place = cell.learner.optimizer, cell.task.dataset, cell.regime.name
        return not (
            (place == ("thermolion", "usps", "A") and cell.phase == "default")
            or (place == ("signum", "digits", "B") and cell.phase == "final")
            or (place == ("lion", "digits", "B") and cell.phase == "final")
        )

    there = {cell: one for cell, one in begun.items() if kept(cell)}
    lines = built([replace(one, data=FACTS) for one in there.values()]).missing
    listed = {line.partition(":")[0] for line in lines if "the command" not in line}
    assert listed == {"ThermoLion on USPS, A", "Signum on digits, B", "Lion on digits, B"}
    commands = [line.partition("`")[2].rstrip("`") for line in lines if "the command" in line]
    started = set()
    for command in commands:
        options = parser(dict.fromkeys(COMMANDS, len)).parse_args(shlex.split(command)[3:])
        for cell in run_options.study_of(options).plan(there.get).cells:
            started.add((cell.learner.optimizer, cell.task.dataset, cell.regime.name))
    assert started == {
        ("thermolion", "usps", "A"),
        ("signum", "digits", "B"),
        ("lion", "digits", "B"),
    }


def test_a_winner_that_lost_a_confirming_run_is_not_judged(whole):
    (rate,) = {
        one.hyperparameters["learning_rate"] for one in whole if ours_on_digits(one, "final")
    }
    some = [
        one
        for one in whole
        if not (
            ours_on_digits(one, "confirm")
            and one.hyperparameters["learning_rate"] == rate
            and one.seed == 103
        )
    ]
    assert len(some) == len(whole) - 1
    found = built(some)
    assert "ThermoLion against AdamW on SEMEION" in line_of(found, "Q1")
    assert line_of(found, "Q1").endswith("Unfinished and so left out: digits.")
    assert "5 of 6 confirm runs" in found.missing[0]


def test_a_set_with_three_of_twenty_seeds_is_left_out_and_said_to_be_unfinished(whole):
    found = built([one for one in whole if not (ours_on_digits(one, "final") and one.seed > 203)])
    line = line_of(found, "Q1")
    assert "ThermoLion against AdamW on SEMEION" in line
    assert "20 seeds" in line
    assert " 3 seeds" not in line
    assert line.endswith("Unfinished and so left out: digits.")
    assert "3 of 20 final runs" in found.missing[0]
    (table,) = (table for table in found.tables if table.key == "differences")
    assert {row["dataset"] for row in table.data} == {"semeion"}
    assert {row["seeds"] for row in table.data} == {20}


def tables_of(found, key):
    return [table for table in found.tables if table.key == key]


def test_an_unfinished_optimizer_has_no_rank_and_is_no_number_of_the_first_table(whole):
    found = built([one for one in whole if not (ours_on_digits(one, "final") and one.seed > 203)])
    ranks = {
        (row["dataset"], row["optimizer"]): (row["rank"], row["final_runs"])
        for table in tables_of(found, "optimizers")
        for row in table.data
    }
    assert ranks["digits", "thermolion"] == (None, 3)
    assert ranks["digits", "adamw"] == (1, 20)
    assert ranks["semeion", "thermolion"] == (1.5, 20)
    (first,) = tables_of(found, "answer")
    shown = {row["dataset"]: row["thermolion_tuned_held_out"] for row in first.data}
    assert shown == {"digits": None, "semeion": pytest.approx(50)}


def test_mean_ranks_are_over_the_sets_that_are_whole(whole):
    def better(one):
        ahead = (one.optimizer, one.dataset, one.phase) == ("adamw", "digits", "final")
        return replace(one, test_accuracy=0.6) if ahead else one

    found = built([better(one) for one in whole])
    (table,) = tables_of(found, "ranks")
    rows = {row["optimizer"]: row for row in table.data}
    assert (rows["adamw"]["mean_rank"], rows["thermolion"]["mean_rank"]) == (1.25, 1.75)
    assert (rows["adamw"]["mean_rank_low"], rows["adamw"]["mean_rank_high"]) == (1.0, 1.5)
    assert (rows["adamw"]["of"], rows["adamw"]["datasets"]) == (2, "digits semeion")
    assert table.rows[0] == ("B: AdamW", "1.25 [1, 1.5]", "2", "digits, SEMEION")
    assert not tables_of(built([one for one in whole if one.dataset == "digits"]), "ranks")


def test_a_diverged_run_has_chances_train_accuracy_whatever_was_measured(whole):
    def diverged(one):
        return replace(one, status="diverged") if ours_on_digits(one, "final") else one

    found = built([diverged(one) for one in whole])
    (row,) = (
        row
        for table in tables_of(found, "optimizers")
        for row in table.data
        if (row["dataset"], row["optimizer"]) == ("digits", "thermolion")
    )
    assert (row["train_mean"], row["held_out_mean"]) == (pytest.approx(10), pytest.approx(10))


def test_a_small_train_loss_is_shown_with_its_digits(whole):
    found = built([replace(one, train_loss=[1.0, 2.34567e-6]) for one in whole])
    for table in tables_of(found, "optimizers"):
        place = table.header.index("train loss")
        assert {row[place] for row in table.rows} == {"2.35e-06"}


def test_without_thermolion_the_table_of_its_gain_is_left_out(whole):
    found = built([one for one in whole if one.optimizer != "thermolion"])
    assert not tables_of(found, "answer")
    assert not [note for note in found.notes if "best other" in note]
    assert tables_of(built(whole), "answer")


def test_a_baseline_is_refused_since_the_questions_say_who_is_compared(whole, folder_of):
    with pytest.raises(ValueError, match=r"baseline is 'adamw', but .* fair alone, .* leave"):
        report.build(folder_of(whole[:40]), baseline="adamw")


def test_one_run_without_its_images_bits_leaves_an_interval_over_seeds_alone(whole):
    images = FACTS.test_examples
    right = np.packbits(np.arange(images) < images // 2)
    bits = base64.b64encode(right.tobytes()).decode()
    with_bits = [
        replace(one, test_correct=bits) if one.test_accuracy is not None else one for one in whole
    ]
    assert "20 seeds and 600 images" in line_of(built(with_bits), "Q1")
    lost = next(one for one in with_bits if ours_on_digits(one, "final"))
    some = [replace(one, test_correct=None) if one is lost else one for one in with_bits]
    said, _, _ = line_of(built(some), "Q1").partition("train loss")
    assert "20 seeds;" in said
    assert "images" not in said


def test_bits_of_other_images_name_the_runs(whole):
    torn = [replace(one, test_correct="AAAA") if one.phase == "final" else one for one in whole]
    with pytest.raises(ValueError, match=r"on digits, regime B, final runs, seed 201: .* bytes"):
        built(torn)
