"""What stands in results/ is what its records say."""

from pathlib import Path

import pytest

from experiments.reports import report

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    report.write(report.build(RESULTS / "records"), out)
    return out


def test_the_committed_numbers_are_those_of_the_committed_records(drawn):
    committed = sorted(path.name for path in (RESULTS / "paper").glob("paper-*.csv"))
    assert len(committed) == 4
    for name in committed:
        assert (drawn / name).read_bytes() == (RESULTS / "paper" / name).read_bytes(), name


def test_the_fair_studys_tables_are_those_of_its_records(tmp_path):
    fair = RESULTS / "fair"
    report.write(report.build(fair), tmp_path)
    committed = sorted(path.name for path in fair.glob("fair-*.csv"))
    assert len(committed) == 4
    for name in committed:
        assert (tmp_path / name).read_bytes() == (fair / name).read_bytes(), name


def test_the_readmes_first_table_is_the_fair_studys():
    readme = (RESULTS.parent / "README.md").read_text("utf-8")
    row = readme.split("best other tuned |\n")[1].splitlines()[1]
    wanted = [cell.strip() for cell in row.strip("|").split("|")]
    fair = (RESULTS / "fair" / "report.md").read_text("utf-8")
    (line,) = (
        each for each in fair.splitlines() if each.startswith("| F-MNIST, B ") and "(" in each
    )
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    name, numbers = wanted[-1].split(maxsplit=1)
    assert [*wanted[:-1], f"{numbers} ({name})"] == cells[2:7]
    assert "+0.06 points [-0.10, +0.21] at 97.5 %" in fair.replace("held-out accuracy: ", "")
    assert "+0.06 points held out, [-0.10, +0.21] at 97.5 %" in readme
