"""Sentences of the pages about the ablation study are what its records say."""

import csv
import re
from pathlib import Path
from statistics import mean

from experiments import records
from experiments.analysis.short_arms import short_arms
from experiments.analysis.verdicts import TRAIN_LOSS
from experiments.reports import report
from experiments.reports.ablation.tables import arm_title

ROOT = Path(__file__).parents[2]
ASKED = ("q3", "q4", "q5", "q6", "q7", "solid-scale", "signum")
"""The tables that answer a question; the others go from part to part."""
MATCHED = "adamw at the step of thermolion"


def _arms():
    made = records.read(ROOT / "results" / "ablation").records
    told = [one for one in made if (one.dataset, one.regime) == ("fashion_mnist", "B")]
    found = short_arms(told, {"adamw": MATCHED})
    there = {arm.optimizer: arm for arm in found}
    assert len(there) == len(found)  # one data set and regime: else the pages' sentences need more
    return {name: arm.tuned for name, arm in there.items()}


def _text(page):
    return " ".join((ROOT / page).read_text(encoding="utf-8").split())


def test_how_much_longer_the_matched_steps_are_is_so():
    arms = _arms()
    sizes = [mean(one.update_rms for one in arms[name]) for name in (MATCHED, "thermolion")]
    (said,) = re.findall(r"they came out about (\d+) % longer", _text("docs/should_i_use_it.md"))
    assert int(said) == round(100 * (sizes[0] / sizes[1] - 1), -1)


def test_what_the_parts_bring_is_told_as_the_report_has_it():
    (section,) = report.build(ROOT / "results" / "ablation").sections
    by_set = {}
    for table in section.tables:
        for row in table.data:
            if table.key in ASKED and row["held_out_difference"] is not None:
                mean, half = row["held_out_difference"], row["held_out_half"]
                numbers = f"{mean:+.2f} [{mean - half:+.2f}, {mean + half:+.2f}]"
                by_set[arm_title(row["arm"]), row["dataset"], row["regime"]] = numbers
    line = r"regime B: .*\? ThermoLion against (.*), held-out accuracy: over 2 sets, (.*?): "
    line += r"(\S+) points (\[.*?\])"
    places = ("fashion_mnist", "A"), ("fashion_mnist", "B"), ("gtsrb32.npz", "B")
    rows = [
        f"| {name} | {' | '.join(by_set[name, *place] for place in places)} "
        f"| {mean} {ends} | {case} |"
        for said in section.verdicts
        for name, case, mean, ends in re.findall(line, said)
    ]
    assert len(rows) == sum("regime B: " in said for said in section.verdicts) == 15
    page = (ROOT / "docs" / "should_i_use_it.md").read_text(encoding="utf-8")
    _, _, part = page.partition("## What its parts bring")
    told = [one for one in part.partition("\n## ")[0].splitlines() if one.startswith("| ")][1:]
    assert sorted(told) == sorted(rows)

    def verdict_on(name):
        (row,) = (row for row in rows if row.startswith(f"| {name} |"))
        return row.strip("| ").split(" | ")

    none = "no difference larger than 1 point"
    named = ["λ = 0: gas alone", "λ of another parameter", "no boost", "no noise", "solid scale 1"]
    assert {verdict_on(name)[-1] for name in [*named, "bias corrected"]} == {none}
    assert f"there is *{none}* held out to sign steps alone" in _text("README.md")
    for name in ("λ = 1: solid alone", "Signum", "AdamW"):  # "Behind, on GTSRB-32, are"
        _, _, f_mnist, gtsrb, _, case = verdict_on(name)
        assert case == "better"
        assert "[-" in f_mnist
        assert "[+" in gtsrb
    *_, noise, said = verdict_on("no noise")
    assert said == "no difference larger than 1 point"
    assert "higher by " + noise.lstrip("+").replace(" [", " points [") in _text("docs/settings.md")
    correction, said = verdict_on("bias corrected")[-2:]
    told = f"*{said}* held out, {correction.replace(' [', ' points [')}, and *better* in train"
    assert told in _text("docs/settings.md")


def test_what_counts_after_60_steps_is_told():
    (section,) = report.build(ROOT / "results" / "ablation").sections
    line = r"regime A: .*\? ThermoLion against (.*) on F-MNIST, held-out accuracy: (.*?): "
    line += r"(\S+) points (\[.*?\])"
    said = {
        name: (case.partition(",")[0], float(mean), f"{mean} points {ends}")
        for verdict in section.verdicts
        for name, case, mean, ends in re.findall(line, verdict)
    }
    assert len(said) == 15
    against = "bias corrected", "solid scale 1", "λ = 0: gas alone"
    assert {said[name][0] for name in against} == {"worse"}
    assert {f"{said[name][1]:.1f}" for name in against} == {"-0.9"}
    assert (said["no boost"][0], f"{said['no boost'][1]:.1f}") == ("better", "1.0")
    assert said["λ the tensor's mean"][0] == "worse by less than 1 point"
    tensor = said["λ the tensor's mean"]
    assert f"{tensor[1]:.1f}" == "-0.5"
    undecided = {said[name][0] for name in ("λ of another parameter", "AdamW")}
    assert undecided == {"undecided"}
    none = "no difference larger than 1 point"
    assert {said[name][0] for name in ("no noise", "noise × 10")} == {none}
    settings, advice = _text("docs/settings.md"), _text("docs/should_i_use_it.md")
    assert f"*worse* held out, {said['bias corrected'][2]}. The runs of 60" in settings
    assert "the boost brings 1.0 points, and solid scale 1 would have brought 0.9" in settings
    assert "Without a bias correction it loses 0.9 points" in advice
    assert "One λ a tensor is 0.5 better than one a parameter" in advice
    assert "the boost brings 1.0 points" in _text("README.md")


def test_what_the_boost_does_to_train_loss_is_so():
    data = ROOT / "results" / "ablation" / "ablation-v1-q4.csv"
    with data.open(encoding="utf-8") as file:
        every = [row for row in csv.DictReader(file) if row["train_loss_difference"]]
    rows = [row for row in every if row["regime"] == "B"]
    changes = {
        row["dataset"]: -TRAIN_LOSS.shown(float(row["train_loss_difference"])) for row in rows
    }
    said = f"by {changes['fashion_mnist']:.0f} and {changes['gtsrb32.npz']:.0f} %"
    assert f"The boost does lower train loss, {said}" in _text("docs/should_i_use_it.md")
