"""Which sections a report has, and what of the paper stands in them."""

import re
from pathlib import Path

import pytest

import experiments.reports
from experiments.reports import report
from experiments.reports.section import Section

PUBLISHED = ("84.88", "92.92", "paper prints", "95 % prediction interval")


def _text(folder):
    return report.text(report.build(folder))


def _folder(synthetic, folder_of, **more):
    return folder_of(
        synthetic("fashion_mnist", optimizer, seed, train_accuracy=0.5 + seed / 100, **more)
        for optimizer in ("adam", "thermolion")
        for seed in range(5)
    )


@pytest.mark.parametrize("protocol", ["paper[epochs=2]", "paper[batch_size=64]", "unheard-of"])
def test_a_deviation_is_never_shown_beside_the_published_numbers(synthetic, folder_of, protocol):
    """`paper[epochs=2]` was compared with 12 epochs, with marks of significance."""
    text = _text(_folder(synthetic, folder_of, protocol=protocol))
    assert not [number for number in PUBLISHED if number in text]
    assert not re.search(r"\d\*|Table \d|§", text)
    assert "ThermoLion" in text


def test_the_paper_as_it_stands_is(synthetic, folder_of):
    text = _text(_folder(synthetic, folder_of))
    assert all(number in text for number in PUBLISHED)
    assert re.search(r"84\.88\*", text)


def test_another_network_has_a_section_of_its_own_without_published_numbers(synthetic, folder_of):
    folder = folder_of(
        synthetic("fashion_mnist", "adam", 10 * number + seed, network=network)
        for number, network in enumerate(("vit", "convnet", "my.module:net"))
        for seed in range(2)
    )
    sections = report.build(folder).sections
    assert [section.title for section in sections] == [
        "Protocol paper, version 1",
        "Protocol paper, version 1, network my.module:net",
        "Protocol paper, version 1, network vit",
    ]
    assert len({section.slug for section in sections}) == 3
    assert "paper" in sections[0].tables[1].header
    assert not any("paper" in t.header for section in sections[1:] for t in section.tables)
    for section in sections:
        assert {t.rows[0][-1] for t in section.tables if t.key == "accuracy"} == {"2"}


def test_a_sweep_puts_the_answer_and_its_figure_first(synthetic, folder_of):
    folder = folder_of(
        synthetic("mnist", name, seed, changed={} if rate == 1e-3 else {"learning_rate": rate})
        for name in ("adam", "my.module:mine")
        for rate in (3e-4, 1e-3, 3e-3)
        for seed in range(2)
    )
    (section,) = report.build(folder).sections
    assert section.tables[0].key == "paired"
    assert section.figures[0].key == "rates"
    (table2,) = [table for table in section.tables if table.key == "table2"]
    assert len([row for row in table2.rows if row]) == 2  # the sweep's rates are not the paper's
    ending = _text(folder).split("Where to look first")[1]
    assert section.tables[0].title in ending
    assert "paper-v1-rates.png" in ending


def test_a_protocol_brings_its_own_builder(synthetic, folder_of, monkeypatch, tmp_path):
    """All that another protocol needs: an entry of BUILDERS."""

    def build(entries, question):
        title = f"{len(entries)} entries of {entries[0].protocol}, against {question.baseline}"
        return [Section(title, "mine-v1", "one line", verdicts=("Q0: undecided",))]

    monkeypatch.setitem(report.BUILDERS, "mine", build)
    folder = folder_of([synthetic(protocol="mine"), synthetic(protocol="mine[budget=smoke]")])
    built = report.build(folder, baseline="adam")
    assert [s.title for s in built.sections] == [
        "1 entries of mine, against adam",
        "1 entries of mine[budget=smoke], against adam",
    ]
    assert "### Verdicts\n\n- Q0: undecided" in report.text(built)
    assert "Q0: undecided" in report.text(built).split("Where to look first")[1]
    report.write(built, tmp_path / "out")
    assert "<li>Q0: undecided</li>" in (tmp_path / "out" / "report.html").read_text()


def test_generic_report_code_knows_nothing_of_the_paper():
    """Only `report`, where builders are registered, names a protocol."""
    files = Path(experiments.reports.__file__).parent.glob("*.py")
    found = [path.name for path in files if "protocols.paper" in path.read_text()]
    assert found == ["report.py"]
