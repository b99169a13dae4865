"""Sentences of the pages about the fair study are what its tables say."""

import csv
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "results"


def test_what_the_pages_say_of_the_untuned_default_and_of_what_is_not_run_is_so():
    with (RESULTS / "fair" / "fair-v1-optimizers.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["held_out_mean"]]
    tuned = {
        cell: {
            row["optimizer"]: float(row["held_out_mean"])
            for row in rows
            if (row["dataset"], row["regime"]) == cell
        }
        for cell in (("fashion_mnist", "A"), ("fashion_mnist", "B"), ("gtsrb32.npz", "B"))
    }
    (untuned,) = (
        float(row["held_out_untuned_mean"])
        for row in rows
        if (row["dataset"], row["regime"], row["optimizer"]) == ("fashion_mnist", "A", "thermolion")
    )
    assert untuned > max(tuned["fashion_mnist", "A"].values())
    for page in ("README.md", "docs/should_i_use_it.md"):
        assert "untuned default ends above all that was tuned" in _text(page)
    others = {"sgd", "schedule_free_adamw", "smes"}
    lacks = [({"muon"} | others) - set(found) for found in tuned.values()]
    assert lacks == [{"muon"} | others, {"muon"}, {"muon"} | others]
    for page in ("README.md", "docs/index.md"):
        said = "(not run yet: Muon; in rows 1 and 3 also SGD, schedule-free AdamW and SMES)"
        assert said in _text(page)


def _text(page: str) -> str:
    return " ".join((RESULTS.parent / page).read_text("utf-8").split())
