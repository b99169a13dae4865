"""Test images judge one version of an optimizer; another only where someone says so."""

import io
import sys
from dataclasses import replace

import numpy as np
import pytest

from experiments import optimizers, records, runner, training, work
from experiments.protocols import ablation, fair
from experiments.reports import report


@pytest.fixture
def trained(monkeypatch):
    """Replaces training; every run is as good as every other."""

    def run_many(build, runs, data, config=None, **options):
        for _ in runs:
            yield training.Outcome(
                train_loss=[1.0],
                train_accuracy=0.5,
                test_accuracy=None if data.test_images is None else 0.4,
                test_correct=None,
                validation_accuracy=[0.5],
                validation_loss=[1.0],
                update_rms=1e-3,
                seconds=1.0,
                compile_seconds=1.0,
                status="ok",
            )

    monkeypatch.setattr(training, "run_many", run_many)


@pytest.fixture
def edit(tmp_path, monkeypatch):
    """Writes a user's optimizer anew, and gives its name."""
    module = f"reread_{tmp_path.name}"
    monkeypatch.syspath_prepend(tmp_path)

    def write(rule):
        text = f"import optax\ndef mine(learning_rate=0.1): return optax.{rule}(learning_rate)\n"
        (tmp_path / f"{module}.py").write_text(text)
        monkeypatch.delitem(sys.modules, module, raising=False)
        return f"{module}:mine"

    yield write
    sys.modules.pop(module, None)


def run(name, out, protocol=fair, regime="B", **options):
    named = {name: optimizers.resolve(name)}
    study = protocol.study(["digits"], named, budget="smoke", regimes=(regime,))
    return runner.run(study, work.Paths(out), stream=io.StringIO(), **options)


def test_other_test_images_do_not_judge_beside_those_before(trained, tmp_path):
    """A corrected test part of a user's file, whose training images stayed as they were."""
    rng, path = np.random.default_rng(0), tmp_path / "own.npz"
    images = rng.integers(0, 256, (600, 32, 32), dtype=np.uint8)
    parts = {"images": images, "labels": np.arange(600) % 3, "test_labels": np.arange(60) % 3}

    def study(name):
        test = rng.integers(0, 256, (60, 32, 32), dtype=np.uint8)
        np.savez(path, test_images=test, **parts)
        named = {name: optimizers.resolve(name)}
        made = fair.study([str(path)], named, budget="smoke", regimes=("B",))
        return runner.run(made, work.Paths(tmp_path / "out"), stream=io.StringIO())

    assert not study("adamw").failures
    (reason,) = study("lion").failures
    assert "the test images of" in reason
    assert "are others than those of the runs in" in reason
    found = records.read(tmp_path / "out").records
    assert {one.phase for one in found if one.optimizer == "lion"} == {"tune", "refine", "confirm"}


def test_other_validation_images_do_not_choose_beside_those_before(trained, monkeypatch, tmp_path):
    """Labels corrected beyond the training images: the identity of no record tells of them."""
    monkeypatch.setitem(fair.constants.protocol(), "limit", 60)
    rng, path = np.random.default_rng(0), tmp_path / "own.npz"
    images = rng.integers(0, 256, (120, 32, 32), dtype=np.uint8)
    test = {"test_images": images[:30] ^ 255, "test_labels": np.arange(30) % 3}

    def study(*names, shift=0):
        labels = np.arange(120) % 3
        labels[60:] = (labels[60:] + shift) % 3
        np.savez(path, images=images, labels=labels, **test)
        named = {name: optimizers.resolve(name) for name in names}
        made = fair.study([str(path)], named, budget="smoke", regimes=("A",))
        return runner.run(made, work.Paths(tmp_path / "out"), stream=io.StringIO())

    assert not study("adamw").failures
    summary = study("adamw", "lion", shift=1)
    (reason,) = summary.failures
    assert summary.made == 0
    assert "the validation images of own.npz (" in reason
    assert "its training images are the same: give another --out" in reason
    assert not study("adamw", "lion").failures


def test_an_edited_optimizer_is_tuned_but_not_judged_again(trained, edit, tmp_path):
    out = tmp_path / "out"
    assert not run(edit("sgd"), out).failures
    first = records.read(out).records
    judged = [one for one in first if one.phase in ("final", "default")]
    assert {one.test_readings for one in judged} == {1}
    assert {one.test_readings for one in first if one not in judged} == {0}

    summary = run(edit("adam"), out)
    (reason,) = summary.failures
    assert summary.failures[reason] == len(judged)
    assert "--read-test-again" in reason
    assert "digits" in reason
    again = records.read(out).records[len(first) :]
    assert again
    assert all(one.test_accuracy is None for one in again)

    summary = run(edit("adam"), out, read_test_again=True)
    assert (summary.made, summary.failures) == (len(judged), {})
    assert {one.test_readings for one in records.read(out).records[-len(judged) :]} == {2}
    assert run(edit("adam"), out).made == 0
    (section,) = report.build(out).sections
    assert any("the test images have judged 2 versions" in note for note in section.notes)
    left_out = f"left out: {len(first)} record(s) of {edit('adam')} before its file was changed"
    assert any(line.startswith(left_out) for line in section.missing)


def test_an_optimizer_tuned_over_another_space_is_not_judged_again(trained, edit, tmp_path):
    """At the same file: one of the benchmark's own, whose file is not looked at, has another."""
    out, name = tmp_path / "out", edit("sgd")
    assert not run(name, out).failures
    judged = [one for one in records.read(out).records if one.test_accuracy is not None]
    factory = optimizers.resolve(name)
    other = replace(factory, space=replace(factory.space, learning_rate=0.05))

    def again(**options):
        study = fair.study(["digits"], {name: other}, budget="smoke", regimes=("B",))
        return runner.run(study, work.Paths(out), stream=io.StringIO(), **options)

    (reason,) = again().failures
    assert "(its file, or the grid of its search)" in reason
    summary = again(read_test_again=True)
    assert (summary.made, summary.failures) == (len(judged), {})
    newest = records.read(out).records[-len(judged) :]
    assert {one.test_readings for one in newest} == {2}
    (section,) = report.build(out).sections
    assert any(f"{len(judged)} of them read the test images" in line for line in section.missing)


def test_a_smoke_study_before_does_not_keep_a_full_one_from_its_judges(trained, tmp_path):
    """Whose list of rates is another, as shorter tuning has fewer."""
    out, named = tmp_path / "out", {"thermolion": optimizers.resolve("thermolion")}
    for budget in ("smoke", "full"):
        study = ablation.study(["digits"], named, budget=budget, regimes=("B",))
        assert not runner.run(study, work.Paths(out), stream=io.StringIO()).failures
    hashes = {one.protocol_hash for one in records.read(out).records}
    assert len(hashes) == 2


def test_what_keeps_a_regime_from_running_is_said_though_it_waits_for_another(trained, tmp_path):
    named = {"adamw": optimizers.resolve("adamw")}
    study = fair.study([str(tmp_path / "gone.npz")], named, budget="smoke", regimes=("C",))
    summary = runner.run(study, work.Paths(tmp_path / "out"), stream=io.StringIO())
    (reason,) = summary.failures
    assert "gone.npz" in reason


def test_a_second_optimizer_and_a_resumed_study_are_judged_without_a_word(trained, edit, tmp_path):
    out = tmp_path / "out"
    name = edit("sgd")
    whole = run(name, out).made
    (file,) = out.iterdir()
    kept = file.read_bytes().split(b"\n")[:-3]  # without the last two runs
    file.write_bytes(b"\n".join(kept) + b"\n")
    summary = run(name, out)
    assert (summary.made, summary.present, summary.failures) == (2, whole - 2, {})
    assert not run("adamw", out).failures


def test_another_regime_or_protocol_judges_no_other_version_either(trained, edit, tmp_path):
    out = tmp_path / "out"
    run(edit("sgd"), out)
    for protocol, regime in ((fair, "A"), (ablation, "C")):
        (reason,) = run(edit("adam"), out, protocol, regime).failures
        assert "have judged another version of " in reason
    assert not run(edit("sgd"), out, regime="A").failures
    readings = {
        one.regime: one.test_readings for one in records.read(out).records if one.phase == "final"
    }
    assert readings == {"A": 1, "B": 1}
