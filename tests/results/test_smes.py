"""results/smes.md says what the records in results/smes say, and shows what is there."""

import csv
import re
from pathlib import Path

from experiments.distortion_study import findings, folder, plan
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
    assert (len(plan.SEEDS), findings.TRAINS) == (3, 0.5)
    rule = "(three seeds each; a mean of at least 50 % counts)"
    assert rule in readme
    assert rule in advice
    for words in (readme, advice):
        assert "on Fashion-MNIST after 600 steps" in words
        assert _so_far(said) in words


def _so_far(page):
    """How much of the study there is, as the page says it."""
    return re.search(r"complete on \d of \d pairs of data set and length", page)[0]


def _cases(page, measure):
    """(first, other) -> the verdict's words, of the comparisons of one measure."""
    found = re.findall(
        rf"^- regime B: (α = .) against (α = .) on F-MNIST, {measure}: ([^:]+):", page, re.M
    )
    assert len(found) == 3
    return {(one, other): case for one, other, case in found}


def test_the_sentences_on_the_exponent_follow_its_verdicts():
    page = (RESULTS / "smes.md").read_text(encoding="utf-8")
    faster = _cases(page, "final train loss, at the setting best on validation")
    gap = _cases(page, "validation loss at matched train loss")
    larger = ("α = ½", "α = 0"), ("α = ½", "α = ¼"), ("α = ¾", "α = ½")
    smaller = ("α = 0", "α = ½"), ("α = ¼", "α = ½"), ("α = ½", "α = ¾")
    readme, advice = (
        " ".join((RESULTS.parent / name).read_text(encoding="utf-8").split())
        for name in ("README.md", "docs/should_i_use_it.md")
    )
    fits = "a larger α ends at a smaller train loss in the same number of steps"
    assert all(faster[pair] == "better" for pair in larger) == (fits in readme) == (fits in advice)
    none = "no difference larger than 5 %"
    closes_none = [gap[pair] == none for pair in smaller[:2]] == [True, True]
    near = "the validation loss at ¼ and at 0 is within 5 % of that at ½"
    assert closes_none == (near in readme) == (near in advice)
    best_half = gap[smaller[2]] == "better"
    assert best_half == ("and at ½ it is lower than at ¾" in readme)
    assert best_half == ("and at ½ it is 7.15 % below that at ¾" in advice)


def test_the_advice_tells_the_exponents_numbers():
    page = (RESULTS.parent / "docs" / "should_i_use_it.md").read_text("utf-8").replace("\n", " ")
    with (RESULTS / "smes" / "exponent" / "exponent-v1-exponents.csv").open(
        encoding="utf-8"
    ) as file:
        place = ("fashion_mnist", "B", "0")
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["dataset"], row["regime"], row["sparsity"]) == place
        ]
    fixed = [row for row in rows if "=0" in row["arm"] or row["arm"] == "scaled_smes"]
    losses, held_out = (
        [float(row[key]) for row in fixed] for key in ("train_loss_mean", "held_out_mean")
    )
    assert f"from {losses[0]:.3f} at α = 0 to {losses[-1]:.3f} at ¾" in page
    assert f"is {min(held_out):.1f} to {max(held_out):.1f} % throughout" in page
    said = (RESULTS / "smes.md").read_text("utf-8")
    below = re.search(r"α = ½ against α = ¾ .* matched train loss: better: -([\d.]+) %", said)[1]
    assert f"and at ½ it is {below} % below that at ¾" in page


def test_what_the_notebook_says_of_the_deep_networks_is_so():
    found = findings.finals(folder.read(RESULTS / "smes" / "distortion"))
    nets = findings.networks(found)

    def mean(optimizer, place, strength=0.0):
        arm = plan.DistortionArm(*place, optimizer, strength)
        return findings.mean_accuracy([found[arm]])

    smaller = "SMES α=0", "SMES α=¼"
    further = all(mean("SMES α=½", net) > mean(name, net) for net in nets for name in smaller)
    rescaled = [found[plan.DistortionArm(*net, "SMES α=0", 1.0)] for net in nets]
    still = not any(findings.outcome(some) == "trains" for some in rescaled)
    pages = (RESULTS.parent / "notebooks" / "smes.ipynb").read_text("utf-8")
    assert further == ("α = ½ gets further than the smaller exponents in every network" in pages)
    assert still == ("with it α = 0 still trains none" in pages)
    tried, seeds = len(plan.FULL.sizes), len(plan.SEEDS)
    assert (tried, seeds) == (7, 3)
    assert "each optimizer at its best rate of seven, three fresh seeds" in pages
