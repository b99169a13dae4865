"""Which panels the fair study's figures have, from records of runs that never were."""

import math

import pytest
from made_records import Made

from experiments import optimizers
from experiments.analysis.arms import arms
from experiments.protocols import fair
from experiments.reports.fair import figures, questions

NAMES = ("thermolion", "adamw", "signum")


def _accuracy(cell):
    rate = dict(cell.learner.changed).get("learning_rate", 1e-3)
    return 0.8 - abs(math.log10(rate) + 3) / 10


@pytest.fixture(scope="module")
def records():
    resolved = {name: optimizers.resolve(name) for name in NAMES}
    study = fair.study(["digits", "usps"], resolved, budget="smoke", regimes=("B", "A"))
    made = Made(_accuracy)
    made.finish(study)
    return list(made.records.values())


def _text(drawn):
    return drawn["svg"].decode()  # matplotlib writes each text as a comment above its outlines


def _captions(records):
    found = arms(records)
    drawn = figures.available(found, questions.answers(found))
    return found, {one.key: (one.caption, one.draw) for one in drawn}


def test_a_place_with_one_searched_optimizer_is_no_panel_and_that_is_said(records):
    begun = [
        one
        for one in records
        if (one.dataset, one.regime) != ("usps", "A")
        or one.optimizer == "adamw"
        or (one.phase == "tune" and one.seed == 101)  # its first stage is not whole
    ]
    found, made = _captions(begun)
    shown = figures.searched(found)
    assert shown.keys() == {
        "USPS, 60 steps, smoke",
        "digits, 6 steps, smoke",
        "digits, 60 steps, smoke",
    }
    assert all(arms.keys() == {*NAMES} for arms in shown.values())
    for key in ("rates", "aligned", "budget"):
        caption, draw = made[key]
        assert (
            "not shown, as fewer than two optimizers are searched: USPS, 6 steps, smoke" in caption
        )
        text = _text(draw())
        assert "<!-- USPS, 6 steps, smoke -->" not in text
        assert "<!-- ThermoLion -->" in text
        assert "<!-- thermolion -->" not in text
    assert "learning rate / its best" in _text(made["aligned"][1]())


def test_no_figure_of_tuning_where_one_optimizer_stands_alone(records):
    _, made = _captions([one for one in records if one.optimizer == "adamw"])
    assert not made


def test_differences_have_a_panel_a_length_and_a_row_a_set(records):
    gone = [one for one in records if (one.dataset, one.regime) == ("usps", "A")]
    _, made = _captions([one for one in records if one not in gone])
    text = _text(made["differences"][1]())
    for words in ("6 steps, smoke", "60 steps, smoke", "digits", "USPS", "mean of 2 sets"):
        assert text.count(f"<!-- {words} -->") == 1
    # In the sets' rows and in the means'; Q0's are of settings carried over from the other set.
    assert text.count("<!-- against Signum -->") == 3
    assert text.count("<!-- ← other better -->") == text.count("<!-- ThermoLion better → -->") == 2
    assert "<!-- runs missing -->" in text
    assert "Q1" not in text
    assert "all sets" not in text
