import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from experiments.records import environment


def test_describe_says_what_is_needed_to_run_again_and_no_host(synthetic):
    import platform

    found = environment.describe()
    assert set(found) == {"versions", "device", "commit", "code"}
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", found["versions"]["jax"])
    assert found["device"]["platform"] in ("cpu", "gpu", "tpu")
    assert re.fullmatch("[0-9a-f]{16}", found["code"])
    line = json.dumps(found)
    assert len(platform.node()) < 4 or platform.node() not in line


def test_the_commit_is_none_without_git(monkeypatch):
    def refuse(*arguments, **options):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert environment.commit() is None


def test_the_commit_tells_of_changes(monkeypatch):
    answers = {"rev-parse": "abc123\n", "status": " M experiments/training.py\n"}

    def answer(command, **options):
        return subprocess.CompletedProcess(command, 0, stdout=answers[command[3]])

    monkeypatch.setattr(subprocess, "run", answer)
    assert environment.commit() == "abc123 + changes"
    answers["status"] = ""
    assert environment.commit() == "abc123"


def test_the_code_fingerprint_follows_training_code_and_not_words(tmp_path, monkeypatch):
    copy = tmp_path / "experiments"
    shutil.copytree(Path(environment.__file__).parents[1], copy)
    monkeypatch.setattr(environment, "__file__", str(copy / "records" / "environment.py"))

    def fingerprint():
        environment.code_fingerprint.cache_clear()
        return environment.code_fingerprint()

    before = fingerprint()
    (copy / "reports" / "report.py").write_text("# other words\n")
    (copy / "reports" / "new_picture.py").write_text("# a module that training does not import\n")
    assert fingerprint() == before
    for package in environment.TRAINING_PACKAGES:
        for name in ("__init__.py", "new.py", "deeper/new.py"):
            path = copy / package / name
            path.parent.mkdir(exist_ok=True)
            with path.open("a") as file:
                file.write("# other training\n")
            assert fingerprint() != before, path
            before = fingerprint()
    shutil.rmtree(copy / "networks")
    with pytest.raises(FileNotFoundError, match="networks"):
        fingerprint()
    monkeypatch.undo()
    environment.code_fingerprint.cache_clear()
