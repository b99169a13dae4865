"""results/smes.md says what the records in results/smes say, and shows what is there."""

import csv
import re
from pathlib import Path

from experiments.distortion_study import findings, plan
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
        r"α=½ nearly immune: (\w+), it trains (\d) of 4 networks; "
        r"α=0 helpless: (\w+), it trains (\d) of 4",
        said,
    )
    quarter, adamw = (
        re.search(rf"^- {name}: trains (\d) of 4 networks as it is", lines, re.M)[1]
        for name in ("SMES α=¼", "AdamW")
    )
    half, none = answers[2], answers[4]
    told = f"trained {half} at α = ½, {quarter} at ¼, {none} at 0; AdamW trained {adamw}"
    assert told in readme
    assert told in advice
    assert (len(plan.SEEDS), findings.TRAINS) == (3, 0.5)
    rule = "(three seeds each; a mean of at least 50 % counts)"
    assert rule in readme
    assert rule in advice
    faster = re.search(
        r"fit the training set faster\? \| of 3 comparisons: (.*?) (\(.*?\)) \|", said
    )
    assert faster[1] == "yes in 3"
    assert faster[2] in readme  # how many cells there are so far
    gap = re.search(r"at matched train loss\? \| of 3 comparisons: (.*?) \(", said)
    assert gap[1] == "no difference that counts in 2, yes in 1"
    assert re.search(r"α = ½ against α = ¾ on F-MNIST, validation loss .*?: better: -5\.55 %", said)


def test_the_advice_tells_the_exponents_numbers():
    page = (RESULTS.parent / "docs" / "should_i_use_it.md").read_text("utf-8").replace("\n", " ")
    with (RESULTS / "smes" / "exponent" / "exponent-v1-exponents.csv").open(
        encoding="utf-8"
    ) as file:
        rows = [row for row in csv.DictReader(file) if row["sparsity"] == "0"]
    fixed = [row for row in rows if "=0" in row["arm"] or row["arm"] == "scaled_smes"]
    losses, held_out = (
        [float(row[key]) for row in fixed] for key in ("train_loss_mean", "held_out_mean")
    )
    assert f"from {losses[0]:.3f} at α = 0 to {losses[-1]:.3f} at ¾" in page
    assert f"is {min(held_out):.1f} to {max(held_out):.1f} % throughout" in page
    said = (RESULTS / "smes.md").read_text("utf-8")
    worse = re.search(r"α = ½ against α = ¾ .* matched train loss: better: -([\d.]+) %", said)[1]
    assert f"only ¾ is worse than ½, by {worse} %" in page
