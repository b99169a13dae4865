"""The rate scaling study's report, from records of runs whose best rates follow a known law."""

import csv
import io
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from made_records import Made, rate
from PIL import Image

from experiments import optimizers
from experiments.analysis.rate_scaling import power_law
from experiments.analysis.rates import profile
from experiments.analysis.summaries import entries
from experiments.protocols import rate_scaling
from experiments.reports import report
from experiments.reports.section import Question


def law(name, steps, batch):
    centre = {"adamw": 2e-3, "thermolion": 5e-4}[name]
    return centre * (steps / 600) ** -0.25 * (batch / 128) ** 0.2


def accuracy(cell):
    best = law(cell.learner.optimizer, cell.regime.steps, cell.regime.batch_size)
    return 0.9 - 0.05 * abs(math.log10(rate(cell) / best)) + (cell.seed - 101.5) / 1000


def made(budget="full", regimes=()):
    names = {name: optimizers.resolve(name) for name in rate_scaling.OPTIMIZERS}
    found = Made(accuracy)
    study = rate_scaling.study(["fashion_mnist"], names, budget=budget, regimes=regimes)
    assert found.run_all(study).left == 0
    return list(found.records.values())


def section(records):
    (found,) = report.sections(entries(records), Question("somewhere"))
    return found


def test_the_law_is_found_again_and_the_numbers_are_in_the_table():
    found = section(made())
    assert found.missing == ()
    for line, name, expected in zip(
        found.verdicts, ("AdamW", "ThermoLion"), (2e-3, 5e-4), strict=True
    ):
        assert line.startswith(f"F-MNIST, {name}: usable rates lie around ")
        said = re.search(r"around (\S+) · \(steps / 600\)\^(\S+) · \(batch / 128\)\^(\S+);", line)
        assert float(said[1]) == pytest.approx(expected, rel=0.06)  # two digits are printed
        assert float(said[2]) == pytest.approx(-0.25, abs=0.011)
        assert float(said[3]) == pytest.approx(0.2, abs=0.011)
        # Half a decade between rates cuts the peak off; its place is found to a tenth of that.
        assert float(re.search(r"within a factor of (\S+)\.$", line)[1]) < 10**0.05
    (table,) = found.tables
    assert len(table.rows) == 6
    assert [float(row[-1]) for row in table.rows] == pytest.approx([0.25] * 6, rel=0.13)
    rows = [*csv.DictReader(io.StringIO(report.csv_of([table])))]
    assert len(rows) == 12
    for row in rows:
        expected = law(row["optimizer"], int(row["steps"]), int(row["batch_size"]))
        assert float(row["centre"]) == pytest.approx(expected, rel=0.13)
        assert row["reaches_an_end"] == "False"
        # The best rate tried is the nearest one, a quarter of a decade away at most.
        assert abs(math.log10(float(row["best"]) / expected)) < 0.2501
    pictures = [figure.draw() for figure in found.figures]
    assert [figure.key for figure in found.figures] == ["f-mnist-60", "f-mnist-600"]
    for picture in pictures:
        assert np.asarray(Image.open(io.BytesIO(picture["png"])).convert("L")).std() > 5


def test_what_is_not_there_is_said():
    some = made(regimes=("s60b32", "s600b32", "s60b128"))
    found = section(some[:-1])
    assert all("No answer yet" in line for line in found.verdicts)
    assert [row[-1] for row in found.tables[0].rows if row[-1] == "–"] == ["–"]  # of that place
    assert "F-MNIST, s60b128: 1 run, of ThermoLion (1)" in found.missing
    assert "F-MNIST, s600b512: 28 runs, of AdamW (14), ThermoLion (14)" in found.missing
    assert found.missing[-1].endswith(
        "`python -m experiments run --protocol rate_scaling --datasets fashion_mnist "
        "--optimizers adamw thermolion --out somewhere`"
    )


def test_with_no_place_whole_there_is_nothing_but_what_is_missing():
    found = section(made(regimes=("s60b32",))[:10])
    assert (found.verdicts, found.tables, found.figures) == ((), (), ())
    assert found.missing[0] == "F-MNIST, s60b32: 4 runs, of AdamW (4)"


def test_below_the_full_budget_nothing_is_an_answer():
    found = section(made("smoke"))
    assert all(line.startswith("not an answer (smoke): ") for line in found.verdicts)
    assert found.notes[0] == "The budget is smoke: nothing here is an answer."


def test_networks_stand_apart():
    some = made(regimes=("s60b32",))
    found = section([*some, *(replace(one, network="vit") for one in some[:-1])])
    places = [row[0].rpartition(", ")[0] for row in found.tables[0].rows]
    assert places == ["F-MNIST", "F-MNIST, vit"]
    assert "F-MNIST, vit, s60b32: 1 run, of ThermoLion (1)" in found.missing


def test_of_one_optimizer_no_ratio_is_given():
    found = section([one for one in made() if one.optimizer == "adamw"])
    assert found.tables[0].header[1:] == ("AdamW: best rate", "within 1 point of it")
    (note,) = (one for one in found.notes if one.startswith("Usable rates"))
    assert "the lines above are of that centre" in note


def test_the_batch_is_the_one_that_was_trained_on():
    """Of 600 images half are the largest batch: what was asked for as 512 is 300."""
    small = [replace(one, data=replace(one.data, examples=600)) for one in made()]
    (table,) = section(small).tables
    assert sorted({row["batch_size"] for row in table.data}) == [32, 128, 300]


def test_a_law_takes_places_that_determine_it_and_says_how_near_it_comes():
    square = {(s, b): 1.0 for s in (60, 600) for b in (32, 128)}
    assert power_law({**square, (60, 32): 2.0}).worst == pytest.approx(2**0.25)
    assert power_law({(s, 128): 1.0 for s in (60, 600, 1200, 2400)}) is None
    assert power_law(dict.fromkeys([*square][:3], 1.0)) is None
    assert power_law({}) is None


def test_the_centre_of_usable_rates_lies_between_their_ends():
    width = profile([1e-4, 1e-3, 1e-2], [[0.5], [0.9], [0.5]]).width()
    assert width.centre == pytest.approx(1e-3)
    assert width.low < width.centre < width.high
