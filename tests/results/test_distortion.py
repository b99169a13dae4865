"""What results/smes/distortion says is what its records say."""

from pathlib import Path

from experiments.distortion_study import findings, folder, plan
from experiments.records import lines

FOLDER = Path(__file__).parents[2] / "results" / "smes" / "distortion"


def test_the_findings_are_those_of_the_records():
    found = folder.read(FOLDER)
    assert len({plan.run_of(one) for one in found}) == len(found) > 0
    committed = [path.read_bytes() for path in sorted(FOLDER.glob("*.jsonl"))]
    assert b"".join(map(lines.encode, found)) == b"".join(committed)
    assert (FOLDER / "distortion.md").read_text(encoding="utf-8") == findings.text(found)
