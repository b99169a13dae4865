"""What a command does not need is not loaded; and where it is missing, how to get it is told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import experiments

ROOT = Path(experiments.__file__).parents[1]

COMMANDS = """
import contextlib, io, json, sys
from experiments import __main__ as cli

folder, told = sys.argv[1], {}
run = ["run", "--datasets", "digits", "--out", folder + "/x"]
for words in (
    ["-h"], *([command, "-h"] for command in ("run", "report", "list", "prepare", "train")),
    [], ["tidy"], ["run", "--sedes", "3"], ["list", "--data-dir", folder], ["prepare", "digits"],
    ["prepare", "mnits"], ["report", folder], ["report", folder + "/absent"],
    [*run, "--optimizers", "adma"], [*run, "--optimizers", "adam:b9=1"], [*run, "--protocol", "x"],
    [*run, "--network", "resnet"], [*run, "--budget", "half"], [*run, "--learning-rates", "0"],
    [*run, "--protocol", "fair", "--regimes", "Z"], [*run, "--seeds", "0"],
    ["run", "--datasets", "mnits", "--out", folder + "/x"],
    ["train", "--out", folder + "/x", "--dataset", "mnits"],
    ["train", "--out", folder + "/x", "--optimizer", "adma"],
    ["train", "--out", folder + "/x", "--network", "resnet"],
):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            code = cli.main(words)
        except SystemExit as error:
            code = error.code
    loaded = [name for name in ("jax", "flax", "optax") if name in sys.modules]
    told[" ".join(words)] = [code, *loaded]
print(json.dumps(told))
"""

BLOCKED = """
import importlib, sys
cli = importlib.import_module(sys.argv[2])

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in [name for name in sys.modules if name.partition(".")[0] == sys.argv[1]]:
    del sys.modules[name]
sys.meta_path.insert(0, Missing())
sys.exit(cli.main(sys.argv[3:]))
"""


def _python(code, *words):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_help_lists_and_mistakes_load_no_jax(tmp_path):
    child = _python(COMMANDS, tmp_path)
    assert child.returncode == 0, child.stderr
    told = json.loads(child.stdout)
    fine = [words for words, said in told.items() if said == [0]]
    assert len(fine) == 8
    assert all(words.endswith("-h") or words.startswith(("list", "prepare")) for words in fine)
    assert [said for words, said in told.items() if words not in fine] == [[2]] * 18


@pytest.mark.parametrize(
    ("package", "command"),
    [
        ("jax", "train"),
        ("orbax", "train"),
        ("flax", "run"),
        ("scipy", "run"),
        ("numpy", "list"),
        ("matplotlib", "report"),
        ("numpy", "smes_page"),
    ],
)
def test_a_missing_package_is_told_with_how_to_get_it(package, command, tmp_path):
    words = {
        "run": ["--datasets", "digits", "--optimizers", "adam", "--out", tmp_path / "x"],
        "train": ["--out", tmp_path / "x"],
        "report": [ROOT / "results" / "records", "--out", tmp_path / "x"],
        "list": [],
        "smes_page": [ROOT / "results" / "smes"],
    }[command]
    start = ["experiments.__main__", command]
    start = ["experiments.smes_page.__main__"] if command == "smes_page" else start
    child = _python(BLOCKED, package, *start, *words)
    assert child.returncode == 2, child.stderr
    assert child.stderr.count("error: ") == 1
    said = child.stderr.splitlines()[-1]
    assert said.startswith("error: ")
    assert package in said
    assert "pip install '.[experiments]'" in said
    assert "Traceback" not in child.stderr
    assert not list((tmp_path / "x").glob("*.json*"))
