"""results/README.md counts the runs that are there, and names the fair study's arms."""

import re
from pathlib import Path

import pytest
from told import fair

from experiments import records
from experiments.reports.labels import optimizer_title
from experiments.reports.one_study import of_one_study

RESULTS = Path(__file__).parents[2] / "results"
PAGE = (RESULTS / "README.md").read_text(encoding="utf-8")
FOLDERS = {"paper": "records"}
"""Where the records of a report lie, if not beside it."""


@pytest.mark.parametrize(
    "name", ["paper", "fair", "ablation", "label_noise", "rate_scaling", "smes/exponent"]
)
def test_the_runs_and_their_time_are_counted(name):
    found = records.read(RESULTS / FOLDERS.get(name, name)).records
    kept, _ = of_one_study(found) if name != "paper" else (found, None)
    (row,) = re.findall(rf"^\| \[{name}/\].*", PAGE, re.M)
    runs, time = re.search(r"\| ([\d,]+) \| ([^|]*) \|[^|]*\|$", row).groups()
    assert int(runs.replace(",", "")) == len(kept)
    if hours := re.fullmatch(r"([\d.]+) h", time):
        assert hours[1] == f"{sum(one.seconds for one in kept) / 3600:.1f}"


def test_the_fair_studys_arms_are_named():
    have = {}
    for (dataset, regime, name), arm in fair().items():
        if arm.tuned:
            have.setdefault(optimizer_title(name), {}).setdefault(regime, set()).add(dataset)
    clothes, digits, signs = "fashion_mnist", "digits", "gtsrb32.npz"
    every = {clothes, digits, signs}
    words = {
        "all three sets in A and B": {"A": every, "B": every},
        "Fashion-MNIST in A and B; digits in A": {"A": {clothes, digits}, "B": {clothes}},
        "GTSRB-32 and digits in B": {"B": {signs, digits}},
    }
    lines = PAGE.partition("| optimizer, tuned | there |\n")[2].partition("\n\n")[0].splitlines()
    *convnet, (other, _) = (line.strip("| ").split(" | ") for line in lines[1:])
    told = {name: words[there] for names, there in convnet for name in names.split(", ")}
    assert told == have
    assert "transformer" in other
    tuned = {name for (*place, name), arm in fair("vit").items() if arm.tuned}
    assert {*other.partition(": ")[2].split(", ")} == {*map(optimizer_title, tuned)}
    assert {key[:2] for key in fair("vit")} == {(clothes, "B")}
