"""results/smes.md says what the records in results/smes say, and shows what is there."""

import csv
import re
from pathlib import Path

import pytest
from told import text

from experiments import optimizers
from experiments.distortion_study import folder, outcomes, plan
from experiments.optimizers.bounds import SMES_DEFAULTS
from experiments.protocols.exponent import constants
from experiments.smes_page import page

RESULTS = Path(__file__).parents[2] / "results"


def test_the_page_is_that_of_the_records(monkeypatch):
    monkeypatch.chdir(RESULTS.parent)
    committed = (RESULTS / "smes.md").read_text(encoding="utf-8")
    assert committed == page.text(Path("results/smes"))


def test_what_the_page_links_to_is_there():
    text = (RESULTS / "smes.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([^)]+)\)", text)
    assert linked
    assert all((RESULTS / name).exists() for name in linked)


def test_the_sentences_of_readme_and_advice_are_the_pages():
    lines = (RESULTS / "smes.md").read_text(encoding="utf-8")
    said = lines.replace("\n", " ")
    readme, advice = map(text, ("README.md", "docs/should_i_use_it.md"))
    answers = re.search(
        r"α=½ nearly immune: (\w+), it trains (\d) of 4 networks, mean train accuracy (\d+) %; "
        r"α=0 helpless: (\w+), it trains (\d) of 4 networks, mean train accuracy (\d+) %",
        said,
    )
    line = r"^- {}: trains (\d) of 4 networks as it is.* over these networks (\d+) →"
    (quarter, quarter_mean), (adamw, adamw_mean) = (
        re.search(line.format(name), lines, re.M).groups() for name in ("SMES α=¼", "AdamW")
    )
    half, none = answers[2], answers[5]
    means = f"mean train accuracy, {adamw_mean} %, is that of ½ ({answers[3]}, then {quarter_mean} "
    assert adamw_mean == answers[3]
    told = f"trained {half} at α = ½, {quarter} at ¼, {none} at 0; AdamW trained {adamw}"
    assert told in readme
    assert told in advice
    assert f"{means}and {answers[6]})" in advice
    assert (len(plan.SEEDS), outcomes.TRAINS) == (3, 0.5)
    rule = "(three seeds each; trained is a mean train accuracy of at least 50 %)"
    assert rule in readme
    assert rule in advice
    assert f"AdamW trained 3, with the same mean train accuracy as ½, {adamw_mean} %." in readme
    assert "on all three sets" in readme
    assert "pairs of data set and length" not in said
    assert "runs of the exponent study" not in said


def test_an_answer_names_the_sets_that_carry_it_once():
    answers = [row for row in text("results/smes.md").split("|") if "comparisons" in row]
    carried = [re.findall(r"shown on ([^,)]+) alone", answer) for answer in answers]
    assert any(carried)
    assert all(len({*names}) == len(names) for names in carried)


def _verdicts(question):
    """(first, other, regime) -> column of the question's table -> the case and its numbers."""
    page = (RESULTS / "smes.md").read_text(encoding="utf-8")
    lines = page.split(f"## {question}\n")[1].split("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in one.strip("|").split("|")] for one in lines if one[:1] == "|"]
    header, _, *rows = rows
    found = {}
    for pair, place, *cells in rows:
        first, other = re.fullmatch("α = (.) against α = (.)", pair).groups()
        told = zip(header[2:-1], cells[:-1], strict=True)
        found[first, other, place.removeprefix("regime ")] = {
            name: tuple(cell.split(", ", 1)) for name, cell in told if cell != "–"
        }
    assert len(found) == 6
    return found


def _of_case(row, case):
    """The sets whose own verdict that is."""
    return [name for name, (own, _) in row.items() if own == case and name != OVER]


OVER = "over its sets"
SETS = ("fashion_mnist", "digits", "gtsrb32.npz")


def test_the_sentences_on_the_exponent_follow_its_verdicts():
    fit = _verdicts("Does a larger α fit the training set faster?")
    readme = text("README.md")
    half, most, quarter = (
        fit[pair] for pair in (("½", "0", "B"), ("¾", "½", "B"), ("½", "¼", "B"))
    )
    assert half[OVER][0] == most[OVER][0] == "better"
    assert [_of_case(each, "undecided") for each in (half, most)] == [["GTSRB-32"], ["digits"]]
    assert [len(_of_case(each, "better")) for each in (half, most)] == [2, 2]
    assert "after 600 in the mean ½ before 0 and ¾ before ½, but ½ before ¼ on" in readme
    assert quarter[OVER][0] == "mixed"
    assert _of_case(quarter, "better") == ["F-MNIST"]
    assert _of_case(quarter, "worse") == ["digits", "GTSRB-32"]
    assert "½ before ¼ on Fashion-MNIST alone, the opposite on the other two." in readme


def test_the_sentences_on_the_gap_follow_its_verdicts():
    gap = _verdicts("Does a smaller α close the gap at matched train loss?")
    readme = text("README.md")
    both = [gap[one, "½", "B"] for one in "0¼"]
    assert [each[OVER][0] for each in both] == ["worse"] * 2
    assert [_of_case(each, "worse") for each in both] == [["digits"], ["digits", "GTSRB-32"]]
    assert {f"{float(each[OVER][1].split()[0]):.0f}" for each in both} == {"14"}
    assert gap["½", "¾", "B"][OVER][0] == "undecided"
    told = "at equal train loss the validation loss at 0 and at ¼ is 14 % *above* that at ½ (shown "
    told += "on the digits, at ¼ on GTSRB-32, too)."
    assert f"Below ½ the opposite after 600 steps: {told}" in readme
    assert _of_case(gap["½", "¾", "B"], "better") == ["F-MNIST"]
    assert "after 600 it is undecided (closed on Fashion-MNIST)" in text("docs/should_i_use_it.md")


def test_what_is_told_of_60_steps_follows_its_verdicts():
    readme = text("README.md")
    fit = _verdicts("Does a larger α fit the training set faster?")
    gap = _verdicts("Does a smaller α close the gap at matched train loss?")
    pairs = [(*pair, "A") for pair in ("½0", "½¼", "¾½")]
    assert [{case for case, _ in fit[pair].values()} for pair in pairs] == [{"better"}] * 3
    assert [len(fit[pair]) for pair in pairs] == [4] * 3  # over the sets, and each of three
    assert "After 60 steps in all three comparisons, on every set;" in readme
    none, quarter = gap["0", "½", "A"], gap["¼", "½", "A"]
    assert [each[OVER][0] for each in (none, quarter)] == ["undecided"] * 2
    assert "at ¼ on GTSRB-32, too). Otherwise undecided, or the sets disagree." in readme
    assert [gap["½", "¾", regime][OVER][0] for regime in "AB"] == ["mixed", "undecided"]
    said = "Between ½ and ¾ the sets disagree after 60 steps, and after 600 it is undecided"
    assert said in text("docs/should_i_use_it.md")


def _arms(regime, dataset, sparsity="0"):
    """Every arm's mean held-out accuracy."""
    file = RESULTS / "smes" / "exponent" / "exponent-v1-exponents.csv"
    return {
        row["arm"]: float(row["held_out_mean"])
        for row in csv.DictReader(file.read_text("utf-8").splitlines())
        if (row["dataset"], row["regime"], row["sparsity"]) == (dataset, regime, sparsity)
    }


def _held_out(regime, dataset, sparsity="0"):
    """The same at every fixed α, from 0 to ¾."""
    found = _arms(regime, dataset, sparsity)
    return [found[name] for name in constants.protocol()["alphas"]]


def test_the_advice_tells_the_exponents_held_out_accuracy():
    page = text("docs/should_i_use_it.md")
    found = [_held_out("B", name) for name in SETS]
    told = [f"{min(means):.1f} to {max(means):.1f} %" for means in found]
    words = f"{told[0]} on Fashion-MNIST, {told[1]} on the digits, {told[2]} on GTSRB-32."
    assert f"Held-out accuracy of the four fixed α after 600 steps is {words}" in page
    rising = [_held_out("A", name) for name in SETS]
    assert rising == [sorted(means) for means in rising]
    clothes, digits, signs = (", ".join(f"{mean:.1f}" for mean in means) for means in rising)
    told = f"{clothes} % on Fashion-MNIST, {digits} % on the digits, {signs} % on GTSRB-32."
    assert f"After 60 steps it rises with α, from 0 to ¾: {told}" in page


def test_the_advice_tells_of_the_arms_beside_the_fixed_exponents():
    found = [_arms(regime, name) for regime in "AB" for name in SETS]
    moved = max(abs(one["scaled_smes:amsgrad=true"] - one["scaled_smes"]) for one in found)
    last = sum(min(one, key=one.get) == "scaled_smes:cycles=4" for one in found)
    told = f"moves the mean at ¼ by at most {moved:.1f} points; a cyclic α"
    assert f"maximum (`amsgrad=True`) {told}" in text("docs/should_i_use_it.md")
    told = f"has the lowest mean of all in {last} of these {len(found)} cases."
    assert told in text("docs/should_i_use_it.md")


def test_the_advice_tells_what_sparsity_changes():
    said = (RESULTS / "smes.md").read_text("utf-8").split("## Does the best α depend")[1]
    changes = {}
    for share in (50, 90):
        lines = [
            re.search(rf"α = ½ minus α = {other} with {share} % of pixels.*", said)[0]
            for other in "0¼"
        ]
        assert all("no difference larger than 1 point" in line for line in lines)
        found = [re.search(r"(\S+) points (\[.*?\])", line).groups() for line in lines]
        changes[share] = " and ".join(f"{mean} {ends}" for mean, ends in found)
    advice = text("docs/should_i_use_it.md")
    told = f"by {changes[50]} with 50 % of the pixels mid-grey, by {changes[90]} with 90 %."
    assert f"The held-out lead of ½ over 0 and over ¼ changes {told}" in advice
    means = (_held_out("B", "fashion_mnist", share) for share in ("0", "0.5", "0.9"))
    below = [f"{max(some) - some[-1]:.1f}" for some in means]
    told = f"{below[0]} points below that of the best α with no pixel mid-grey, "
    assert f"{told}{below[1]} with 50 %, {below[2]} with 90 %." in advice
    assert float(below[0]) < float(below[1])
    assert "Among 0, ¼ and ½ not by more than a point" in advice
    told = "Among 0, ¼ and ½ not by more than a point: with 50 or 90 % of the pixels mid-grey the "
    told += "held-out lead of ½ changes by less (Fashion-MNIST, 600 steps)."
    assert told in text("README.md")


def test_the_benchmarks_default_settings_are_those_that_validation_prefers():
    file = RESULTS / "smes" / "exponent" / "exponent-v1-settings.csv"
    rows = csv.DictReader(file.read_text("utf-8").splitlines())
    (row,) = [row for row in rows if row["alpha"] == "0.25"]
    assert row["cells"] == "6"
    preferred = {name: float(row[name]) for name in SMES_DEFAULTS}
    assert preferred == pytest.approx(SMES_DEFAULTS)
    default = optimizers.resolve("smes")
    own = {name: default.space.defaults[name] for name in SMES_DEFAULTS}
    assert own == {name: float(row[f"smes_{name}"]) for name in SMES_DEFAULTS}
    assert default.space.fixed["alpha"] == 0.25


def test_what_the_notebook_says_of_the_deep_networks_is_so():
    found = outcomes.finals(folder.read(RESULTS / "smes" / "distortion"))
    nets = outcomes.networks(found)

    def mean(optimizer, place, strength=0.0):
        arm = plan.DistortionArm(*place, optimizer, strength)
        return outcomes.mean_accuracy([found[arm]])

    smaller = "SMES α=0", "SMES α=¼"
    further = all(mean("SMES α=½", net) > mean(name, net) for net in nets for name in smaller)
    rescaled = [found[plan.DistortionArm(*net, "SMES α=0", 1.0)] for net in nets]
    still = not any(outcomes.outcome(some) == "trains" for some in rescaled)
    pages = (RESULTS.parent / "notebooks" / "smes.ipynb").read_text("utf-8")
    assert further == ("α = ½ gets further than the smaller exponents in every network" in pages)
    assert still == ("with it α = 0 still trains none" in pages)
    tried, seeds = len(plan.FULL.sizes), len(plan.SEEDS)
    assert (tried, seeds) == (7, 3)
    assert "each optimizer at its best rate of seven, three fresh seeds" in pages
