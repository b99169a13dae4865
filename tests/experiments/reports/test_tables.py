import csv
import io

import pytest

from experiments.analysis import statistics
from experiments.protocols import paper
from experiments.reports import table, tables


def _entries(synthetic, *runs):
    """Entries from (data set, optimizer, accuracies in per cent[, overrides])."""
    return statistics.entries(
        synthetic(dataset, optimizer, seed, train_accuracy=value / 100, **dict(*more))
        for dataset, optimizer, values, *more in runs
        for seed, value in enumerate(values)
    )


def _row(found, start):
    (row,) = [row for row in found.rows if row and row[0].startswith(start)]
    return dict(zip(found.header, row, strict=True))


def test_the_papers_number_its_difference_and_marks(synthetic):
    # Adam's printed number on F-MNIST is 84.88, Lion has none, ThermoLion's is 92.92.
    entries = _entries(
        synthetic,
        ("fashion_mnist", "adam", [84.0, 85.0, 86.0]),
        ("fashion_mnist", "thermolion", [92.0, 92.1, 92.2]),
        ("fashion_mnist", "muadam", [90.2, 90.4, 90.3]),
        ("fashion_mnist", "lion", [80.0, 80.0, 80.0]),
    )
    found = tables.dataset_table(entries, "fashion_mnist")
    adam = _row(found, "Adam")
    assert adam["train accuracy %"] == "85.00 ± 2.48"
    assert adam["paper"] == "84.88"
    assert adam["difference"] == "+0.12"
    assert adam["runs"] == "3"
    # 92.92 is 0.82 away: outside t·s/√3 = 0.25 and outside t·s·√(1 + 1/3) = 0.50.
    assert _row(found, "ThermoLion")["paper"] == "92.92**"
    # 90.66 is 0.36 away: outside 0.25, inside 0.50.
    assert _row(found, "MuAdam")["paper"] == "90.66*"
    assert _row(found, "Lion")["paper"] == table.DASH
    assert _row(found, "Lion")["difference"] == table.DASH


def test_one_run_gets_no_interval_and_no_mark(synthetic):
    entries = _entries(synthetic, ("fashion_mnist", "adam", [50.0]))
    row = _row(tables.dataset_table(entries, "fashion_mnist"), "Adam")
    assert (row["train accuracy %"], row["paper"]) == ("50.00", "84.88")


def test_held_out_accuracy_stands_beside_where_there_is_any(synthetic):
    entries = _entries(
        synthetic,
        ("semeion", "adam", [90.0, 91.0], {"test_accuracy": None}),
        ("digits", "adam", [90.0, 91.0], {"test_accuracy": 0.5}),
    )
    assert _row(tables.dataset_table(entries, "semeion"), "Adam")["held-out accuracy %"] == "–"
    digits = tables.dataset_table(entries, "digits")
    assert _row(digits, "Adam")["held-out accuracy %"] == "50.00 ± 0.00"
    assert "paper" not in digits.header


def test_step_size_in_units_of_adams(synthetic):
    entries = _entries(
        synthetic,
        ("usps", "adam", [90.0, 91.0], {"update_rms": 0.002}),
        ("usps", "thermolion", [90.0, 91.0], {"update_rms": 0.005}),
        ("mnist", "lion", [90.0], {"update_rms": 0.005}),
    )
    assert _row(tables.dataset_table(entries, "usps"), "ThermoLion")["step RMS / Adam's"] == "2.50"
    assert _row(tables.dataset_table(entries, "mnist"), "Lion")["step RMS / Adam's"] == table.DASH


def test_optimizers_outside_the_paper_stand_below_a_rule_with_their_rate(synthetic):
    entries = statistics.entries(
        [
            synthetic("mnist", "muon"),
            synthetic("mnist", "thermolion"),
            synthetic("mnist", "my.module:mine"),
            synthetic("mnist", "thermolion:boost=0"),
            synthetic("mnist", "adam"),
            synthetic("mnist", "adam", changed={"learning_rate": 0.003}),
        ]
    )
    rows = [row and row[0] for row in tables.dataset_table(entries, "mnist").rows]
    assert rows == [
        "Adam",
        "ThermoLion",
        None,
        "adam (lr 0.003)",
        "muon (lr 0.02)",
        "my.module:mine (lr 0.001)",
        "thermolion:boost=0 (lr 0.001)",
    ]


def test_table_1_gains_and_the_marks_at_the_papers_own(synthetic):
    entries = _entries(
        synthetic,
        ("gtsrb", "adam", [60.0, 62.0]),
        ("gtsrb", "lion", [50.0, 52.0]),
        ("svhn", "adam", [60.0, 62.0]),
        ("svhn", "lion", [40.0, 42.0]),
        ("svhn", "thermolion", [70.0, 72.0]),
        ("svhn", "swa", [70.0, 72.0]),
    )
    found = tables.accuracy_table(entries, 1)
    assert found.header[1:3] == ("GTSRB (paper)", "SVHN (paper)")
    gain, printed = found.header[-2:]
    assert _row(found, "Adam")[gain] == table.DASH
    assert _row(found, "Lion")[gain] == "-15.00 ± 0.00 [2]"
    assert _row(found, "Lion")[printed] == "-14.9§ (its columns: -15.13)"
    assert _row(found, "ThermoLion")[gain] == "+10.00 ± 0.00 [1]"
    assert _row(found, "ThermoLion")[printed] == "+20.9"
    assert _row(found, "ThermoLion")["GTSRB (paper)"] == "– (87.98)"
    assert _row(found, "SWA")["SVHN (paper)"] == "71.00 ± 12.71 (–)"
    assert _row(found, "SWA")[printed] == table.DASH
    assert tables.accuracy_table(entries, 2) is None


def test_table_3_pairs_by_data_set_and_keeps_compilation_apart(synthetic):
    def timed(dataset, optimizer, seconds):
        return [
            synthetic(dataset, optimizer, seed, seconds=value, compile_seconds=7.0)
            for seed, value in enumerate(seconds)
        ]

    entries = statistics.entries(
        timed("gtsrb", "adam", [10.0, 10.0])
        + timed("gtsrb", "lion", [11.0, 11.0])
        + timed("stl10", "adam", [20.0, 20.0])
        + timed("stl10", "lion", [20.0, 20.0])
        + timed("stl10", "swats", [30.0])
        + timed("digits", "adam", [1.0, 3.0])
    )
    printed, others = tables.seconds_tables(entries)
    lion = _row(printed, "Lion")
    assert lion["GTSRB (paper)"] == "11.00 ± 0.00 (24.52)"
    assert lion["over Adam %"] == "+5.0"
    assert lion["paper prints %"] == "-0.22§ (its columns: +0.02)"
    assert lion["compile s"] == "7.0"
    assert _row(printed, "SWATS")["over Adam %"] == "+50.0"
    assert _row(others, "Adam")["digits"] == "2.00 ± 1.41"
    assert "paper prints %" not in others.header


def test_diverged_runs_are_marked(synthetic):
    entries = statistics.entries(
        [synthetic(seed=0), synthetic(seed=1, train_accuracy=0.1, status="diverged")]
    )
    row = _row(tables.dataset_table(entries, "fashion_mnist"), "Adam")
    assert row["runs"] == "2 (1†)"


def test_csv_holds_the_same_numbers(synthetic):
    entries = _entries(
        synthetic, ("fashion_mnist", "adam", [84.0, 85.0, 86.0]), ("usps", "swa", [50.0])
    )
    found = [tables.dataset_table(entries, name) for name in ("fashion_mnist", "usps")]
    rows = list(csv.DictReader(io.StringIO(table.csv_of(found))))
    assert [row["optimizer"] for row in rows] == ["adam", "swa"]
    assert float(rows[0]["train_mean"]) == pytest.approx(85.0)
    assert float(rows[0]["train_half95"]) == pytest.approx(entries[0].train.half, rel=1e-5)
    assert float(rows[0]["paper"]) == 84.88
    assert rows[0]["paper_outside_mean_interval"] == "False"
    assert rows[1]["paper"] == rows[1]["train_half95"] == ""


def test_markdown_is_rectangular(synthetic):
    entries = statistics.entries(
        [synthetic(d, o) for d in paper.DATASETS for o in ("adam", "muon")]
    )
    for which in (1, 2):
        lines = tables.accuracy_table(entries, which).markdown().splitlines()
        assert len({len(line) for line in lines}) == 1
        assert len({line.count("|") for line in lines}) == 1


def test_one_optimizer_at_two_default_rates_keeps_two_rows(synthetic):
    entries = statistics.entries(
        synthetic("mnist", "smes", hyperparameters={"learning_rate": rate}) for rate in (0.01, 0.1)
    )
    for found in (tables.dataset_table(entries, "mnist"), tables.accuracy_table(entries, 2)):
        assert [row[0] for row in found.rows] == ["smes (lr 0.01)", "smes (lr 0.1)"]
