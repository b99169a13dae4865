"""The exponent study's report, from records of runs that never were."""

import csv
import functools
import io
import math
from dataclasses import replace

import made_exponent
import numpy as np
import pytest

from experiments.analysis import summaries
from experiments.analysis.exponent_cells import exponent_cells, values
from experiments.analysis.short_arms import short_arms
from experiments.reports import report
from experiments.reports.exponent import section as exponent_section
from experiments.reports.exponent.claims import claims
from experiments.reports.section import Question


def cells_of(records):
    return exponent_cells(short_arms(records), made_exponent.ALPHAS)


def section_of(records):
    (found,) = exponent_section.build(summaries.entries(records), Question("runs"))
    return found


@pytest.fixture(scope="module")
def made():
    return functools.cache(made_exponent.records_of)


def test_the_three_claims_are_answered_by_rule(made, folder_of):
    built = report.build(folder_of(made()))
    (section,) = built.sections
    lines = section.verdicts
    faster = [line for line in lines if "fit the training set faster?" in line]
    assert len(faster) == 3
    assert (
        "final train loss, at the setting best on validation: over 2 sets, better: -63" in faster[0]
    )
    gap = [line for line in lines if "close the gap at matched train loss?" in line]
    assert len(gap) == 3
    words = "α = 0 against α = ½, validation loss at matched train loss: over 2 sets, better: -"
    assert words in gap[0]
    sparse = [line for line in lines if "depend on sparsity?" in line]
    assert len(sparse) == 2 * 2 + 1
    grows = "α = ½ minus α = 0 with 90 % of pixels mid-grey against the same with none"
    assert any(f"{grows}, held-out accuracy: better: +2" in line for line in sparse)
    assert "α = 0 at 0 %, α = ½ at 50 %, α = ½ at 90 %" in sparse[-1]
    assert not any("not an answer" in line for line in lines)
    assert not section.missing


def test_the_table_has_every_arm_of_every_cell(made, folder_of):
    (section,) = report.build(folder_of(made())).sections
    table, settings = section.tables
    assert [row[0] for row in settings.rows] == ["0", "0.25", "0.5", "0.75"]
    rows = list(csv.DictReader(io.StringIO(report.csv_of([table]))))
    assert len(rows) == 2 * 6 + 2 * 4
    half = next(r for r in rows if r["arm"].endswith("alpha=0.5") and r["sparsity"] == "0")
    assert float(half["learning_rate"]) == 1e-3
    assert float(half["train_loss_mean"]) == pytest.approx(math.exp(-2), rel=1e-2)
    assert float(half["accuracy_gap_mean"]) == pytest.approx(95 - 79.5, abs=0.2)
    assert float(half["raw_gap_mean"]) == pytest.approx(0.6)  # at the end, by construction
    assert half["gap_mean"]


def test_the_gap_is_read_at_the_worst_fit(made):
    cells = cells_of(made(sets=("digits",)))
    (cell,) = cells
    zero = values(cell, "scaled_smes:alpha=0", "gap")
    level, last = math.exp(-1), math.exp(-2)
    assert zero.keys() == set(range(201, 211))  # in the middle of their own last epoch
    middle = (0.5 + level + 0.1) / 2 - level
    assert np.mean([*zero.values()]) == pytest.approx(middle, abs=1e-3)
    half = np.mean([*values(cell, "scaled_smes:alpha=0.5", "gap").values()])
    place = 1.5 + (0.4 - level) / (0.4 - last)  # before the second reading
    assert half == pytest.approx(1.1 - 0.1 * (place - 1) - level, abs=1e-3)


def test_the_smoke_budget_is_no_answer_and_what_lacks_is_said(made, folder_of):
    records = made("smoke", ("scaled_smes:alpha=0", "scaled_smes:alpha=0.5"), ("digits",))
    gone = [r for r in records if r.optimizer.endswith("=0") and r.phase == "final"]
    (section,) = report.build(folder_of([r for r in records if r not in gone[:2]])).sections
    assert section.verdicts
    assert all(line.startswith("not an answer (smoke): Q9, ") for line in section.verdicts)
    assert section.missing[0].startswith("digits, B: 34 runs, of α = 0 (2), α = ¼ (8)")
    assert section.missing[1].startswith("digits, B, 90 % of pixels mid-grey: ")
    assert "--protocol exponent --budget smoke --datasets digits --regimes B" in section.missing[-1]


def test_what_lacks_is_named_where_no_run_has_begun_too(made, folder_of):
    begun = [one for one in made() if not one.data.sparsity and one.optimizer != "scaled_smes"]
    (section,) = report.build(folder_of(begun)).sections
    lines = [line for line in section.missing if "command" not in line]
    assert lines == [
        "digits, B: 39 runs, of α = ¼ (39)",
        "F-MNIST, B: 39 runs, of α = ¼ (39)",
        *(
            f"F-MNIST, B, {share} % of pixels mid-grey: 138 runs, of α = 0 (21), α = ¼ (39), "
            "α = ½ (39), α = ¾ (39)"
            for share in (50, 90)
        ),
    ]


def test_the_arms_that_are_compared_alone_decide_where_train_losses_match(made):
    def gaps(records):
        section = section_of(records)
        rows = csv.DictReader(io.StringIO(report.csv_of(section.tables[:1])))
        fixed = [r for r in rows if r["arm"] in made_exponent.ALPHAS]
        return (
            [line for line in section.verdicts if "close the gap" in line],
            [(r["dataset"], r["arm"], r["gap_mean"]) for r in fixed],
        )

    worse = [
        one if one.optimizer in made_exponent.ALPHAS else replace(one, train_loss=[1.0, 0.5, 0.45])
        for one in made()
    ]
    alone = [one for one in made() if one.optimizer in made_exponent.ALPHAS]
    assert gaps(worse) == gaps(alone)
    without = [one for one in alone if not one.optimizer.endswith("=0")]
    assert gaps(without)[0] == gaps(alone)[0][1:]


def test_an_arm_beside_has_a_gap_where_all_its_runs_come_down_to_the_level(made):
    (cell,) = cells_of(made(sets=("digits",)))
    cyclic = "scaled_smes:cycles=4"
    assert values(cell, cyclic, "gap").keys() == set(range(201, 211))
    some = [
        replace(one, train_loss=[1.0, 0.5, 0.45]) if one.seed == 203 else one
        for one in made(sets=("digits",))
    ]
    worse = [
        new if new.optimizer == cyclic else old
        for new, old in zip(some, made(sets=("digits",)), strict=True)
    ]
    (cell,) = cells_of(worse)
    assert values(cell, cyclic, "gap") == {}


def test_one_divergence_leaves_the_sets_together_on_the_seeds_that_they_share(made, folder_of):
    def diverged(one):
        half = one.optimizer.endswith("alpha=0.5") and one.phase == "final" and one.seed == 203
        return half and one.dataset == "digits"

    some = [replace(one, status="diverged") if diverged(one) else one for one in made()]
    (section,) = report.build(folder_of(some)).sections
    gap = [line for line in section.verdicts if "α = 0 against α = ½, validation" in line]
    assert len(gap) == 1
    assert "over 2 sets" in gap[0]
    assert "9 seeds" in gap[0]
    assert "only the 9 of 10 seeds count that have a number on every set" in gap[0]


def test_a_mean_over_sets_says_what_each_says_alone():
    found = claims(cells_of(made_exponent.carried_by_fashion_mnist()))
    over = next(one for one in found if (one.asked, "α = 0," in one.summary) == ("faster", True))
    assert "over 2 sets, better: -39" in over.summary
    digits, fashion = over.by_set
    assert digits.startswith("digits alone: no larger difference, ")
    assert fashion.startswith("F-MNIST alone: better, -63")
    assert over.shown_on == ["F-MNIST"]
    assert over.line.endswith(f"{digits} {fashion}")


def test_a_set_without_final_runs_does_not_keep_the_others_apart(made):
    def gtsrb(one):
        return replace(one, dataset="gtsrb32.npz", fingerprint="0")

    tuning = [gtsrb(one) for one in made(sets=("digits",)) if one.phase != "final"]
    lines = [line for line in section_of([*made(), *tuning]).verdicts if "faster?" in line]
    assert len(lines) == 3
    assert all("over 2 sets" in line for line in lines)


def test_sparsity_keeps_its_lines_and_its_level_while_the_study_runs(made):
    some = [one for one in made() if one.data.sparsity != 0.9]
    section = section_of(some)
    lines = [line for line in section.verdicts if "depend on sparsity?" in line]
    assert len(lines) == 2 * 2  # pairs by the protocol's shares
    told = [line for line in lines if "50 % of pixels" in line]
    assert all("at 98.75 %" in line for line in told)
    assert len(told) == 2
    assert all("No answer yet" in line for line in lines if line not in told)
    lacking = [
        one
        for one in some
        if not (one.data.sparsity and one.optimizer == "scaled_smes" and one.phase == "final")
    ]
    section = section_of(lacking)
    lines = [line for line in section.verdicts if "depend on sparsity?" in line]
    assert [("at 98.75 %" in line) for line in lines] == [True, False, False, False]


def test_an_eps_and_a_long_run_are_told(made, folder_of):
    some = made(sets=("digits",))
    some = [replace(one, seconds=3000.0 if k < 2 else 10.0) for k, one in enumerate(some)]
    (section,) = report.build(folder_of(some)).sections
    marks = [row[2] for row in section.tables[0].rows]
    assert marks == ["0", *["1e-08¶"] * 5]
    assert any(
        note.startswith("¶ at an eps: the smallest or the largest") for note in section.notes
    )
    words = "A run took 10.0 s, the median; 2 took over ten times that, together 100.0 minutes"
    assert any(note.startswith(words) for note in section.notes)


def test_a_study_that_has_only_begun_has_no_verdict(made, folder_of):
    (section,) = report.build(folder_of([r for r in made() if r.phase == "tune"])).sections
    assert all("No answer yet" in line for line in section.verdicts)
    assert [figure.key for figure in section.figures] == ["heat"]


def test_final_runs_alone_are_no_accident(made):
    """As where the records of the tuning are gone."""
    section = section_of([one for one in made(sets=("digits",)) if one.phase == "final"])
    assert (section.tables, section.figures, section.verdicts) == ((), (), ())
    first, *_, command = section.missing
    assert first.startswith("digits, B: ")
    assert "--protocol exponent --datasets digits --regimes B" in command


def test_some_of_the_final_seeds_are_no_answer(made):
    some = [one for one in made(sets=("digits",)) if one.phase != "final" or one.seed < 203]
    section = section_of(some)
    assert all("No answer yet" in line for line in section.verdicts)
    assert not {"train-loss", "held-out", "gap"} & {figure.key for figure in section.figures}


def test_an_exponent_that_always_diverges_counts_as_chance(made):
    def diverged(one):
        return replace(one, status="diverged", validation_accuracy=[None])

    some = [
        diverged(one) if one.optimizer.endswith("=0.5") and one.dataset == "digits" else one
        for one in made()
    ]
    (table,) = [table for table in section_of(some).tables if table.key == "settings"]
    accuracies = {row["alpha"]: row["accuracy"] for row in table.data}
    assert accuracies[0.75] == pytest.approx(0.8)
    assert accuracies[0.5] == pytest.approx((0.8 + 0.1) / 2)


def test_accuracies_are_means_over_what_all_exponents_have(made):
    def apart(one):
        """The digits are harder, and α = ½ was run on the other set alone."""
        hard = one.dataset == "digits"
        return replace(
            one, validation_accuracy=[each - 0.2 * hard for each in one.validation_accuracy]
        )

    every = [apart(one) for one in made()]
    some = [
        one for one in every if not (one.optimizer.endswith("=0.5") and one.dataset == "digits")
    ]
    (table,) = [table for table in section_of(some).tables if table.key == "settings"]
    assert "over the cells that all α have (F-MNIST, B)" in table.title
    assert {row["alpha"]: row["cells"] for row in table.data} == {0: 2, 0.25: 2, 0.5: 1, 0.75: 2}
    assert [row["accuracy"] for row in table.data] == pytest.approx([0.8] * 4)
    none = [one for one in some if one.optimizer.endswith("=0.5") or one.dataset == "digits"]
    (table,) = [table for table in section_of(none).tables if table.key == "settings"]
    assert "(none yet)" in table.title
    assert {row[3] for row in table.rows} == {"–"}
