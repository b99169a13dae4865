from entries import entries_of, row_of

from experiments.analysis import summaries
from experiments.protocols.paper import published, tables
from experiments.reports import markdown, table


def test_table_1_gains_and_the_marks_at_the_papers_own(synthetic):
    entries = entries_of(
        synthetic,
        ("gtsrb", "adam", [60.0, 61.0, 61.0, 61.0, 62.0]),
        ("gtsrb", "lion", [50.0, 51.0, 51.0, 51.0, 52.0]),
        ("svhn", "adam", [60.0, 61.0, 61.0, 61.0, 62.0]),
        ("svhn", "lion", [40.0, 41.0, 41.0, 41.0, 42.0]),
        ("svhn", "thermolion", [70.0, 71.0, 71.0, 71.0, 72.0]),
        ("svhn", "swa", [70.0, 71.0, 71.0, 71.0, 72.0]),
    )
    found = tables.accuracy_table(entries, 1)
    assert found.header[1:3] == ("GTSRB / paper", "SVHN / paper")
    gain, printed = found.header[-2:]
    assert row_of(found, "Adam")[gain] == table.DASH
    assert row_of(found, "Lion")[gain] == "-15.00 ± 0.00 [2]"
    assert row_of(found, "Lion")[printed] == "-14.9§ (its columns: -15.13)"
    assert row_of(found, "ThermoLion")[gain] == "+10.00 ± 0.00 [1]"
    assert row_of(found, "ThermoLion")[printed] == "+20.9"
    assert row_of(found, "ThermoLion")["GTSRB / paper"] == "– / 87.98"
    assert row_of(found, "SWA")["SVHN / paper"] == "71.00 ± 0.88 / –"
    assert row_of(found, "SWA")[printed] == table.DASH
    assert tables.accuracy_table(entries, 2) is None


def test_table_3_pairs_by_data_set_and_keeps_compilation_apart(synthetic):
    def timed(dataset, optimizer, seconds):
        return [
            synthetic(dataset, optimizer, seed, seconds=value, compile_seconds=7.0)
            for seed, value in enumerate(seconds)
        ]

    entries = summaries.entries(
        timed("gtsrb", "adam", [10.0, 10.0])
        + timed("gtsrb", "lion", [11.0, 11.0])
        + timed("stl10", "adam", [20.0, 20.0])
        + timed("stl10", "lion", [20.0, 20.0])
        + timed("stl10", "swats", [30.0])
        + timed("digits", "adam", [1.0, 3.0])
    )
    printed, others = tables.seconds_tables(entries)
    lion = row_of(printed, "Lion")
    assert lion["GTSRB"] == "11.00 ± 0.00 (24.52)"
    assert lion["over Adam %"] == "+5.0"
    assert lion["paper prints %"] == "-0.22§ (its columns: +0.02)"
    assert lion["compile s"] == "7.0"
    assert row_of(printed, "SWATS")["over Adam %"] == "+50.0"
    assert row_of(others, "Adam")["digits"] == "2.00 ± 1.41"
    assert "paper prints %" not in others.header


def test_seconds_of_another_machine_are_not_compared(synthetic):
    def timed(dataset, optimizer, seconds, **more):
        return [synthetic(dataset, optimizer, seed, seconds=seconds, **more) for seed in (0, 1)]

    other = {"device": {"platform": "gpu", "kind": "H100", "count": 1}}
    divided = {"layout": {"devices": 2, "devices_per_run": 1, "together": 1}}
    entries = summaries.entries(
        timed("digits", "adam", 1.0)
        + timed("digits", "lion", 4.0, **other)
        + timed("digits", "swats", 4.0, **divided)
        + timed("semeion", "adam", 1.0, **other)
        + timed("semeion", "lion", 2.0, **other)
    )
    (table,) = tables.seconds_tables(entries)
    assert row_of(table, "Lion")["over Adam %"] == "+100.0"  # of SEMEION alone
    assert row_of(table, "Lion")["digits"] == "4.00 ± 0.00"
    assert row_of(table, "SWATS")["over Adam %"] == "–"


def test_markdown_is_rectangular(synthetic):
    entries = summaries.entries(
        [synthetic(d, o) for d in published.DATASETS for o in ("adam", "muon")]
    )
    for which in (1, 2):
        lines = markdown.table(tables.accuracy_table(entries, which)).splitlines()
        assert len({len(line) for line in lines}) == 1
        assert len({line.count("|") for line in lines}) == 1
