"""Another network and longer runs in the fair report: tables, verdicts, a figure of their own."""

from collections import Counter
from dataclasses import replace

import pytest
from made_fair import FACTS, accuracy, built
from made_records import Made

from experiments import optimizers
from experiments.protocols import fair


@pytest.fixture(scope="module")
def elsewhere():
    """The ConvNet on two sets, another network on one, longer runs on the other."""
    named = {name: optimizers.resolve(name) for name in ("adamw", "thermolion", "lion")}
    runs = Made(accuracy)
    runs.finish(fair.study(["digits", "semeion"], named, regimes=("B",)))
    runs.finish(fair.study(["digits"], named, ["vit"], regimes=("B",)))
    runs.finish(fair.study(["semeion"], named, regimes=("C",)))
    return [replace(one, data=FACTS) for one in runs.records.values()]


def test_another_network_and_longer_runs_have_tables_and_verdicts_of_their_own(elsewhere):
    found = built(elsewhere)
    assert found.missing == ()
    titles = [table.title for table in found.tables]
    assert {"digits, B, vit: every optimizer", "SEMEION, C: every optimizer"} <= {*titles}
    said = [line.partition(": ")[0] for line in found.verdicts]
    assert Counter(said) == {
        "Q0, regime B": 1,
        "Q1, regime B": 1,
        "Q2, regime B": 1,
        "Q1, regime C": 1,
        "Q2, regime C": 1,
        "Q0, regime B, vit": 1,
        "Q1, regime B, vit": 1,
        "Q2, regime B, vit": 1,
    }
    assert any(note.startswith("Regime C is not tuned in") for note in found.notes)
    (longer,) = (table for table in found.tables if table.title.startswith("SEMEION, C"))
    assert {row["final_runs"] for row in longer.data} == {20}
    assert {(row["tuning_runs"], row["default_runs"]) for row in longer.data} == {(0, 0)}


def test_longer_runs_without_the_tuning_name_what_tells_their_setting(elsewhere):
    found = built([one for one in elsewhere if one.regime == "C"])
    assert any(
        line == "AdamW on SEMEION, C: 0 of 20 final runs of a setting that its tuning in B tells"
        for line in found.missing
    )
    (command,) = (line for line in found.missing if line.startswith("the command that goes on"))
    assert "--regimes B C" in command


def test_the_first_figure_has_the_convnet_and_the_regimes_that_are_tuned_in(elsewhere):
    keys = {figure.key: figure for figure in built(elsewhere).figures}
    first, other = (keys[key].draw()["svg"].decode() for key in ("differences", "elsewhere"))
    assert "2,400 steps" in other
    assert "600 steps, vit" in other
    assert "2,400" not in first
    assert "vit" not in first
    assert "runs missing" not in first + other


def test_a_verdict_that_waits_names_whose_runs_it_waits_for(elsewhere):
    gone = ("vit", "lion", "final")
    some = [one for one in elsewhere if (one.network, one.optimizer, one.phase) != gone]
    (line,) = (one for one in built(some).verdicts if one.startswith("Q2, regime B, vit"))
    assert line.endswith("No answer yet: final runs of Lion, tuned, are missing.")


def test_the_regimes_are_explained_where_their_letters_stand(elsewhere):
    some = [one for one in elsewhere if one.regime == "B"]
    told = "test images read once, by fresh seeds. Regime B is 600 steps of at most 128 images"
    assert built(some).description.endswith(told)
    assert built(elsewhere).description.endswith(f"{told}, C is 2,400 of 128")
