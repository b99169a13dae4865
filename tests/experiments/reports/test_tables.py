import csv
import io

import pytest
from entries import entries_of, row_of

from experiments.analysis import summaries
from experiments.protocols.paper.published import REFERENCE
from experiments.records import DataFacts
from experiments.reports import table, tables


def test_the_papers_number_its_difference_and_marks(synthetic):
    # Adam's printed number on F-MNIST is 84.88, Lion has none, ThermoLion's is 92.92.
    entries = entries_of(
        synthetic,
        ("fashion_mnist", "adam", [84.0, 84.5, 85.0, 85.5, 86.0]),
        ("fashion_mnist", "thermolion", [92.0, 92.05, 92.1, 92.15, 92.2]),
        ("fashion_mnist", "muadam", [90.4, 90.45, 90.5, 90.55, 90.6]),
        ("fashion_mnist", "lion", [80.0, 80.0, 80.0, 80.0, 80.0]),
    )
    found = tables.dataset_table(entries, "fashion_mnist", REFERENCE)
    adam = row_of(found, "Adam")
    assert adam["train accuracy %"] == "85.00 ± 0.98"
    assert adam["paper"] == "84.88"
    assert adam["difference"] == "+0.12"
    assert adam["runs"] == "5"
    # 92.92 is 0.82 away: outside t·s/√5 = 0.10 and outside t·s·√(1 + 1/5) = 0.24.
    assert row_of(found, "ThermoLion")["paper"] == "92.92**"
    # 90.66 is 0.16 away: outside 0.10, inside 0.24.
    assert row_of(found, "MuAdam")["paper"] == "90.66*"
    assert row_of(found, "Lion")["paper"] == table.DASH
    assert row_of(found, "Lion")["difference"] == table.DASH


def test_one_run_gets_no_interval_and_no_mark(synthetic):
    entries = entries_of(synthetic, ("fashion_mnist", "adam", [50.0]))
    row = row_of(tables.dataset_table(entries, "fashion_mnist", REFERENCE), "Adam")
    assert (row["train accuracy %"], row["paper"]) == ("50.00", "84.88")


def test_held_out_accuracy_stands_beside_where_there_is_any(synthetic):
    entries = entries_of(
        synthetic,
        ("semeion", "adam", [90.0, 91.0], {"test_accuracy": None}),
        ("digits", "adam", [90.0, 91.0], {"test_accuracy": 0.5}),
    )
    assert row_of(tables.dataset_table(entries, "semeion"), "Adam")["held-out accuracy %"] == "–"
    digits = tables.dataset_table(entries, "digits")
    assert row_of(digits, "Adam")["held-out accuracy %"] == "50.00 (50.0, 50.0)"
    assert "paper" not in digits.header


def test_step_size_in_units_of_adams(synthetic):
    entries = entries_of(
        synthetic,
        ("usps", "adam", [90.0, 91.0], {"update_rms": 0.002}),
        ("usps", "thermolion", [90.0, 91.0], {"update_rms": 0.005}),
        ("mnist", "lion", [90.0], {"update_rms": 0.005}),
    )
    assert (
        row_of(tables.dataset_table(entries, "usps"), "ThermoLion")["step RMS / Adam's"] == "2.50"
    )
    assert row_of(tables.dataset_table(entries, "mnist"), "Lion")["step RMS / Adam's"] == table.DASH


def test_diverged_runs_are_marked(synthetic):
    entries = summaries.entries(
        [synthetic(seed=0), synthetic(seed=1, train_accuracy=0.1, status="diverged")]
    )
    row = row_of(tables.dataset_table(entries, "fashion_mnist", REFERENCE), "Adam")
    assert row["runs"] == "2 (1†)"


def test_csv_holds_the_same_numbers(synthetic):
    entries = entries_of(
        synthetic,
        ("fashion_mnist", "adam", [84.0, 84.5, 85.0, 85.5, 86.0]),
        ("usps", "swa", [50.0]),
    )
    found = [tables.dataset_table(entries, name, REFERENCE) for name in ("fashion_mnist", "usps")]
    rows = list(csv.DictReader(io.StringIO(table.csv_of(found))))
    assert [row["optimizer"] for row in rows] == ["adam", "swa"]
    assert float(rows[0]["train_mean"]) == pytest.approx(85.0)
    assert float(rows[0]["train_half95"]) == pytest.approx(entries[0].train.half, rel=1e-5)
    assert float(rows[0]["paper"]) == 84.88
    assert rows[0]["paper_outside_mean_interval"] == "False"
    assert rows[1]["paper"] == rows[1]["train_half95"] == ""


def test_rows_stand_by_optimizer_and_rising_rate_above_and_below_a_rule(synthetic):
    entries = summaries.entries(
        [
            synthetic("mnist", "muon"),
            synthetic("mnist", "thermolion"),
            synthetic("mnist", "my.module:mine"),
            synthetic("mnist", "thermolion:boost=0"),
            synthetic("mnist", "adam"),
            synthetic("mnist", "adam", changed={"learning_rate": 0.003}),
            synthetic("mnist", "adam", changed={"learning_rate": 0.0003}),
        ]
    )
    found = tables.dataset_table(entries, "mnist", REFERENCE)
    assert [row and row[0] for row in found.rows] == [
        "Adam (lr 0.0003)",
        "Adam (lr 0.001)",
        "Adam (lr 0.003)",
        "ThermoLion (lr 0.001)",
        None,
        "Muon (lr 0.02)",
        "my.module:mine (lr 0.001)",
        "thermolion:boost=0 (lr 0.001)",
    ]
    printed = [row[found.header.index("paper")] for row in found.rows if row]
    assert printed == ["–", "95.88", "–", "99.94", "–", "–", "–"]
    assert None not in tables.dataset_table(entries, "mnist").rows


def test_without_a_reference_nothing_published_stands_in_a_table(synthetic):
    entries = entries_of(synthetic, ("mnist", "adam", [90.0]))
    found = tables.dataset_table(entries, "mnist")
    assert "paper" not in " ".join([*found.header, found.title, *found.data[0]])
    assert 95.88 not in found.data[0].values()


def test_what_was_run_otherwise_than_published_has_no_published_number(synthetic):
    for more in ({"schedule": "warmup_cosine"}, {"network": "vit"}, {"changed": {"b1": 0.8}}):
        (entry,) = summaries.entries([synthetic("mnist", "adam", **more)])
        assert table.published(entry, REFERENCE) is None
    (entry,) = summaries.entries([synthetic("mnist", "adam")])
    assert table.published(entry, REFERENCE) == 95.88


def test_intervals_stay_within_what_is_possible(synthetic):
    entries = entries_of(synthetic, ("mnist", "adam", [97.0, 99.0, 99.5, 99.5, 100.0]))
    row = row_of(tables.dataset_table(entries, "mnist"), "Adam")
    assert row["train accuracy %"] == "99.00 [97.54, 100.00]"


def test_runs_that_learnt_nothing_are_marked(synthetic):
    dead = {"train_accuracy": 0.1, "train_loss": [77.0, 2.3, 2.3]}
    entries = summaries.entries([synthetic(seed=0), synthetic(seed=1, **dead)])
    row = row_of(tables.dataset_table(entries, "fashion_mnist"), "Adam")
    assert row["runs"] == f"2 (1{table.UNHEALTHY})"


def test_a_title_says_how_many_images_there_were(synthetic):
    record = synthetic("mine.npz", data=DataFacts(examples=1257))
    found = tables.dataset_table(summaries.entries([record]), "mine.npz")
    assert found.title.startswith("mine.npz, 1,257 images:")
