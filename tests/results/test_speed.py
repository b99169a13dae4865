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
    assert f"\n{capsys.readouterr().out}\n" in page

    made = records.read(ROOT / "results" / "fair").records
    listed = [group for group in study.processes(made) if len(group) >= 50]
    assert {one.optimizer for one in listed[-1]} == {"muon"}
    assert not any(one.optimizer == "muon" for group in listed[:-1] for one in group)
    muon = sum(one.optimizer == "muon" for one in made)
    told = f"The last line is Muon's: {len(listed[-1])} of its {muon} runs"
    assert told in re.sub(r"\s+", " ", page)
