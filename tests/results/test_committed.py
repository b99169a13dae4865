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
