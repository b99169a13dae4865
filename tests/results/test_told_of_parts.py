"""Sentences of the pages about the ablation study are what its records say."""

import csv
import re
from pathlib import Path
from statistics import mean

import pytest
from told import text

from experiments import records
from experiments.analysis.short_arms import short_arms
from experiments.analysis.verdicts import TRAIN_LOSS
from experiments.reports import report
from experiments.reports.ablation.step_lengths import no_evidence, rival_title
from experiments.reports.ablation.tables import arm_title

ROOT = Path(__file__).parents[2]
ASKED = ("q3", "q4", "q5", "q6", "q7", "solid-scale", "signum")
"""The tables that answer a question; the others go from part to part."""
MATCHED = "adamw at the step of thermolion"
SIGNS = "gtsrb32.npz"


def _every_arm():
    return short_arms(records.read(ROOT / "results" / "ablation").records, {"adamw": MATCHED})


def _arms():
    place = "fashion_mnist", "B"
    found = [one for one in _every_arm() if (one.workload.dataset, one.workload.regime) == place]
    there = {arm.optimizer: arm for arm in found}
    assert len(there) == len(found)  # one data set and regime: else the pages' sentences need more
    return {name: arm.tuned for name, arm in there.items()}


def test_how_much_longer_the_matched_steps_are_is_so():
    arms = _arms()
    sizes = [mean(one.update_rms for one in arms[name]) for name in (MATCHED, "thermolion")]
    (said,) = re.findall(r"they came out about (\d+) % longer", text("docs/should_i_use_it.md"))
    assert int(said) == round(100 * (sizes[0] / sizes[1] - 1), -1)


def _report():
    (section,) = report.build(ROOT / "results" / "ablation").sections
    return section


def _verdicts(section, regime):
    """Variant -> the verdict's words, mean and interval over both sets."""
    line = (
        rf"regime {regime}: .*\? ThermoLion against (.*), held-out accuracy: over 2 sets, (.*?): "
    )
    line += r"(\S+) points (\[.*?\])"
    said = [found for one in section.verdicts for found in re.findall(line, one)]
    assert len(said) == sum(f"regime {regime}: " in one for one in section.verdicts) == 15
    return {name: (case, mean, ends) for name, case, mean, ends in said}


def _by_set(section):
    """(variant, data set, regime) -> the difference with its interval."""
    found = {}
    for table in section.tables:
        for row in table.data:
            if table.key in ASKED and row["held_out_difference"] is not None:
                mean, half = row["held_out_difference"], row["held_out_half"]
                numbers = f"{mean:+.2f} [{mean - half:+.2f}, {mean + half:+.2f}]"
                found[arm_title(row["arm"]), row["dataset"], row["regime"]] = numbers
    return found


def test_what_the_parts_bring_is_told_as_the_report_has_it():
    section = _report()
    by_set = _by_set(section)
    arms = {
        regime: [one for one in _every_arm() if one.workload.regime == regime] for regime in "AB"
    }
    title, doubt = arm_title(MATCHED), no_evidence(MATCHED, arms["B"])
    assert not no_evidence(MATCHED, arms["A"])
    assert doubt == "no evidence: 9 of 10 runs at chance on GTSRB-32"
    behind = {(title, "B"): f"; {doubt}"}
    rows = [
        f"| {rival_title(MATCHED) if name == title else name} "
        f"| {by_set[name, 'fashion_mnist', regime]} | {by_set[name, SIGNS, regime]} "
        f"| {mean} {ends} | {case}{behind.get((name, regime), '')} |"
        for regime in "AB"
        for name, (case, mean, ends) in _verdicts(section, regime).items()
    ]
    page = (ROOT / "docs" / "should_i_use_it.md").read_text(encoding="utf-8")
    _, _, part = page.partition("## What its parts bring")
    lines = part.partition("\n## ")[0].splitlines()
    told = [one for one in lines if one.startswith("| ") and "| variant |" not in one]
    assert sorted(told) == sorted(rows)


def test_what_counts_after_600_steps_is_told():
    section = _report()
    by_set, said = _by_set(section), _verdicts(section, "B")
    none = "no difference larger than 1 point"
    named = ["λ = 0: gas alone", "λ of another parameter", "no boost", "no noise", "solid scale 1"]
    assert {said[name][0] for name in [*named, "bias corrected"]} == {none}
    told = "another's λ does as well, and so does none (λ = 0, sign steps with boost)."
    told = f"brings no more than a point after 600 steps**, in the mean of two sets: {told}"
    assert told in text("README.md")
    for name in ("λ = 1: solid alone", "Signum", "AdamW"):
        assert said[name][0] == "better"
        assert "[-" in by_set[name, "fashion_mnist", "B"]
        assert "[+" in by_set[name, SIGNS, "B"]
    assert said["λ = ½"][0].startswith("undecided")
    half = by_set["λ = ½", "fashion_mnist", "B"]
    assert "[+" in half
    advice, settings = text("docs/should_i_use_it.md"), text("docs/settings.md")
    on_signs = {
        arm_title(row["arm"]): row["held_out_case"]
        for table in section.tables
        for row in table.data
        if table.key in ASKED and (row["dataset"], row["regime"]) == (SIGNS, "B")
    }
    assert on_signs["no boost"] == "no larger difference"
    assert {on_signs[x] for x in ("no noise", "solid scale 1", "bias corrected")} == {"undecided"}
    told = "(on GTSRB-32 alone that is shown of the boost; noise, factor and bias correction are "
    assert f"{told}*undecided* there)" in advice
    assert f"(λ = ½), by {half[1:4]} points on Fashion-MNIST (over both undecided)" in advice
    _, mean, ends = said["no noise"]
    assert f"higher by {mean.lstrip('+')} points {ends}" in settings
    case, mean, ends = said["bias corrected"]
    assert f"there is *{case}*, {mean} points {ends}, held out, and it is *better* in" in settings


def test_what_counts_after_60_steps_is_told():
    section = _report()
    by_set, said = _by_set(section), _verdicts(section, "A")
    raw = {
        (arm_title(row["arm"]), row["dataset"]): row["held_out_difference"]
        for table in section.tables
        for row in table.data
        if table.key in ASKED and row["regime"] == "A" and row["arm"] != "thermolion"
    }
    readme, advice, settings = map(
        text, ("README.md", "docs/should_i_use_it.md", "docs/settings.md")
    )

    def points(name, dataset=None):
        """How many, without their sign; None is the mean of both sets."""
        places = ["fashion_mnist", SIGNS] if dataset is None else [dataset]
        return f"{abs(mean(raw[name, place] for place in places)):.1f}"

    def case(name):
        return said[name][0].partition(" (")[0].partition(",")[0]

    boost, other, solid = map(points, ("no boost", "λ of another parameter", "solid scale 1"))
    assert [case(one) for one in ("no boost", "λ of another parameter")] == ["better"] * 2
    assert case("solid scale 1") == "worse"
    low, high = (-float(end) for end in reversed(said["solid scale 1"][2].strip("[]").split(",")))
    ends = f"[{abs(low):.1f}, {high:.1f}]"
    assert "mixed" in {each[0].partition(" (")[0] for each in said.values()}
    assert {case(one) for one in ("no noise", "noise × 10")} == {
        "no difference larger than 1 point"
    }
    assert "After 60 boost and gate count, noise does not, and the sets [disagree]" in readme
    assert f"**The boost brings {boost} points**; without the noise there is no diff" in advice
    assert f"**Its own λ is {other} points ahead of another parameter's**, won on GTSRB" in advice
    own, permuted = (
        next(
            float(row["update_rms"])
            for table in section.tables
            for row in table.data
            if (table.key, row["regime"]) == ("q3", "A")
            and (row["arm"], row["dataset"]) == (arm, SIGNS)
        )
        for arm in ("thermolion", "thermolion:gate=permuted")
    )
    assert f"its steps came out {100 * (own / permuted - 1):.0f} % longer" in advice
    assert case("λ the tensor's mean") == "mixed"
    assert case("λ = 0: gas alone") == case("AdamW") == "undecided"
    assert case("AdamW at ThermoLion's step") == case("Signum") == "undecided"
    none = "no difference larger than 1 point"
    assert {case(name) for name in ("no noise", "noise × 10")} == {none}
    assert f"**Solid scale 1 would be {solid} points better**, {ends}, with" in advice
    assert f"half a decade higher and ends {points('Signum', SIGNS)} points ahead" in advice
    assert "-0." in by_set["Signum", SIGNS, "A"].partition(", ")[2]  # which excludes 0
    norm, direction = "Adam's direction, ThermoLion's norm", "ThermoLion's direction, Adam's norm"
    assert (case(norm), case(direction)) == ("worse", "better")
    told = (
        f"tensor by tensor, is {points(norm)} points better**; ThermoLion's direction with Adam's"
    )
    assert f"{told} is {points(direction)} worse" in advice
    assert case("bias corrected") == "mixed"
    gained, lost = (points("bias corrected", one) for one in ("fashion_mnist", SIGNS))
    assert f"would bring {gained} points on Fashion-MNIST and cost {lost} on GTSRB-32" in advice
    told = f"(better by {lost} points on GTSRB-32, worse by {gained} on Fashion-MNIST)"
    assert f"going without is *mixed* after 60 steps {told}" in settings
    assert (
        f"boost brings {boost} points, and solid scale 1 would be {solid} {ends} better" in settings
    )
    assert "all under warm-up and cosine: the untuned default's mean, its rate" in settings
    rates = {
        row["arm"]: float(row["learning_rate"])
        for table in section.tables
        for row in table.data
        if table.key in ("signum", "solid-scale")
        and (row["dataset"], row["regime"]) == (SIGNS, "A")
    }
    own = rates.pop("thermolion")
    assert len(rates) == 2
    assert all(other / own == pytest.approx(10**0.5, rel=1e-4) for other in rates.values())


def test_what_the_boost_does_to_train_loss_is_so():
    data = ROOT / "results" / "ablation" / "ablation-v1-q4.csv"
    with data.open(encoding="utf-8") as file:
        every = [row for row in csv.DictReader(file) if row["train_loss_difference"]]
    rows = [row for row in every if row["regime"] == "B"]
    changes = {
        row["dataset"]: -TRAIN_LOSS.shown(float(row["train_loss_difference"])) for row in rows
    }
    said = f"by {changes['fashion_mnist']:.0f} and {changes['gtsrb32.npz']:.0f} %"
    assert f"the boost lowers it {said}" in text("docs/should_i_use_it.md")


def test_what_else_lowers_train_loss_is_so():
    section = _report()
    rows = {
        (arm_title(row["arm"]), row["dataset"]): row
        for table in section.tables
        for row in table.data
        if table.key in ("q6", "solid-scale") and row["regime"] == "B"
    }

    def lower(name, dataset):
        row = rows[name, dataset]
        assert row["train_loss_case"] == "better"
        return f"{-TRAIN_LOSS.shown(float(row['train_loss_difference'])):.0f}"

    clothes, signs = (lower("solid scale 1", name) for name in ("fashion_mnist", SIGNS))
    told = f"the factor 2 by {clothes} and {signs} %, going without bias correction by "
    told += f"{lower('bias corrected', 'fashion_mnist')} % on Fashion-MNIST."
    assert told in text("docs/should_i_use_it.md")
    assert rows["bias corrected", SIGNS]["train_loss_case"] == "undecided"
