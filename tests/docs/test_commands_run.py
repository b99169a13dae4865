"""The pages' commands for real, one after the other in an empty folder, made small."""

import csv
import importlib
import os
import re
import sys
from pathlib import Path

import pytest
from pages import ROOT, arguments, blocks, shell_lines

from experiments import __main__ as cli
from experiments.smes_page import __main__ as smes_page

TINY = ["--limit", "64", "--epochs", "1", "--batch-size", "32"]
LINEAR = ["--network", "mine:linear", "--devices", "1"]
SMOKE = [*LINEAR, "--budget", "smoke"]
SMALLER = {
    ("run",): [*TINY, *LINEAR, "--seeds", "1"],
    ("run", "paper"): [*TINY, *LINEAR, "--optimizers", "adam", "thermolion", "--seeds", "1"],
    ("run", "fair"): [*SMOKE, "--regimes", "B", "--optimizers", "adamw", "mine:sharp"],
    ("run", "ablation"): [*SMOKE, "--regimes", "B", "--optimizers", "adamw", "thermolion"],
    ("run", "label_noise"): [*SMOKE, "--regimes", "b128", "--optimizers", "thermolion"],
    ("run", "exponent"): [*SMOKE, "--regimes", "B", "--optimizers", "scaled_smes:alpha=0.5"],
    ("run", "rate_scaling"): [*SMOKE, "--regimes", "s60b32"],
    ("train",): [*TINY, "--phases", "1"],
}
"""What is added to a command, so that it takes seconds."""


def page(name):
    return ROOT / "docs" / f"{name}.md"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Holds mine.py and mine.npz, as the benchmark's page has a reader write them."""
    code = "\n".join(code for code, _ in blocks(page("benchmark")))
    (tmp_path / "mine.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    sys.modules.pop("mine", None)
    importlib.import_module("mine")  # which writes the images
    yield tmp_path
    sys.modules.pop("mine", None)


def small(words):
    """A command without the data sets that would be fetched, and with fewer runs."""
    protocol = words[words.index("--protocol") + 1 :][:1] if "--protocol" in words else []
    fetched = ("fashion_mnist", "cifar10", "all", "semeion", "PATH/gtsrb32.npz")
    there = [word for word in words if word not in fetched]
    there = [*there, "digits"] if words[0] == "prepare" else there
    if "--datasets" in words and not {"digits", "mine.npz"} & set(there):
        there.insert(there.index("--datasets") + 1, "digits")
    return [*there, *SMALLER.get((words[0], *protocol), [])]


@pytest.mark.slow
def test_the_readmes_commands_run(folder, capsys):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    done = []
    for words in arguments(shell_lines(readme)):
        assert cli.main(small(words)) == 0, (words, capsys.readouterr())
        done.append(words[0])
    assert set(done) == {"list", "prepare", "run", "report", "findings", "train"}
    runs = folder / "runs"
    assert "ThermoLion" in (runs / "records" / "report" / "report.md").read_text("utf-8")
    assert "none of the" in (runs / "findings.md").read_text("utf-8").lower()
    assert {"settings.json", "curve.jsonl", "result.json", "phases.csv", "checkpoints"} == {
        path.name for path in (runs / "one").iterdir() if not path.name.startswith(".")
    }  # the table of the benchmark's page; the hidden one is the lock that keeps others out
    with (runs / "one" / "phases.csv").open(encoding="utf-8") as file:
        columns = len(next(csv.reader(file)))
    (code,) = (code for code, _ in blocks(page("faq")) if "def first_jump" in code)
    names = {}
    exec(compile(code, "faq.md", "exec"), names)
    faq = page("faq").read_text("utf-8")
    assert f"({columns} columns with the paper's network)" in faq
    path = re.search(r'`first_jump\("(runs/one/phases.csv)"\)`', faq)[1]
    jump = names["first_jump"](Path(path))
    assert jump is None or jump[0] == 2  # so early a healthy run may jump, too, as the page says


@pytest.mark.slow
@pytest.mark.parametrize("name", ["benchmark", "fair"])
def test_a_pages_commands_run(name, folder, monkeypatch, capsys):
    """But for `sbatch`, and `distortion_study run`, which takes half an hour a network."""
    monkeypatch.setenv("SCRATCH", str(folder))
    lines = shell_lines(page(name).read_text(encoding="utf-8"))
    lines = [os.path.expandvars(line) for line in lines]
    done = []
    for words in arguments(lines):
        if words[0] == "report" and words[1].endswith(
            "runs/paper"
        ):  # of what the cluster would have run
            continue
        assert cli.main(small(words)) == 0, (words, capsys.readouterr())
        done.append(words)
    assert len(done) >= 10
    for words in arguments(lines, "experiments.smes_page"):
        assert smes_page.main(words) == 0, capsys.readouterr()
        assert (folder / f"{words[0]}.md").exists()


def test_the_first_jump_is_found(tmp_path):
    (code,) = (code for code, _ in blocks(page("faq")) if "def first_jump" in code)
    names = {}
    exec(compile(code, "faq.md", "exec"), names)
    path = tmp_path / "phases.csv"
    rows = "step,noise_std/all,noise_std/a,gate_mean/a\n1,1,1,0\n2,2,4,9\n"
    for last, found in (("3,9,60,0", ["a"]), ("3,nan,nan,0", ["all", "a"])):
        path.write_text(rows + last + "\n")
        assert names["first_jump"](path) == (3, [f"noise_std/{name}" for name in found])
