"""The exponent study's figures, from records of runs that never were."""

import functools
from dataclasses import replace

import made_exponent
import pytest
from drawn import check_whole_and_the_same_again

from experiments.analysis.exponent_cells import exponent_cells
from experiments.analysis.interval import interval
from experiments.analysis.short_arms import short_arms
from experiments.reports import report
from experiments.reports.exponent import curves, figures


def cells_of(records):
    return exponent_cells(short_arms(records), made_exponent.ALPHAS)


@pytest.fixture(scope="module")
def made():
    return functools.cache(made_exponent.records_of)


def test_the_heat_maps_cells_are_the_best_over_eps(made):
    (cell,) = cells_of(made(sets=("digits",)))
    grid = figures.accuracy_grid(cell)
    assert len(grid) == 4 * 9
    assert grid[0.25, 1e-3] == pytest.approx(80)
    assert grid[0.75, 1e-5] == pytest.approx(60)


def test_a_cell_whose_settings_were_not_all_tried_is_no_map_and_that_is_said(made, folder_of):
    tuned = [one for one in made() if one.phase == "tune"]
    lost = next(one for one in tuned if one.dataset == "digits" and one.optimizer == "scaled_smes")
    (section,) = report.build(folder_of([one for one in tuned if one is not lost])).sections
    (heat,) = section.figures
    assert heat.caption.endswith("of one seed. Not whole yet: digits, 600 steps")


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
    _, text = _drawn(made(names=names, sets=("digits",)), "gap", folder_of)
    assert "cyclic" not in text


def test_an_arm_that_ends_above_the_matched_train_loss_is_an_empty_place_that_says_so(made):
    cyclic = "scaled_smes:cycles=4"
    some = made(sets=("digits",))
    worse = [
        replace(one, train_loss=[1.0, 0.5, 0.45]) if one.optimizer == cyclic else one
        for one in some
    ]
    none = [replace(one, status="diverged") if one.optimizer == cyclic else one for one in some]
    for records, what, said in (
        (some, "gap", 0),
        (worse, "gap", 1),
        (none, "gap", 0),
        (worse, "train loss", 0),
        (worse, "held-out", 0),
    ):
        text = curves.against_alpha(cells_of(records), what)["svg"].decode()
        assert "<!-- α cyclic, -->" in text
        assert text.count("<!-- a run ends above -->") == said


@pytest.mark.parametrize("there", [1, 3])
def test_a_sparsity_that_lacks_an_alpha_is_no_line_and_that_is_said(made, folder_of, there):
    names = [*made_exponent.ALPHAS][:there]
    some = [
        one
        for one in made(sets=("fashion_mnist",))
        if one.data.sparsity != 0.5 or one.optimizer in names
    ]
    figure, text = _drawn(some, "sparsity", folder_of)
    gone = f"F-MNIST, 600 steps, 50 % of pixels mid-grey ({there} of 4 α)"
    assert f"Not shown yet: {gone}" in figure.caption
    assert "<!-- 90 % of pixels mid-grey -->" in text
    assert "<!-- 50 % of pixels mid-grey -->" not in text
    assert "<!-- 50 % of pixels mid-grey: too few α yet -->" in text


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
    check_whole_and_the_same_again(section.figures)
