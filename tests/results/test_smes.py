"""results/smes.md says what the records in results/smes say, and shows what is there."""

import csv
import re
from pathlib import Path

from experiments.distortion_study import folder, outcomes, plan
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
    readme, advice = (
        (RESULTS.parent / name).read_text(encoding="utf-8").replace("\n", " ")
        for name in ("README.md", "docs/should_i_use_it.md")
    )
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
    assert f"{means}and {answers[6]})" in readme
    assert f"{means}and {answers[6]})" in advice
    assert (len(plan.SEEDS), outcomes.TRAINS) == (3, 0.5)
    rule = "(three seeds each; a mean of at least 50 % counts)"
    assert rule in readme
    assert rule in advice
    for words in (readme, advice):
        assert "after 600 steps on all three sets" in " ".join(words.split())
        assert _so_far(said) in " ".join(words.split())


def _so_far(page):
    """How much of the study there is, as the page says it."""
    return re.search(r"complete on \d of \d pairs of data set and length", page)[0]


EACH = r"- (\S+) alone: ([^,]+), (.+)\."
"""A set, its case and its numbers, in a verdict's lines below it."""


def _verdicts(measure):
    """(first, other) -> the words and numbers over all sets, and each set's, by name."""
    page = (RESULTS / "smes.md").read_text(encoding="utf-8")
    found = re.findall(
        rf"^- regime B: α = (.) against α = (.), {measure}: over 3 sets, (.+?): "
        r"([+-][\d.]+ % \[[^]]+\]).*\n((?:  - .*\n)+)",
        page,
        re.M,
    )
    assert len(found) == 3
    return {
        (one, other): (case, numbers, {name: rest for name, *rest in re.findall(EACH, sets)})
        for one, other, case, numbers, sets in found
    }


def _of_case(verdict, case):
    """The sets whose own verdict that is."""
    return [name for name, (own, _) in verdict[2].items() if own == case]


def test_the_sentences_on_the_exponent_follow_its_verdicts():
    fit = _verdicts("final train loss, at the setting best on validation")
    readme, advice = (
        " ".join((RESULTS.parent / name).read_text(encoding="utf-8").split())
        for name in ("README.md", "docs/should_i_use_it.md")
    )
    half, most = fit["½", "0"], fit["¾", "½"]
    assert half[0] == most[0] == "better"
    assert [_of_case(each, "undecided") for each in (half, most)] == [["GTSRB-32"], ["digits"]]
    assert [len(_of_case(each, "better")) for each in (half, most)] == [2, 2]
    told = (
        "smaller at ½ than at 0, and at ¾ than at ½ (on GTSRB-32 alone, and on the digits alone, "
    )
    assert f"{told}not shown)" in readme
    told = f"at ½ than at 0, {half[1]} (GTSRB-32 alone undecided), and at ¾ than at ½, {most[1]} ("
    assert f"{told}the digits alone undecided)" in advice
    assert fit["½", "¼"][0] == "mixed (better on F-MNIST, worse on digits, GTSRB-32)"
    assert "at ½ than at ¼ on Fashion-MNIST, the contrary on the two others" in readme
    assert "at ½ on Fashion-MNIST, at ¼ on the digits and GTSRB-32." in advice


def test_the_sentences_on_the_gap_follow_its_verdicts():
    gap = _verdicts("validation loss at matched train loss")
    readme, advice = (
        " ".join((RESULTS.parent / name).read_text(encoding="utf-8").split())
        for name in ("README.md", "docs/should_i_use_it.md")
    )
    none, quarter, half = gap["0", "½"], gap["¼", "½"], gap["½", "¾"]
    assert none[0] == quarter[0] == "worse"
    worse = [_of_case(each, "worse") for each in (none, quarter)]
    assert worse == [["digits"], ["digits", "GTSRB-32"]]
    assert {f"{float(each[1].split()[0]):.0f}" for each in (none, quarter)} == {"14"}
    assert "the validation loss at 0 and at ¼ is 14 % *above* that at ½;" in readme
    told = f"at 0 is {none[1]} above that at ½ (shown on the digits alone), and at ¼ {quarter[1]} ("
    assert f"{told}on the digits and GTSRB-32 alone)" in advice
    assert half[0].startswith("undecided")
    assert _of_case(half, "better") == ["F-MNIST"]
    mean, ends = half[2]["F-MNIST"][1].split(maxsplit=1)
    assert f"½ is below ¾ on Fashion-MNIST alone, by {-float(mean):.0f} %" in readme
    assert f"*undecided*; on Fashion-MNIST alone ½ is below, {mean} % {ends}" in advice


def test_what_is_told_of_60_steps_follows_its_verdicts():
    page, readme, advice = (
        " ".join((RESULTS.parent / name).read_text(encoding="utf-8").split())
        for name in ("results/smes.md", "README.md", "docs/should_i_use_it.md")
    )
    found = re.findall(
        r"- regime A: α = (.) against α = (.) on F-MNIST, ([^:]+): (better|worse)[^:]*: "
        r"([+-][\d.]+ % \[[^]]+\])",
        page,
    )
    fit, gap = (
        [one for one in found if one[2].startswith(what)] for what in ("final train", "validation")
    )
    assert [len(fit), len(gap)] == [3, 3]
    assert ({one[3] for one in fit}, {one[3] for one in gap}) == ({"better"}, {"worse"})
    told = [", ".join(f"{a} than {b}, {each}" for a, b, *_, each in some) for some in (fit, gap)]
    assert f"every larger α ends at the smaller train loss: {told[0]}; and" in advice
    assert f"every smaller one has the larger validation loss: {told[1]}." in advice
    said = "on Fashion-MNIST alone so far, every larger α fits better, and no smaller one has the "
    assert f"After 60 steps, {said}smaller validation loss." in readme


def test_the_advice_tells_the_exponents_held_out_accuracy():
    page = (RESULTS.parent / "docs" / "should_i_use_it.md").read_text("utf-8").replace("\n", " ")
    file = RESULTS / "smes" / "exponent" / "exponent-v1-exponents.csv"
    rows = [*csv.DictReader(file.read_text("utf-8").splitlines())]
    told = []
    for dataset in ("fashion_mnist", "digits", "gtsrb32.npz"):
        place = (dataset, "B", "0")
        means = [
            float(row["held_out_mean"])
            for row in rows
            if (row["dataset"], row["regime"], row["sparsity"]) == place
            and ("=0" in row["arm"] or row["arm"] == "scaled_smes")
        ]
        assert len(means) == 4
        told.append(f"{min(means):.1f} to {max(means):.1f} %")
    words = f"{told[0]} on Fashion-MNIST, {told[1]} on the digits, {told[2]} on GTSRB-32."
    assert f"Held-out accuracy after 600 steps is {words}" in page


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
