"""What the pages say of two optimizers over the seeds that both have, at 95 %, is so."""

import csv
import functools
from pathlib import Path
from statistics import mean

import pytest
from told import fair, interval_said, text

from experiments import records
from experiments.analysis.final_differences import accuracy_difference
from experiments.analysis.short_arms import short_arms
from experiments.analysis.verdicts import verdict
from experiments.protocols.ablation import constants as ablation
from experiments.reports.ablation.tables import arm_title

ROOT = Path(__file__).parents[2]
CLOTHES, SIGNS = "fashion_mnist", "gtsrb32.npz"
ASKED = ("q3", "q4", "q5", "q6", "q7", "solid-scale", "signum")
"""The tables that answer a question of the study of parts."""
SIGNUM = "signum:weight_decay=0.01"
FROM_SIGNUM = {"thermolion:boost=0,solid_scale=1,temperature=0"}
FROM_SIGNUM |= {"thermolion:boost=0,temperature=0"}
"""Steps of the way from Signum, which no table of the pages has."""


@functools.cache
def _variants():
    """Data set -> variant -> its final runs after 60 steps."""
    derived = {one["optimizer"]: name for name, one in ablation.protocol()["derived"].items()}
    found = {CLOTHES: {}, SIGNS: {}}
    for arm in short_arms(records.read(ROOT / "results" / "ablation").records, derived):
        if arm.workload.regime == "A" and arm.optimizer not in FROM_SIGNUM:
            found[arm.workload.dataset][arm.optimizer] = arm.tuned
    return found


def test_muon_is_told_with_its_intervals():
    def over(*pair):
        both = ([fair()[name, "B", one].tuned for one in pair] for name in (SIGNS, "digits"))
        return [accuracy_difference(*runs) for runs in both]

    signs, digits = over("muon", "thermolion")
    assert len(signs.by_seed) == len(digits.by_seed) == 10
    assert signs.low > 0 > digits.low
    ahead, not_told_apart = map(interval_said, (signs, digits))
    told = f"ahead of ThermoLion on GTSRB-32, {ahead}, and not told apart on the digits, "
    told += f"{not_told_apart}."
    assert f"Muon is not shown: after 600 steps it is {told}" in text("docs/index.md")
    behind, not_told_apart = map(interval_said, over("thermolion", "muon"))
    told = f"on GTSRB-32 behind, {behind}, on the digits not told apart, {not_told_apart};"
    assert told in text("docs/should_i_use_it.md")


def test_where_the_carried_setting_loses_is_told():
    over = {
        name: accuracy_difference(
            *(fair()[name, "B", one].carried for one in ("thermolion", "adamw"))
        )
        for name in (SIGNS, "digits", CLOTHES)
    }
    none = "no larger difference"
    assert [verdict("", "", one).case for one in over.values()] == ["worse", none, none]
    assert "lost on GTSRB-32 alone." in text("docs/should_i_use_it.md")
    told = f"so does the *worse* against AdamW, both carried over ({over[SIGNS].mean:+.1f} there)."
    assert f"comes from GTSRB-32 alone, and {told}" in text("README.md")
    lion = fair()[SIGNS, "A", "thermolion"]
    below = accuracy_difference(lion.carried, lion.tuned)
    assert below.high < 0
    other = accuracy_difference(lion.carried, fair()[SIGNS, "A", "adamw"].carried)
    told = (
        f"it is {-below.mean:.1f} points below its own tuned setting, and {-other.mean:.1f} below "
    )
    assert f"after 60 steps, {told}AdamW's carried" in text("docs/should_i_use_it.md")


def test_from_which_tuned_ones_the_untuned_default_is_not_told_apart_after_60_steps():
    over = {
        (name, other): accuracy_difference(
            fair()[name, "A", "thermolion"].default, fair()[name, "A", other].tuned
        )
        for name in (CLOTHES, SIGNS)
        for other in ("adamw", "nadamw", "signum", "lion")
    }
    assert [key for key, one in over.items() if not one.excludes_zero] == [(SIGNS, "adamw")]
    said = f"not told apart, {interval_said(over[SIGNS, 'adamw'])})"
    assert said in text("docs/should_i_use_it.md")


def _rows(study, key):
    with (ROOT / "results" / study / f"{study}-v1-{key}.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["regime"] == "A"]


def test_the_untuned_default_ends_above_every_variant_after_60_steps():
    """Of the means, over all of the seeds that each has."""
    fair = {(row["optimizer"], row["dataset"]): row for row in _rows("fair", "optimizers")}
    variants = [row for key in ASKED for row in _rows("ablation", key)]
    assert ablation.protocol()["schedule"] == "warmup_cosine"
    advice = text("docs/should_i_use_it.md")
    untuned = []
    for place in (CLOTHES, SIGNS):
        best = max(float(row["held_out_mean"]) for row in variants if row["dataset"] == place)
        untuned.append(float(fair["thermolion", place]["held_out_untuned_mean"]))
        assert untuned[-1] > best
    said = f"at 0.001, ends at {untuned[0]:.1f} % and {untuned[1]:.1f} % on the two sets"
    assert said in advice
    there = {row["arm"]: row for row in variants if row["dataset"] == SIGNS}
    assert float(there["thermolion"]["learning_rate"]) == pytest.approx(1e-3)
    said = f"the same rate ends at {float(there['thermolion']['held_out_mean']):.1f} % on GTSRB"
    assert said in advice
    (lead,) = (
        row
        for row in _rows("fair", "differences")
        if (row["second"], row["dataset"], row["measure"], row["setting"])
        == ("signum", SIGNS, "held-out accuracy", "tuned")
    )
    ahead, half = float(lead["difference"]), float(lead["half"])
    said = f"is {ahead:.1f} [{ahead - half:.1f}, {ahead + half:.1f}] ahead of Signum there, whose"
    assert said in advice
    own = [float(row["held_out_mean"]) for row in (fair["signum", SIGNS], there[SIGNUM])]
    assert f"ended lower ({own[0]:.1f} %) than its rate alone did here ({own[1]:.1f})" in advice


def test_from_which_variants_the_untuned_default_is_not_told_apart_after_60_steps():
    """It stands in another study, its rate constant; theirs is chosen under warm-up and cosine."""
    over = {
        (name, arm_title(other)): accuracy_difference(fair()[name, "A", "thermolion"].default, runs)
        for name, variants in _variants().items()
        for other, runs in variants.items()
    }
    assert {len(one.by_seed) for one in over.values()} == {10}
    assert len(over) == 2 * 16
    near = {name: {} for name in (CLOTHES, SIGNS)}
    for (name, other), one in sorted(over.items(), key=lambda each: each[1].mean):
        if not one.excludes_zero:
            near[name][other.removesuffix(": gas alone")] = interval_said(one)
    assert (len(near[CLOTHES]), [*near[SIGNS]]) == (5, ["solid scale 1"])
    advice = text("docs/should_i_use_it.md")
    each = ", ".join(f"{other} {numbers}" for other, numbers in near[CLOTHES].items())
    told = f"not told apart from five of them on Fashion-MNIST: {each}; and on GTSRB-32 from solid "
    assert f"{told}scale 1, {near[SIGNS]['solid scale 1']} (each at 95 %)" in advice
    assert "solid scale 1" in near[CLOTHES]
    assert "no boost" not in near[CLOTHES]
    told = "is above both there (not told apart from solid scale 1), so that this is no advice"
    assert told in text("docs/settings.md")


def test_the_schedule_counts_for_more_than_any_part_on_the_traffic_signs():
    untuned = fair()[SIGNS, "A", "thermolion"].default
    own = _variants()[SIGNS]["thermolion"]
    lost = accuracy_difference(untuned, own)
    parts = [
        100 * (mean(one.test_accuracy for one in own) - mean(one.test_accuracy for one in runs))
        for runs in _variants()[SIGNS].values()
    ]
    assert max(map(abs, parts)) < lost.low
    told = f"{lost.mean:.1f} [{lost.low:.1f}, {lost.high:.1f}] lower."
    assert f"{told} So the table tells" in text("docs/should_i_use_it.md")
