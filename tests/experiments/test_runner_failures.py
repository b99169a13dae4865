"""What the runner does where data, an optimizer or a run fails."""

import jax
import numpy as np
import pytest
from grid_runs import grid, outcome, run

from experiments import records, training


def test_a_data_set_that_cannot_be_obtained_is_skipped_with_the_reason(trained, tmp_path, signs):
    cells = grid([str(tmp_path / "absent.npz"), str(signs)], ["adam"])
    summary, told = run(cells, tmp_path / "out")
    assert summary.made == 2
    ((reason, count),) = summary.failures.items()
    assert "absent.npz: no such file" in reason
    assert count == 2
    assert f"skipped 2 run(s): {reason.splitlines()[0]}" in told
    assert "2 of 4 runs done, 0 left" in told
    found = records.read(tmp_path / "out").records
    assert {record.dataset for record in found} == {"signs.npz"}  # no folder of this machine
    assert str(tmp_path) not in (tmp_path / "out").glob("*.jsonl").__next__().read_text()


def test_a_file_that_changes_while_a_study_runs_ends_its_runs_and_no_other(
    tmp_path, trained, monkeypatch, signs
):
    """Three sets are more than are kept at hand, so that the file is read again after the plan."""
    whole, other = training.run_many, tmp_path / "other.npz"
    other.write_bytes(signs.read_bytes())

    def run_many(*given, **options):
        images = np.zeros((20, 32, 32, 3), np.uint8)
        np.savez(signs, images=images, labels=np.arange(20) % 3)
        return whole(*given, **options)

    monkeypatch.setattr(training, "run_many", run_many)
    study = grid(["digits", str(signs), str(other)], ["adam"], seeds=1)
    summary, _ = run(study, tmp_path / "out")
    ((reason, count),) = summary.failures.items()
    assert (summary.made, count) == (2, 1)
    assert "signs.npz has changed while the study ran" in reason
    assert run(grid([str(signs)], ["adam"], seeds=1), tmp_path / "out")[0].made == 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"test_labels": [1, 0, 2, 0, 1, 2]}, "test images"),
        ({"test_images": None, "test_labels": None}, "test images"),
        ({"class_names": ["a", "b", "c", "d"]}, "classes"),
    ],
)
def test_a_file_changed_beside_its_training_images_takes_no_others_records(
    tmp_path, trained, signs, change, what
):
    """The fingerprint of the training images alone is part of a record's identity."""
    with np.load(signs) as held:
        parts = {**held, "test_images": held["images"][:6], "test_labels": held["labels"][:6]}
    np.savez(signs, **parts)
    (tmp_path / "b").mkdir()
    other = tmp_path / "b" / signs.name
    np.savez(other, **{k: v for k, v in (parts | change).items() if v is not None})
    assert run(grid([str(signs)]), tmp_path / "out")[0].made == 4
    summary, _ = run(grid([str(other)]), tmp_path / "out")
    ((reason, count),) = summary.failures.items()
    assert (summary.made, count) == (0, 4)
    assert reason.startswith(f"the {what} of signs.npz (")
    assert "are others than those of the runs in" in reason
    assert run(grid([str(signs)]), tmp_path / "out")[0].present == 4


def test_a_network_that_does_not_fit_is_known_before_any_training(trained, tmp_path, monkeypatch):
    (tmp_path / "narrow.py").write_text(
        "import jax.numpy as jnp\n"
        "def net():\n"
        "    def init(key, channels, classes): return {'w': jnp.zeros((1, 1))}\n"
        "    return init, lambda params, x: x[:, :1, 0, 0] @ params['w']\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    study = grid(optimizers=["adam", "lion"], seeds=1, networks=["narrow:net", "convnet"])
    summary, told = run(study, tmp_path / "out")
    ((reason, count),) = summary.failures.items()
    assert (summary.made, count) == (2, 2)
    assert reason.startswith("network 'narrow:net': logits of images (2, 32, 32, 1)")
    first, second = told.splitlines()[:2]
    assert "0 of 4 runs done" in first
    assert second.startswith("skipped 2 run(s): network 'narrow:net'")


def test_a_users_optimizer_is_tried_on_a_network_for_the_very_images(
    trained, tmp_path, monkeypatch, signs
):
    """A network for colour images alone: it leaves out the grey ones, not the whole study."""
    (tmp_path / "coloured.py").write_text(
        "import jax.numpy as jnp, optax\n"
        "def opt(learning_rate): return optax.sgd(learning_rate)\n"
        "def net():\n"
        "    def init(key, channels, classes):\n"
        "        assert channels == 3, 'colour images alone'\n"
        "        return {'w': jnp.zeros((3 * 32 * 32, classes))}\n"
        "    return init, lambda params, x: x.reshape(len(x), -1) @ params['w']\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    names = {"optimizers": ["coloured:opt"], "networks": ["coloured:net"]}
    study = grid(["digits", str(signs)], seeds=1, rates=[0.1], **names)
    summary, _ = run(study, tmp_path / "out")
    ((reason, count),) = summary.failures.items()
    assert (summary.made, count) == (1, 1)
    assert reason.startswith("network 'coloured:net', given images (2, 32, 32, 1) of 10 classes")
    assert "colour images alone" in reason


def test_unknown_names_are_told_before_anything_is_trained(trained, tmp_path):
    with pytest.raises(ValueError, match="adma"):
        run(grid(optimizers=["adam", "adma"]), tmp_path / "out")
    with pytest.raises(ValueError, match="mnits"):
        run(grid(["digits", "mnits"]), tmp_path / "out")
    assert trained == []
    assert not (tmp_path / "out").exists()


def test_an_optimizer_that_fails_does_not_stop_the_others(tmp_path, trained, monkeypatch):
    whole = training.run_many

    def run_many(build, runs, data, config=None, **options):
        outcomes = whole(build, runs, data, config)
        yield next(outcomes)
        if len(trained) == 1:
            raise TypeError("unexpected\nsecond line")
        yield from outcomes

    monkeypatch.setattr(training, "run_many", run_many)
    summary, told = run(grid(seeds=3), tmp_path)
    assert (summary.made, list(summary.failures.values())) == (4, [2])
    assert "adam on digits: TypeError: unexpected (test_runner_failures.py, line" in told


def test_what_a_host_callback_raised_is_told_by_its_own_words(tmp_path, trained, monkeypatch):
    frames = '  File "mine.py", line 3, in f\n    raise ValueError\n' * 2
    text = f"callback: Traceback (most recent call last):\n{frames}ValueError: few\n  rows\n"

    def run_many(*given, **options):
        raise jax.errors.JaxRuntimeError(text)
        yield

    monkeypatch.setattr(training, "run_many", run_many)
    _, told = run(grid(optimizers=["adam"], seeds=1), tmp_path)
    assert "adam on digits: JaxRuntimeError: ValueError: few (test_runner_failures.py, line" in told


def test_an_interruption_keeps_what_is_finished(tmp_path, trained, monkeypatch):
    whole = training.run_many

    def run_many(build, runs, data, config=None, **options):
        yield next(whole(build, runs, data, config))
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "run_many", run_many)
    with pytest.raises(KeyboardInterrupt):
        run(grid(), tmp_path)
    assert len(records.read(tmp_path).records) == 1
    monkeypatch.setattr(training, "run_many", whole)
    assert run(grid(), tmp_path)[0].made == 3


def test_a_run_that_learnt_nothing_says_so_in_its_record(tmp_path, monkeypatch):
    def run_many(build, runs, data, config=None, **options):
        for _ in runs:
            yield outcome([77.0, 2.3], 0.1, "ok")

    monkeypatch.setattr(training, "run_many", run_many)
    run(grid(optimizers=["adam"], seeds=1), tmp_path)
    (record,) = records.read(tmp_path).records
    assert (record.status, record.health) == ("ok", ["at chance", "loss rose 33-fold"])


def test_divergence_is_recorded_and_counted(tmp_path, monkeypatch):
    def run_many(build, runs, data, config=None, **options):
        nan = float("nan")
        for _ in runs:
            yield outcome([2.0, nan], 0.1, "diverged", update_rms=nan)

    monkeypatch.setattr(training, "run_many", run_many)
    summary, _ = run(grid(optimizers=["adam"], seeds=1), tmp_path)
    assert (summary.made, summary.diverged) == (1, 1)
    (record,) = records.read(tmp_path).records
    assert (record.status, record.train_loss) == ("diverged", [2.0, None])
    assert run(grid(optimizers=["adam"], seeds=1), tmp_path)[0].made == 0
