"""The exponent study's report, from records of runs that never were."""

import csv
import functools
import io
import math
from dataclasses import replace

import made_exponent
import numpy as np
import pytest
from PIL import Image

from experiments.analysis.exponent_cells import exponent_cells, values
from experiments.analysis.short_arms import short_arms
from experiments.analysis.statistics import interval
from experiments.reports import report
from experiments.reports.exponent import curves, figures


@pytest.fixture(scope="module")
def made():
    return functools.cache(made_exponent.records_of)


def test_the_three_claims_are_answered_by_rule(made, folder_of):
    built = report.build(folder_of(made()))
    (section,) = built.sections
    lines = section.verdicts
    faster = [line for line in lines if "fit the training set faster?" in line]
    assert len(faster) == 3
    assert "α = ½ against α = 0, train loss: over 2 sets, better: -63" in faster[0]
    gap = [line for line in lines if "close the gap at matched train loss?" in line]
    assert len(gap) == 3
    words = "α = 0 against α = ½, validation loss at matched train loss: over 2 sets, better: -"
    assert words in gap[0]
    sparse = [line for line in lines if "depend on sparsity?" in line]
    assert len(sparse) == 2 * 2 + 1
    grows = "α = ½ minus α = 0 with 90 % of the pixels 0 against the same with none"
    assert any(f"{grows}, held-out accuracy: better: +2" in line for line in sparse)
    assert "α = 0 at 0 %, α = ½ at 50 %, α = ½ at 90 %" in sparse[-1]
    assert not any("not an answer" in line for line in lines)
    assert not section.missing


def test_the_table_has_every_arm_of_every_cell(made, folder_of):
    (section,) = report.build(folder_of(made())).sections
    table, settings = section.tables
    assert [row[0] for row in settings.rows] == ["0", "0.25", "0.5", "0.75"]
    rows = list(csv.DictReader(io.StringIO(report.csv_of([table]))))
    assert len(rows) == 4 * 6
    half = next(r for r in rows if r["arm"].endswith("alpha=0.5") and r["sparsity"] == "0")
    assert float(half["learning_rate"]) == 1e-3
    assert float(half["train_loss_mean"]) == pytest.approx(math.exp(-2), rel=1e-2)
    assert float(half["raw_gap_mean"]) == pytest.approx(95 - 79.5, abs=0.2)
    assert half["gap_mean"]


def test_the_gap_is_read_at_the_worst_fit(made):
    cells = exponent_cells(short_arms(made(sets=("digits",))))
    (cell,) = cells
    zero = values(cell, "scaled_smes:alpha=0", "gap")
    assert zero.keys() == set(range(201, 211))  # at their own end
    assert np.mean([*zero.values()]) == pytest.approx(0.1, abs=1e-3)
    half = np.mean([*values(cell, "scaled_smes:alpha=0.5", "gap").values()])
    level, last = math.exp(-1), math.exp(-2)
    share = (0.4 - level) / (0.4 - last)
    assert half == pytest.approx(1.0 + share * (last + 0.6 - 1.0) - level, abs=2e-2)


def test_the_smoke_budget_is_no_answer_and_what_lacks_is_said(made, folder_of):
    records = made("smoke", ("scaled_smes:alpha=0", "scaled_smes:alpha=0.5"), ("digits",))
    gone = [r for r in records if r.optimizer.endswith("=0") and r.phase == "final"]
    (section,) = report.build(folder_of([r for r in records if r not in gone[:2]])).sections
    assert section.verdicts
    assert all(line.startswith("not an answer (smoke): Q9, ") for line in section.verdicts)
    assert any(line.startswith("α = 0 on digits, B") for line in section.missing)
    assert "--protocol exponent --budget smoke --datasets digits --regimes B" in section.missing[-1]


def test_a_study_that_has_only_begun_has_no_verdict(made, folder_of):
    (section,) = report.build(folder_of([r for r in made() if r.phase == "tune"])).sections
    assert all("No answer yet" in line for line in section.verdicts)
    assert [figure.key for figure in section.figures] == ["heat"]


def test_the_heat_maps_cells_are_the_best_over_eps(made):
    (cell,) = exponent_cells(short_arms(made(sets=("digits",))))
    grid = figures.accuracy_grid(cell)
    assert len(grid) == 4 * 9
    assert grid[0.25, 1e-3] == pytest.approx(80)
    assert grid[0.75, 1e-5] == pytest.approx(60)


def _drawn(records, key, folder_of):
    (section,) = report.build(folder_of(records)).sections
    figure = next(each for each in section.figures if each.key == key)
    return figure, figure.draw()["svg"].decode()


def test_what_has_no_one_alpha_stands_apart_under_its_own_name(made, folder_of):
    _, text = _drawn(made(sets=("digits",)), "held-out", folder_of)
    for words in ("digits, 600 steps", "α cyclic,", "0 to ½", "running", "¾"):
        assert f"<!-- {words} -->" in text


def test_without_them_there_is_no_place_for_them(made, folder_of):
    names = tuple(made_exponent.ALPHAS)
    _, text = _drawn(made(names=names, sets=("digits",)), "held-out", folder_of)
    assert "cyclic" not in text


def test_a_sparsity_with_one_alpha_is_no_line_and_that_is_said(made, folder_of):
    some = [
        one
        for one in made(sets=("fashion_mnist",))
        if one.data.sparsity != 0.5 or one.optimizer == "scaled_smes:alpha=0"
    ]
    figure, text = _drawn(some, "sparsity", folder_of)
    assert "Not shown yet: F-MNIST, 600 steps, 50 % of the pixels 0 (1 of 4 α)" in figure.caption
    assert "<!-- 90 % of the pixels 0 -->" in text
    assert "<!-- 50 % of the pixels 0 -->" not in text
    assert "<!-- 50 % of the pixels 0: too few α yet -->" in text


def test_a_panel_shows_the_fixed_alphas_whatever_stands_beside():
    fixed = [interval([1.0, 1.2]), interval([2.0, 2.2])]
    low, high = curves.axis_limits(fixed, [])
    assert low < fixed[0].mean - fixed[0].half
    assert high > fixed[1].mean + fixed[1].half
    near, far, wide = interval([2.5, 2.6]), interval([50.0, 51.0]), interval([1.0, 29.0])
    assert curves.axis_limits(fixed, [far, wide]) == (
        low,
        high,
    )  # the mean 15 would stretch it, too
    assert curves.axis_limits(fixed, [near])[1] >= high
    assert curves.axis_limits([], [far]) is None
    assert curves.axis_limits([interval([1.0])], [far]) is None


def test_a_log_panel_with_an_interval_below_zero_is_drawn():
    fixed = [interval([0.1, 0.11]), interval([0.01, 0.011])]
    low, high = curves.axis_limits(fixed, [interval([0.001, 1.0])], log=True)
    assert 0 < low < 0.01
    assert high > 0.11


def test_an_interval_that_leaves_its_panel_is_marked_with_its_numbers(made, folder_of):
    some = [
        replace(one, train_loss=[1.0, 0.5, 0.001 if one.seed % 2 else 9.0])
        if one.optimizer == "scaled_smes:cycles=4"
        else one
        for one in made(sets=("digits",))
    ]
    _, text = _drawn(some, "train-loss", folder_of)
    assert "<!-- 4.50 ± 3.39 -->" in text


@pytest.mark.slow
def test_figures_are_whole_and_the_same_again(made, folder_of):
    (section,) = report.build(folder_of(made())).sections
    keys = ["train-loss", "held-out", "gap", "sparsity", "heat"]
    assert [figure.key for figure in section.figures] == keys
    for figure in section.figures:
        drawn = figure.draw()
        assert drawn == figure.draw()
        with Image.open(io.BytesIO(drawn["png"])) as image:
            pixels = np.asarray(image.convert("RGB"))
        for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
            assert (edge == 255).all()
