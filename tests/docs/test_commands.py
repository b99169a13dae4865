"""The pages' shell commands: `experiments` understands its own, make has its targets."""

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from pages import DOCS, ROOT, arguments, shell_lines

from experiments.command_line.options import parser
from experiments.distortion_study import __main__ as distortion_study
from experiments.smes_page import __main__ as smes_page

PAGES = [*DOCS, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
SBATCH = ROOT / "docs" / "slurm.sbatch"


def understood(words: list[str]) -> bool:
    options = parser(defaultdict(lambda: understood)).parse_args(words)
    return options.command is understood


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_is_understood(page):
    lines = shell_lines(page.read_text(encoding="utf-8"))
    assert all(map(understood, arguments(lines)))


def test_the_distortion_studys_commands_are_understood():
    lines = [line for page in PAGES for line in shell_lines(page.read_text(encoding="utf-8"))]
    found = arguments(lines, "experiments.distortion_study")
    options = [distortion_study.parser().parse_args(words) for words in found]
    assert [one.command for one in options] == [distortion_study.run, distortion_study.report]


def test_the_command_of_smess_page_is_understood():
    lines = [line for page in PAGES for line in shell_lines(page.read_text(encoding="utf-8"))]
    (found,) = arguments(lines, "experiments.smes_page")
    assert smes_page.parser().parse_args(found).folder == Path("runs/smes")


def test_there_are_commands_of_every_kind():
    lines = [line for page in PAGES for line in shell_lines(page.read_text(encoding="utf-8"))]
    kinds = {words[0] for words in arguments(lines)}
    assert kinds == {"run", "report", "findings", "list", "prepare", "train"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_make_has_the_targets(page):
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.M)
    targets = " ".join(found).split()
    inline = re.findall(r"`make ((?:[a-z]+ ?)+)`", text)
    lines = [re.match(r"make ([a-z ]+)", line) for line in shell_lines(text)]
    named = [*inline, *(line[1] for line in lines if line)]
    assert {name for names in named for name in names.split()} <= set(targets)


def test_every_optimizer_that_a_page_names_is_there():
    from experiments import optimizers

    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for spec in re.findall(r"`((?:thermolion|smes|adamw?):[\w=.:,]+)`", text):
            assert optimizers.resolve(spec).name


def test_the_sbatch_file_asks_for_every_share_of_the_study():
    text = SBATCH.read_text(encoding="utf-8")
    first, last = map(int, re.search(r"--array=(\d+)-(\d+)", text).groups())
    assert (first, last + 1) == (0, 8)
    filled = re.sub(r"\\\n\s*", "", text).replace("${SCRATCH}", "/scratch")
    filled = filled.replace("${SLURM_ARRAY_TASK_ID}", "7").replace("${SLURM_ARRAY_TASK_COUNT}", "8")
    (words,) = arguments(filled.splitlines())
    options = parser(defaultdict(lambda: understood)).parse_args(words)
    assert (options.shard, options.datasets) == ("7/8", ["all"])


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash to read it with")
def test_bash_can_read_the_sbatch_file():
    subprocess.run(["bash", "-n", str(SBATCH)], check=True)
