"""The label noise study's report, from records of runs that never were."""

import csv
import io
import zlib
from dataclasses import replace

import numpy as np
import pytest
from drawn import check_whole_and_the_same_again
from made_records import Made

from experiments import optimizers
from experiments.analysis.noise_cells import growth, noise_cells, sees
from experiments.analysis.short_arms import short_arms
from experiments.protocols import label_noise
from experiments.records import DataFacts
from experiments.reports import report
from experiments.reports.label_noise.section import helped
from experiments.reports.label_noise.tables import cell_title, final_runs


class Noisy(Made):
    """ThermoLion gains on AdamW with the noise, by 3 points a share of 1, and ties with Signum."""

    def run(self, cells):
        super().run(cells)
        for cell in cells:
            name, noise = cell.learner.optimizer, cell.task.label_noise
            text = f"{name}{cell.seed}{cell.task.title}{cell.regime.name}"
            luck = (zlib.crc32(text.encode()) % 100 - 50) / 1e5
            gain = -0.03 * noise if name == "adamw" else 0.0
            snr = (1 - noise) * cell.regime.batch_size**0.5 / 10 + luck
            telemetry = {"gradient_snr": [snr] * 6}
            if name == "thermolion":
                telemetry["gate_mean"] = [float(np.tanh(snr / 9)) - 0.002 * i for i in range(6)]
            self.records[cell] = replace(
                self.records[cell],
                fingerprint=f"{zlib.crc32(cell.task.title.encode()):08x}",
                data=DataFacts(label_noise=noise or None),
                test_accuracy=0.8 - 0.2 * noise + gain + luck if cell.reads_test else None,
                telemetry=telemetry,
            )


def made(budget="full", sets=("fashion_mnist",), validation=lambda cell: 0.5):
    names = {name: optimizers.resolve(name) for name in label_noise.OPTIMIZERS}
    found = Noisy(validation)
    found.finish(label_noise.study(list(sets), names, budget=budget))
    return list(found.records.values())


@pytest.fixture(scope="module")
def records():
    return made()


def test_the_nine_cells_are_read_back(records):
    cells = noise_cells(short_arms(records))
    assert [(cell.batch_size, cell.noise) for cell in cells] == [
        (batch, noise) for batch in (32, 128, 1024) for noise in (0.0, 0.3, 0.6)
    ]
    assert all(
        set(cell.arms) == {"thermolion", "signum:weight_decay=0.01", "adamw"} for cell in cells
    )
    assert {len(arm.tuned) for cell in cells for arm in cell.arms.values()} == {10}
    found = sees(cells)
    assert found.mean == pytest.approx(1.0)  # λ is monotone in the ratio here
    assert sees(cells[:2]) is None
    blind = [replace(one, telemetry=one.telemetry | {"gradient_snr": [0.0]}) for one in records]
    assert sees(noise_cells(short_arms(blind))) is None
    clean, noisy = (final_runs(cells[place], "adamw") for place in (0, 2))
    assert growth(clean, noisy).mean == pytest.approx(1.8, abs=0.15)
    assert growth(None, noisy) is None
    assert growth(clean, (noisy[0], ())) is None


def test_both_questions_are_answered_for_every_batch_size(records, folder_of):
    built = report.build(folder_of(records))
    (section,) = built.sections
    lines = section.verdicts
    within = "Does the gate see the noise? Within a batch size, where labels alone differ: it does"
    assert f"{within}, +1.00" in lines[0]
    beside = "No answer, but beside it: over all 9 cells, where larger batches make fewer steps"
    assert f"{beside}, it is +1.00" in lines[0]
    assert len(lines) == 1 + 3 * 2
    grows = "From 0 to 60 % label noise ThermoLion's lead over AdamW in held-out accuracy grows: +1"
    assert sum(grows in line for line in lines) == 3
    level = 100 * (1 - 0.05 / 6)
    ties = [line for line in lines if "lead over Signum" in line]
    assert len(ties) == 3
    assert all("by no more than 1 point: " in x or "by less than 1 point: " in x for x in ties)
    assert all(f"at {level:.4g} %" in line for line in ties)
    assert "(10 of 10 seeds at ±1)" in lines[0]  # an interval of width 0 needs a word
    assert "over seeds alone" in lines[0]
    assert not section.missing
    rows = list(csv.DictReader(io.StringIO(report.csv_of(section.tables))))
    assert len(rows) == 27
    assert float(rows[0]["label_noise"]) == 0.0
    others = [row for row in rows if row["optimizer"] != "thermolion"]
    assert {float(row["held_out_level"]) for row in others} == {round(1 - 0.05 / 18, 6)}
    judged = {(float(row["label_noise"]), bool(row["train_loss_case"])) for row in others}
    assert judged == {(0.0, True), (0.3, False), (0.6, False)}
    heat = next(figure for figure in section.figures if figure.key == "heat")
    assert "level 99.72 % (18 comparisons)" in heat.caption
    assert not any("mixed data" in notice for notice in built.notices)


def test_a_comparison_at_the_outermost_rates_says_so(folder_of):
    centres = {"thermolion": 1e-3, "adamw": 3e-3}

    def small_rates_win_in_noise(cell):
        rate = dict(cell.learner.changed)["learning_rate"]
        centre = centres.get(cell.learner.optimizer, 1e-3)
        return 0.5 - (rate if cell.task.label_noise == 0.6 else abs(np.log10(rate / centre)) / 9)

    (section,) = report.build(folder_of(made(validation=small_rates_win_in_noise))).sections
    said = "Outermost of the rates tried: ThermoLion's at 60 %, AdamW's at 60 %."
    lines = [line for line in section.verdicts if "lead over AdamW" in line]
    assert len(lines) == 3
    assert all(line.endswith(said) for line in lines)
    drawn = (
        next(figure for figure in section.figures if figure.key == "heat").draw()["svg"].decode()
    )
    assert drawn.count("¶ -->") == 6  # three batch sizes, two comparisons


def test_rates_that_move_with_the_labels_are_told(folder_of):
    def smaller_rates_win_in_noise(cell):
        best = 1e-4 if cell.task.label_noise else 1e-3
        return 0.5 - abs(np.log10(dict(cell.learner.changed)["learning_rate"] / best)) / 9

    (section,) = report.build(folder_of(made(validation=smaller_rates_win_in_noise))).sections
    told = "Within a batch size, where ThermoLion's chosen rate moves with the labels: it does"
    assert told in section.verdicts[0]


def test_a_gate_that_knows_the_batch_and_not_the_labels_is_not_said_to_see_them(records, folder_of):
    def blind(one):
        luck = zlib.crc32(f"{one.seed}{one.dataset}{one.regime}".encode()) % 100 / 1e4
        gate = one.settings["batch_size"] ** 0.5 / 100 + luck
        return replace(one, telemetry=one.telemetry | {"gate_mean": [gate] * 6})

    made = [blind(one) if one.optimizer == "thermolion" else one for one in records]
    cells = noise_cells(short_arms(made))
    assert sees(cells).excludes_zero  # larger batches have more of both
    assert not sees(cells, within=True).excludes_zero
    (section,) = report.build(folder_of(made)).sections
    assert "over all 9 cells, where larger batches make fewer steps, it is +" in section.verdicts[0]
    assert "Within a batch size, where labels alone differ: not shown, " in section.verdicts[0]


def test_a_gate_that_opens_with_the_noise_is_not_said_to_see_it(records, folder_of):
    def opens(one):
        snr = one.telemetry["gradient_snr"]
        return replace(one, telemetry=one.telemetry | {"gate_mean": [1 - each for each in snr]})

    made = [opens(one) if one.optimizer == "thermolion" else one for one in records]
    (section,) = report.build(folder_of(made)).sections
    said = "Does the gate see the noise? Within a batch size, where labels alone differ: no"
    assert f"{said}, rather the opposite, -1.00" in section.verdicts[0]


def test_the_smoke_budget_is_no_answer_and_gaps_are_said(folder_of):
    some = [r for r in made("smoke") if not (r.optimizer == "adamw" and r.regime == "b32")]
    (section,) = report.build(folder_of(some)).sections
    for line in section.verdicts:
        assert line.startswith("not an answer (smoke): Q8, ")
    assert any("batch 32" in line and "No answer yet" in line for line in section.verdicts)


def test_some_of_the_cells_are_no_answer(records, folder_of):
    """Not even of a rank correlation over eight, or of 0 against 30 % where 60 % is to come."""
    some = [r for r in records if not (r.regime == "b32" and r.data.label_noise == 0.6)]
    (section,) = report.build(folder_of(some)).sections
    assert "Does the gate see the noise? No answer yet" in section.verdicts[0]
    without = [line for line in section.verdicts[1:] if "No answer yet" in line]
    assert len(without) == 2
    assert all("batch 32:" in line for line in without)


def test_unfinished_cells_are_listed_with_the_command(records, folder_of):
    some = [r for r in records if not (r.phase == "final" and r.regime == "b1024")]
    (section,) = report.build(folder_of(some)).sections
    lacking = "30 runs, of ThermoLion (10), Signum (10), AdamW (10)"
    assert section.missing[0] == f"F-MNIST, batch 1,024, 0 % label noise: {lacking}"
    assert "run --protocol label_noise --datasets fashion_mnist --out" in section.missing[-1]
    assert len(section.missing) == 3 + 1
    assert "No answer yet" in section.verdicts[0]


def test_what_was_not_begun_is_listed_too(records, folder_of):
    begun = [
        one
        for one in records
        if (one.regime, one.optimizer) != ("b32", "adamw")
        and (one.regime, one.data.label_noise) != ("b128", 0.3)
    ]
    (section,) = report.build(folder_of(begun)).sections
    assert set(section.missing[:-1]) == {
        *(
            f"F-MNIST, batch 32, {share} % label noise: 17 runs, of AdamW (17)"
            for share in (0, 30, 60)
        ),
        "F-MNIST, batch 128, 30 % label noise: 51 runs, of ThermoLion (17), Signum (17), "
        "AdamW (17)",
    }
    assert section.missing[-1].startswith("the command that goes on: `python -m experiments run")


def test_an_arm_whose_tuning_runs_are_gone_is_missing_and_no_accident(records, folder_of):
    gone = ("b32", "adamw", None)
    final = [
        one
        for one in records
        if (one.regime, one.optimizer, one.data.label_noise) != gone or one.phase == "final"
    ]
    (section,) = report.build(folder_of(final)).sections
    assert "F-MNIST, batch 32, 0 % label noise: 17 runs, of AdamW (17)" in section.missing


def test_some_of_the_final_runs_are_neither_judged_nor_drawn(records, folder_of):
    place = ("b32", "adamw", 0.6)
    seeds = {one.seed for one in records if one.phase == "final"}
    some = [
        one
        for one in records
        if (one.regime, one.optimizer, one.data.label_noise) != place
        or one.phase != "final"
        or one.seed in sorted(seeds)[:3]
    ]
    (section,) = report.build(folder_of(some)).sections
    assert section.missing[0] == "F-MNIST, batch 32, 60 % label noise: 7 runs, of AdamW (7)"
    (line,) = [x for x in section.verdicts if "batch 32" in x and "No answer yet" in x]
    assert "Does gating help" in line
    assert not any("batch 32, 60 % label noise: AdamW" in row[0] for row in section.tables[0].rows)
    heat = next(figure for figure in section.figures if figure.key == "heat")
    drawn = [heat.draw()["svg"].decode().count(f"<!-- {word}") for word in ("+", "-")]
    assert sum(drawn) == 17


def test_a_batch_size_that_was_only_begun_has_no_empty_panel(records, folder_of):
    some = [one for one in records if one.regime != "b1024" or one.phase != "final"]
    (section,) = report.build(folder_of(some)).sections
    figures = {each.key: each.draw()["svg"].decode() for each in section.figures}
    for drawn in figures.values():
        assert "128 -->" in drawn
        assert "1,024" not in drawn


def test_the_batch_that_was_used_is_named(records):
    """Of 1,024 images a batch has half."""
    small = [replace(one, data=replace(one.data, examples=1024)) for one in records]
    cells = noise_cells(short_arms(small))
    assert [cell.batch for cell in cells] == [32] * 3 + [128] * 3 + [512] * 3
    assert cell_title(cells[-1]) == "F-MNIST, batch 512, 60 % label noise"
    assert any("batch 512: " in line for line in helped(cells))


def test_figures_are_whole_and_the_same_again(records, folder_of):
    (section,) = report.build(folder_of(records)).sections
    assert [figure.key for figure in section.figures] == ["heat", "gate"]
    check_whole_and_the_same_again(section.figures)
