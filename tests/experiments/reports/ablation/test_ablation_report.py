"""The ablation study's report, from records of runs that never were."""

import csv
import io
import re
from dataclasses import replace

import pytest
from drawn import check_whole_and_the_same_again
from made_ablation import WORTH, records_of

from experiments.analysis.short_arms import short_arms
from experiments.protocols import ablation
from experiments.reports import report
from experiments.reports.ablation import figures
from experiments.reports.ablation.stairs import panels, stairs


@pytest.fixture
def made():
    return records_of


def test_a_verdict_on_an_arm_whose_rate_was_set_says_so_and_where_it_is_at_chance(made, folder_of):
    def lost(one):
        at_chance = (one.optimizer, one.dataset, one.regime, one.phase) == (
            "adamw",
            "signs.npz",
            "B",
            "final",
        )
        set_rate = one.changed.get("learning_rate") == 3e-3
        return replace(one, health=["at chance"]) if at_chance and set_rate else one

    (section,) = report.build(folder_of(lost(one) for one in made())).sections
    behind = {
        regime: line.rpartition(". ")[2]
        for line in section.verdicts
        for regime in "AB"
        if f"Q7, regime {regime}" in line and "AdamW at ThermoLion's step, held-out" in line
    }
    said = "AdamW at ThermoLion's step has a rate that was set, not tuned"
    assert behind["A"] == f"{said}."
    assert behind["B"] == f"{said}; no evidence: 10 of 10 runs at chance on signs.npz."
    assert sum("was set" in line for line in section.verdicts) == 2
    (table,) = (table for table in section.tables if table.key == "q7")
    marked = [row[0] for row in table.rows if row[5].endswith("; it is at chance")]
    assert marked == ["signs.npz, B: AdamW at ThermoLion's step"]
    (figure,) = (figure for figure in section.figures if figure.key == "q7")
    text = figure.draw()["svg"].decode()
    sets = len({one.dataset for one in made()})
    told = re.findall(r"<!-- [+-]\S+(?: \[.*?\])?  no evidence -->", text)
    assert (sets, len(told)) == (2, 2)  # on that set and in the mean, after 600 steps


def test_arms_are_read_back_as_the_study_chose_them(made):
    found = short_arms(made(), {"adamw": "adamw at the step of thermolion"})
    by_name = {arm.optimizer: arm for arm in found if arm.workload.dataset == "signs.npz"}
    for name, arm in by_name.items():
        assert len(arm.tuned) == 10
        assert arm.winner.learning_rate == pytest.approx(
            {"signum:weight_decay=0.01": 1e-4, "adamw at the step of thermolion": 3e-3}.get(
                name, 1e-3
            )
        )
        assert not arm.at_edge
    assert len(by_name) == len(WORTH) + 1


def test_an_arm_that_is_still_tuned_has_no_winner(made):
    records = [one for one in made() if one.phase == "tune"]
    for arm in short_arms(records, {}):
        assert (arm.winner, arm.tuned, len(arm.ledger)) == (None, (), 7)


def test_every_question_that_was_run_has_its_verdict_and_its_table(made, folder_of):
    built = report.build(folder_of(made()))
    (section,) = built.sections
    text = report.text(built)
    assert "Q3, regime B: Does the gate know something of its own parameter?" in text
    against = "ThermoLion against {}, held-out accuracy: over 2 sets, {}: +"
    assert against.format("λ of another parameter", "better") in text
    assert against.format("no boost", "better by less than 1 point") in text
    assert "not an answer" not in text
    assert [table.title.partition(":")[0] for table in section.tables][:-1] == [
        "Q3",
        "Q4",
        "Q5",
        "Q7",
        "Signum",
        "From Signum to ThermoLion, part by part",
        "ThermoLion without one part",
    ]
    rows = list(csv.DictReader(io.StringIO(report.csv_of([section.tables[0]]))))
    assert len(rows) == 4 * 3  # of Q3 ThermoLion, permuted and 0, in two sets and two regimes
    permuted = next(r for r in rows if r["arm"] == "thermolion:gate=permuted")
    assert float(permuted["held_out_difference"]) == pytest.approx(2.0, abs=0.1)
    assert float(permuted["held_out_level"]) == pytest.approx(1 - 0.05 / 5)
    assert float(permuted["train_loss_difference"]) == pytest.approx(-200, abs=15)
    assert float(permuted["update_rms"]) == 1e-3
    noise = next(table for table in section.tables if table.title.startswith("Q5"))
    column = noise.header.index("noise σ / sign step, first reading")
    assert {row[column] for row in noise.rows} == {"2.0e-03"}
    assert any("first reading found it (F-MNIST, A after 1 of 2 epochs" in n for n in section.notes)
    (length,) = [note for note in section.notes if "final runs' steps over that of" in note]
    assert length.endswith(
        "F-MNIST, A 1.00; F-MNIST, B 1.00; signs.npz, A 1.00; signs.npz, B 1.00."
    )


def test_arms_of_the_protocol_that_were_not_begun_are_missing(made, folder_of):
    (section,) = report.build(folder_of(made(sets=("usps",)))).sections
    first, second, command = section.missing
    assert (first.partition(":")[0], second.partition(":")[0]) == ("USPS, A", "USPS, B")
    names = ablation.protocol()["arms"]
    absent = [f"{title} (19)" for name, title in names.items() if name not in WORTH]
    assert first.startswith(f"USPS, A: {19 * len(absent)} runs, of {absent[0]}, {absent[1]}")
    assert all(one in first for one in absent)
    assert "run --protocol ablation --datasets usps --regimes A B --out" in command


def test_the_length_of_steps_that_came_out_is_told(made, folder_of):
    longer = [
        replace(one, update_rms=3.3e-3)
        if (one.optimizer, one.phase) == ("adamw", "final")
        and one.hyperparameters["learning_rate"] != 1e-3
        else one
        for one in made(sets=("usps",))
    ]
    (section,) = report.build(folder_of(longer)).sections
    assert any(note.endswith("USPS, A 1.10; USPS, B 1.10.") for note in section.notes)


def test_some_of_the_final_runs_are_neither_drawn_nor_in_a_table(made, folder_of):
    records = made(names=("thermolion", "thermolion:boost=0"), sets=("usps",))
    some = [r for r in records if r.phase != "final" or "boost" not in r.optimizer or r.seed < 204]
    (section,) = report.build(folder_of(some)).sections
    assert not any(figure.key in ("up", "down", "q4") for figure in section.figures)
    boost = [row for table in section.tables[:-1] for row in table.rows if "no boost" in row[0]]
    assert boost
    assert {cell for row in boost for cell in row[1:]} == {"–"}
    assert [line for line in section.missing if "no boost (7)" in line]


def test_the_stairs_are_the_differences_of_neighbours(made):
    workloads = [
        {
            arm.optimizer: arm
            for arm in short_arms(made(sets=("usps",)), {})
            if arm.workload.regime == "B"
        }
    ]
    ups, downs = (panels(one, workloads) for one in stairs())
    ((_, up),) = ups.items()
    assert [(name, round(each.mean)) for name, each in up.items()] == [
        ("+ gate", 2),
        ("+ solid scale 2", 1),
        ("+ boost", 1),
        ("+ noise: ThermoLion", 0),
        ("all, from Signum", 4),
    ]
    ((_, down),) = downs.items()
    assert [round(each.mean) for each in down.values()] == [-3, 0, 0]  # no arm of solid scale 1
    levels = [{each.level for each in some.values()} for some in (up, down)]
    assert levels == [{1 - 0.05 / 5}, {1 - 0.05 / 4}]  # as many as the protocol lists
    ((_, (other, own, difference)),) = figures.pairs(workloads).items()
    assert round((own - other).mean()) == round(difference.mean) == 2
    assert difference.level == pytest.approx(1 - 0.05 / 5)  # as in its verdict


def test_every_arm_of_the_stairs_stands_in_a_table(made, folder_of):
    (section,) = report.build(folder_of(made(sets=("usps",)))).sections
    up, down = section.tables[-3:-1]
    rows = {row[0]: row for row in up.rows}
    labels = ["Signum", *list(ablation.protocol()["up"].values())[1:], "all, from Signum"]
    assert [name for name in rows if "USPS, B" in name] == [f"USPS, B: {one}" for one in labels]
    assert rows["USPS, B: + solid scale 2"][1].startswith("83.0")
    assert float(rows["USPS, B: + solid scale 2"][4].split()[0]) == pytest.approx(1.0, abs=0.1)
    assert (
        up.header[4]
        == "minus the stage before (all, from Signum: minus that), held-out points at 99 %"
    )
    assert [row[0] for row in down.rows][:2] == ["USPS, A: ThermoLion", "USPS, A: - gate"]
    for figure in section.figures:
        level = {"up": "99 %", "down": "98.75 %", "q3": "99 %", "q4": "95 %", "q5": "97.5 %"}
        if figure.key in level:
            assert f"{level[figure.key]} intervals" in figure.caption
            assert level[figure.key] in figure.draw()["svg"].decode()


def test_the_smoke_budget_is_no_answer_and_what_lacks_is_said(made, folder_of):
    records = made("smoke", ("thermolion", "thermolion:gate=permuted"), ("usps",))
    gone = [r for r in records if r.optimizer.endswith("permuted") and r.phase == "final"]
    built = report.build(folder_of([r for r in records if r not in gone[:4]]))
    (section,) = built.sections
    assert section.verdicts
    assert all(line.startswith("not an answer (smoke): Q3, ") for line in section.verdicts)
    assert "λ of another parameter (1)" in section.missing[0]
    assert "--protocol ablation --budget smoke --datasets usps --regimes" in section.missing[-1]


def test_a_set_with_some_of_its_final_runs_is_left_out(made, folder_of):
    records = made(names=("thermolion", "thermolion:gate=permuted"))
    seeds = sorted({one.seed for one in records if one.phase == "final"})
    gone = ("thermolion", "signs.npz", "final")
    kept = [
        one
        for one in records
        if (one.optimizer, one.dataset, one.phase) != gone or one.seed in seeds[:3]
    ]
    (section,) = report.build(folder_of(kept)).sections
    for line in section.verdicts:
        assert "λ of another parameter on F-MNIST" in line
        assert "10 seeds" in line
        assert line.endswith("Unfinished and so left out: signs.npz.")


def test_a_variant_is_a_row_a_set_and_a_regime_a_panel(made, folder_of):
    (section,) = report.build(folder_of(made())).sections
    figure = next(each for each in section.figures if each.key == "q3")
    text = figure.draw()["svg"].decode()
    for words in ("60 steps", "600 steps", "F-MNIST", "signs.npz", "mean of 2 sets"):
        assert text.count(f"<!-- {words} -->") == 1
    for variant in ("λ of another parameter", "λ = 0: gas alone"):
        assert text.count(f"<!-- against {variant} -->") == 3
    assert "Q3" not in text


@pytest.mark.slow
def test_figures_are_whole_and_the_same_again(made, folder_of, tmp_path):
    (section,) = report.build(folder_of(made())).sections
    keys = ["up", "down", "permuted", "q3", "q4", "q5", "q7", "signum"]  # Q6 has no arm here
    assert [figure.key for figure in section.figures] == keys
    check_whole_and_the_same_again(section.figures)


def test_final_runs_of_an_older_winner_are_no_arm_of_their_own(made, folder_of):
    """As where records of two machines, on which other rates won, are merged."""
    records = made(names=("thermolion", "adamw"), sets=("usps",))
    own = [one for one in records if (one.optimizer, one.phase) == ("adamw", "final")]
    tried = {
        one.hyperparameters["learning_rate"]
        for one in records
        if one.optimizer == "adamw" and one.phase == "tune"
    }
    best = [one for one in own if one.hyperparameters["learning_rate"] in tried]
    lost = max(tried - {best[0].hyperparameters["learning_rate"]})
    older = [replace(one, hyperparameters={"learning_rate": lost}) for one in best]
    expected, found = (
        report.build(folder_of(some)).sections[0] for some in (records, [*records, *older])
    )
    assert found.verdicts == expected.verdicts
    assert found.tables == expected.tables
