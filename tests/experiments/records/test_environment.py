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


def test_the_commit_tells_of_changes(tmp_path, monkeypatch):
    """Of a real repository laid out as this one, where git is there to make it."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    source = tmp_path / "experiments" / "records" / "environment.py"
    library, notes = tmp_path / "thermolion_optax" / "noise.py", tmp_path / "README.md"
    for path in (source, library, notes):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# first\n")

    def git(*arguments):
        who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True)

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    monkeypatch.setattr(environment, "__file__", str(source))
    clean = environment.commit()
    assert re.fullmatch("[0-9a-f]{40}", clean)
    notes.write_text("# other words\n")
    assert environment.commit() == clean
    for path in (source, library):
        path.write_text("# changed\n")
        assert environment.commit() == f"{clean} + changes"
        path.write_text("# first\n")
    assert environment.commit() == clean


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
