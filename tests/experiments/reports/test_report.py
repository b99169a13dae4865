import html.parser
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments import records
from experiments.protocols.paper import published
from experiments.reports import report


@pytest.fixture
def small(synthetic, folder_of):
    return folder_of(
        [
            synthetic(dataset, optimizer, seed)
            for dataset in ("fashion_mnist", "digits")
            for optimizer in ("adam", "thermolion", "muon")
            for seed in range(3)
        ]
    )


def _files(folder, out):
    report.write(report.build(folder), out)
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_the_same_records_give_the_same_bytes(small, tmp_path):
    one = _files(small, tmp_path / "one")
    assert one == _files(small, tmp_path / "two")
    assert set(one) == {
        "report.md",
        "report.html",
        "records.csv",
        "paper-v1-accuracy.csv",
        "paper-v1-table2.csv",
        "paper-v1-seconds.csv",
        "paper-v1-paired.csv",
        *(f"paper-v1-{name}.{kind}" for name in ("loss", "accuracy") for kind in ("png", "svg")),
    }


def test_the_order_of_the_lines_does_not_matter(small, tmp_path):
    before = _files(small, tmp_path / "one")
    (file,) = small.glob("*.jsonl")
    file.write_bytes(b"".join(reversed(file.read_bytes().splitlines(keepends=True))))
    assert _files(small, tmp_path / "two") == before


class _Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.tables = [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name in ("src", "href")]
        self.tables += tag == "table"
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_needs_nothing_outside_itself(small):
    report.write(report.build(small), small / "out")
    text = (small / "out" / "report.html").read_text()
    page = _Page(text)
    assert page.open == []
    assert page.tables == 6  # table 2, two of differences, two data sets, seconds
    assert len(page.links) == 2
    assert all(link.startswith("data:image/svg+xml;base64,") for link in page.links)
    assert "url(" not in text


def test_names_are_escaped_in_the_page(synthetic, folder_of):
    folder = folder_of([synthetic("<script>.npz", "a.b:<i>&")])
    report.write(report.build(folder), folder / "out")
    text = (folder / "out" / "report.html").read_text()
    assert "<script>" not in text
    assert "&lt;script&gt;.npz" in text


def test_markdown_names_its_figures_and_tells_notes_and_what_is_missing(small, tmp_path):
    report.write(report.build(small), tmp_path / "out")
    text = (tmp_path / "out" / "report.md").read_text()
    for name in re.findall(r"\]\(([^)]+)\)", text):
        assert (tmp_path / "out" / name).is_file()
    for part in ("Table 2", "### Notes", "### Missing", "Where the records come from", "Muon (lr"):
        assert part in text
    assert "Table 1" not in text


def test_different_data_and_protocols_are_never_averaged(synthetic, folder_of):
    folder = folder_of(
        [
            synthetic(seed=0),
            synthetic(seed=1, fingerprint="1234567890"),
            synthetic(seed=2, protocol_version=2),
            synthetic(seed=3, protocol="paper[epochs=2]"),
            synthetic(seed=4, protocol="unheard-of"),
        ]
    )
    built = report.build(folder)
    assert [section.title for section in built.sections] == [
        "Protocol paper, version 1",
        "Protocol paper, version 2",
        "Protocol paper[epochs=2], version 1",
        "Protocol unheard-of, version 1",
    ]
    assert len({section.slug for section in built.sections}) == 4
    text = report.text(built)
    assert "mixed data" in text
    assert "fashion_mnist (data 12345678)" in text
    assert "mixed protocol versions" in text
    runs = re.findall(r"\| +(\d+) \|$", text, flags=re.MULTILINE)
    assert set(runs) == {"1"}


def test_a_report_that_cannot_be_written_says_where(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(records.RecordError, match="cannot write the report"):
        report.write(report.build(small), tmp_path / "file")


def test_reporting_does_not_load_what_trains():
    import subprocess
    import sys
    from pathlib import Path

    code = (
        "import sys, experiments.reports.report; "
        "print(sorted({'jax', 'flax', 'experiments.training', 'experiments.datasets'} "
        "& set(sys.modules)))"
    )
    root = Path(report.__file__).parents[2]
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr


def test_a_grid_of_1200_records_is_read_and_summed_up(synthetic, folder_of):
    made = [
        synthetic(dataset, optimizer, seed)
        for dataset in published.DATASETS
        for optimizer in (*published.OPTIMIZERS, "muon")
        for seed in range(10)
    ]
    folder = folder_of(made)
    assert len(records.read(folder).records) == 1200
    built = report.build(folder)
    (section,) = built.sections
    assert [table.key for table in section.tables].count("accuracy") == 12
    assert section.missing == ()
    runs = {
        row[-1] for table in section.tables if table.key == "accuracy" for row in table.rows if row
    }
    assert runs == {"10"}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_record_however_odd_ends_in_a_traceback(data, synthetic, tmp_path):
    record = json.loads(records.encode(synthetic()))
    field = data.draw(st.sampled_from(sorted(record)))
    if isinstance(record[field], dict) and data.draw(st.booleans()):
        record, whole = record[field], record
        field = data.draw(st.sampled_from([*sorted(record), "more"]))
    else:
        whole = record
    odd = (
        st.none()
        | st.booleans()
        | st.integers(-9, 9)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=5)
    )
    record[field] = data.draw(odd | st.lists(odd, max_size=3) | st.dictionaries(st.text(), odd))
    (tmp_path / "x.jsonl").write_text(json.dumps(whole, allow_nan=False) + "\n")
    told = ""
    try:
        built = report.build(tmp_path)
        told = report.text(built)
    except records.RecordError as error:
        told = str(error)
    assert "line 1 is not a record" in told or "# Optimizers" in told
