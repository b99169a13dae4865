import io
import json

import numpy as np
import pytest

from experiments import datasets, optimizers, protocols, records, runner, training


@pytest.fixture
def trained(monkeypatch):
    """Replaces training by a count of what was asked for; real training is tested elsewhere."""
    calls = []

    def run_many(build, runs, data, config=None, **options):
        calls.append((build, list(runs), data, config, options))
        for run in runs:
            yield training.Outcome(
                train_loss=[2.0 - 0.1 * run.seed] * config.epochs,
                train_accuracy=0.5,
                test_accuracy=None if data.test_images is None else 0.4,
                update_rms=1e-3,
                seconds=1.0,
                compile_seconds=2.0,
                status="ok",
            )

    monkeypatch.setattr(training, "run_many", run_many)
    return calls


@pytest.fixture
def signs(tmp_path):
    """A tiny .npz data set."""
    path = tmp_path / "signs.npz"
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    np.savez(path, images=images, labels=np.arange(20) % 3)
    return path


def _grid(datasets=("digits",), optimizers=("adam", "lion"), seeds=2, rates=(), **deviations):
    return protocols.grid(protocols.get("paper", **deviations), datasets, optimizers, seeds, rates)


def _run(cells, out, **options):
    stream = io.StringIO()
    summary = runner.run(cells, runner.Places(out), stream=stream, **options)
    return summary, stream.getvalue()


def test_a_grid_is_trained_group_by_group_and_written_down(trained, tmp_path):
    summary, told = _run(_grid(), tmp_path / "out", command="the command")
    assert (summary.made, summary.present, summary.failures) == (4, 0, {})
    assert [len(runs) for _, runs, *_ in trained] == [2, 2]  # one call a group
    found = records.read(tmp_path / "out").records
    assert [(r["optimizer"], r["seed"]) for r in found] == [
        ("adam", 0),
        ("adam", 1),
        ("lion", 0),
        ("lion", 1),
    ]
    digits = datasets.load("digits")
    for record in found:
        assert record["fingerprint"] == digits.fingerprint
        assert record["data"]["examples"] == len(digits.labels)
        assert record["data"]["test_examples"] == len(datasets.load("digits", "test").labels)
        assert record["settings"] == {"epochs": 12, "batch_size": 1024, "limit": 5000}
        assert record["hyperparameters"] == optimizers.resolve(record["optimizer"]).hyperparameters
        assert len(record["train_loss"]) == 12
        assert record["test_accuracy"] == 0.4
        assert record["command"] == "the command"
        assert {"versions", "device", "commit", "code", "note", "overrides"} <= set(record)
    assert "4 of 4 runs done, 0 left" in told


def test_what_is_there_is_not_run_again(trained, tmp_path):
    _run(_grid(seeds=2), tmp_path)
    trained.clear()
    summary, _ = _run(_grid(seeds=3), tmp_path)
    assert (summary.made, summary.present) == (2, 4)
    assert [[run.seed for run in runs] for _, runs, *_ in trained] == [[2], [2]]
    trained.clear()
    summary, told = _run(_grid(seeds=3), tmp_path)
    assert (summary.made, summary.present, trained) == (0, 6, [])
    assert "6 of 6 runs done, 0 left" in told


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "other data"},
        {"protocol_version": 0},
        {"hyperparameters": {"learning_rate": 0.5}},
    ],
)
def test_a_record_of_other_data_protocol_or_settings_does_not_count(trained, tmp_path, change):
    _run(_grid(seeds=1), tmp_path)
    (file,) = tmp_path.glob("*.jsonl")
    lines = [json.loads(line) | change for line in file.read_text().splitlines()]
    file.write_bytes(b"".join(map(records.encode, lines)))
    assert _run(_grid(seeds=1), tmp_path)[0].made == 2


def test_a_sweep_changes_the_rate_alone(trained, tmp_path):
    _run(_grid(optimizers=["adam"], seeds=1), tmp_path)
    _run(_grid(optimizers=["adam"], seeds=2, rates=(0.1, 0.2)), tmp_path)
    found = records.read(tmp_path).records
    assert [(r["hyperparameters"]["learning_rate"], r["changed"], r["seed"]) for r in found] == [
        (0.001, {}, 0),
        (0.1, {"learning_rate": 0.1}, 0),
        (0.1, {"learning_rate": 0.1}, 1),
        (0.2, {"learning_rate": 0.2}, 0),
        (0.2, {"learning_rate": 0.2}, 1),
    ]
    assert len(trained) == 2  # both rates through one compilation


def test_shards_together_make_the_grid(trained, tmp_path):
    cells = _grid(seeds=3)
    for index in range(3):
        _run(protocols.share(cells, index, 3), tmp_path, shard=(index, 3))
    assert len(list(tmp_path.glob("*.jsonl"))) == 3
    assert len(records.read(tmp_path).records) == 6
    assert _run(cells, tmp_path)[0].made == 0


def test_a_data_set_that_cannot_be_had_is_skipped_with_the_reason(trained, tmp_path, signs):
    cells = _grid([str(tmp_path / "absent.npz"), str(signs)], ["adam"])
    summary, told = _run(cells, tmp_path / "out")
    assert summary.made == 2
    ((reason, count),) = summary.failures.items()
    assert "absent.npz: no such file" in reason
    assert count == 2
    assert "2 of 4 runs done" in told
    found = records.read(tmp_path / "out").records
    assert {record["dataset"] for record in found} == {"signs.npz"}  # no folder of this machine
    assert str(tmp_path) not in (tmp_path / "out").glob("*.jsonl").__next__().read_text()


def test_unknown_names_are_told_before_anything_is_trained(trained, tmp_path):
    with pytest.raises(ValueError, match="adma"):
        _run(_grid(optimizers=["adam", "adma"]), tmp_path / "out")
    with pytest.raises(ValueError, match="mnits"):
        _run(_grid(["digits", "mnits"]), tmp_path / "out")
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
    summary, told = _run(_grid(seeds=3), tmp_path)
    assert (summary.made, list(summary.failures.values())) == (4, [2])
    assert "adam on digits: TypeError: unexpected (test_runner.py, line" in told


def test_an_interruption_keeps_what_is_finished(tmp_path, trained, monkeypatch):
    whole = training.run_many

    def run_many(build, runs, data, config=None, **options):
        yield next(whole(build, runs, data, config))
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "run_many", run_many)
    with pytest.raises(KeyboardInterrupt):
        _run(_grid(), tmp_path)
    assert len(records.read(tmp_path).records) == 1
    monkeypatch.setattr(training, "run_many", whole)
    assert _run(_grid(), tmp_path)[0].made == 3


def test_runs_are_laid_out_as_asked(trained, tmp_path):
    _run(_grid(), tmp_path, batch=2, devices=4)
    laid_out = [(options["batch"], options["devices"]) for *_, options in trained]
    assert laid_out == [(2, 4)] * 2
    with pytest.raises(ValueError, match=r"devices must be 1 … 8, .* got 9"):
        _run(_grid(seeds=3), tmp_path, devices=9)
    with pytest.raises(ValueError, match="batch must be at least 1, got 0"):
        _run(_grid(seeds=3), tmp_path, batch=0)


def test_divergence_is_recorded_and_counted(tmp_path, monkeypatch):
    def run_many(build, runs, data, config=None, **options):
        nan = float("nan")
        for _ in runs:
            yield training.Outcome([2.0, nan], 0.1, None, nan, 1.0, 1.0, "diverged")

    monkeypatch.setattr(training, "run_many", run_many)
    summary, _ = _run(_grid(optimizers=["adam"], seeds=1), tmp_path)
    assert (summary.made, summary.diverged) == (1, 1)
    (record,) = records.read(tmp_path).records
    assert (record["status"], record["train_loss"]) == ("diverged", [2.0, None])
    assert _run(_grid(optimizers=["adam"], seeds=1), tmp_path)[0].made == 0


def test_a_real_run_resumed_equals_one_in_a_single_go(tmp_path, signs):
    cells = _grid([str(signs)], ["adam"], 2, epochs=1, batch_size=20)
    _run(cells, tmp_path / "one")
    one = records.read(tmp_path / "one").records
    with records.Writer(tmp_path / "two") as writer:
        writer.append(one[0])
    assert _run(cells, tmp_path / "two")[0].made == 1
    two = records.read(tmp_path / "two").records
    for a, b in zip(one, two, strict=True):
        for name in ("train_loss", "train_accuracy", "update_rms"):
            assert a[name] == pytest.approx(b[name], rel=1e-5)
    assert one[0]["train_loss"] != one[1]["train_loss"]


def test_the_default_shard_is_the_whole_grid():
    assert runner.default_shard() == (0, 1)
