"""What results/speed.md says of a whole study is what the records say."""

import importlib.util
import re
import sys
from pathlib import Path

from experiments import records

ROOT = Path(__file__).parents[2]


def test_the_table_of_a_whole_study_is_the_commands(monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("study", ROOT / "benchmarks" / "study.py")
    study = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(study)
    monkeypatch.setattr(sys, "argv", ["study.py", str(ROOT / "results" / "fair")])
    study.main()
    page = (ROOT / "results" / "speed.md").read_text(encoding="utf-8")
    table = capsys.readouterr().out
    assert f"\n{table}\n" in page

    made = records.read(ROOT / "results" / "fair").records
    listed = [group for group in study.processes(made) if len(group) >= 50]
    rows = table.splitlines()[2:]
    (line,) = (i for i, group in enumerate(listed) if any(o.optimizer == "muon" for o in group))
    assert {one.optimizer for one in listed[line]} == {"muon"}
    start = rows[line].split("|")[1].strip()
    muon = sum(one.optimizer == "muon" for one in made)
    told = f"The line of {start} is Muon's: {len(listed[line])} of its {muon} runs"
    assert told in re.sub(r"\s+", " ", page)
