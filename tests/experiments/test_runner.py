import json
import sys

import pytest
from grid_runs import grid, run

from experiments import datasets, optimizers, records, runner


def test_a_grid_is_trained_group_by_group_and_written_down(trained, tmp_path):
    summary, told = run(grid(), tmp_path / "out", command="the command")
    assert (summary.made, summary.present, summary.failures) == (4, 0, {})
    assert [len(runs) for _, runs, *_ in trained] == [2, 2]  # one call a group
    found = records.read(tmp_path / "out").records
    assert [(r.optimizer, r.seed) for r in found] == [
        ("adam", 0),
        ("adam", 1),
        ("lion", 0),
        ("lion", 1),
    ]
    digits = datasets.load("digits")
    for record in found:
        assert record.fingerprint == record.data.fingerprint == digits.fingerprint
        assert record.data.examples == len(digits.labels)
        assert record.data.test_examples == len(datasets.load("digits", "test").labels)
        assert record.settings == {"epochs": 12, "batch_size": 1024, "limit": 5000}
        assert record.hyperparameters == optimizers.resolve(record.optimizer).hyperparameters
        assert len(record.train_loss) == 12
        assert record.test_accuracy == 0.4
        assert record.command == "the command"
        assert record.network == "convnet"
        assert record.note == optimizers.resolve(record.optimizer).note
        for told_of in (record.versions, record.device, record.commit, record.code):
            assert told_of
    assert "4 of 4 runs done, 0 left" in told


def test_what_is_there_is_not_run_again(trained, tmp_path):
    run(grid(seeds=2), tmp_path)
    trained.clear()
    summary, _ = run(grid(seeds=3), tmp_path)
    assert (summary.made, summary.present) == (2, 4)
    assert [[run.seed for run in runs] for _, runs, *_ in trained] == [[2], [2]]
    trained.clear()
    summary, told = run(grid(seeds=3), tmp_path)
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
    run(grid(seeds=1), tmp_path)
    (file,) = tmp_path.glob("*.jsonl")
    lines = [json.loads(line) | change for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(grid(seeds=1), tmp_path)[0].made == 2


def test_a_sweep_changes_the_rate_alone(trained, tmp_path):
    run(grid(optimizers=["adam"], seeds=1), tmp_path)
    run(grid(optimizers=["adam"], seeds=2, rates=(0.1, 0.2)), tmp_path)
    found = records.read(tmp_path).records
    assert [(r.hyperparameters["learning_rate"], r.changed, r.seed) for r in found] == [
        (0.001, {}, 0),
        (0.1, {"learning_rate": 0.1}, 0),
        (0.1, {"learning_rate": 0.1}, 1),
        (0.2, {"learning_rate": 0.2}, 0),
        (0.2, {"learning_rate": 0.2}, 1),
    ]
    assert len(trained) == 2  # both rates through one compilation


def test_shards_together_make_the_grid(trained, tmp_path):
    cells = grid(seeds=3)
    for index in range(3):
        run(cells, tmp_path, shard=(index, 3))
    assert len(list(tmp_path.glob("*.jsonl"))) == 3
    assert len(records.read(tmp_path).records) == 6
    assert run(cells, tmp_path)[0].made == 0


def test_runs_are_laid_out_as_asked(trained, tmp_path):
    placement = runner.Placement(together=2, devices=4, devices_per_run=1)
    run(grid(), tmp_path, placement=placement)
    laid_out = [(options["together"], options["devices"]) for *_, options in trained]
    assert laid_out == [(2, 4)] * 2
    with pytest.raises(ValueError, match=r"devices must be 1 … 8, .* got 9"):
        run(grid(seeds=3), tmp_path, placement=runner.Placement(devices=9))
    with pytest.raises(ValueError, match="together must be at least 1, got 0"):
        run(grid(seeds=3), tmp_path, placement=runner.Placement(together=0))


def test_a_record_says_how_the_runs_of_its_group_were_laid_out(trained, tmp_path):
    placement = runner.Placement(together=4, devices=4, devices_per_run=2)
    run(grid(seeds=3), tmp_path, placement=placement)  # six cells, in groups of three
    assert {len(runs) for _, runs, *_ in trained} == {3}
    for record in records.read(tmp_path).records:
        assert record.layout == {"devices": 4, "devices_per_run": 2, "together": 2}
    run(grid(seeds=4), tmp_path, placement=placement)  # one more of each, alone on its devices
    alone = [r.layout for r in records.read(tmp_path).records if r.seed == 3]
    assert alone == [{"devices": 2, "devices_per_run": 2, "together": 1}] * 2


def test_an_edited_optimizer_is_run_anew_and_the_notice_says_so(trained, tmp_path, monkeypatch):
    module, name = f"edited_{tmp_path.name}", f"edited_{tmp_path.name}:mine"
    file = tmp_path / f"{module}.py"
    file.write_text("import optax\ndef mine(learning_rate=0.1): return optax.sgd(learning_rate)\n")
    monkeypatch.syspath_prepend(tmp_path)
    summary, told = run(grid(optimizers=[name]), tmp_path / "out")
    assert (summary.made, "notice" in told) == (2, False)
    assert run(grid(optimizers=[name]), tmp_path / "out")[0].made == 0
    before = optimizers.resolve(name).source
    file.write_text(file.read_text().replace("sgd", "adam"))
    monkeypatch.delitem(sys.modules, module)
    summary, told = run(grid(optimizers=[name]), tmp_path / "out")
    after = optimizers.resolve(name).source
    assert (summary.made, before == after) == (2, False)
    assert f"notice: 2 record(s) of {name} were made by another version of its file" in told
    assert f"(sha256 {before}, now {after})" in told
    found = records.read(tmp_path / "out").records
    assert [record.optimizer_source for record in found] == [before, before, after, after]
    assert run(grid(optimizers=[name]), tmp_path / "out")[0].made == 0


def test_an_edited_network_is_run_anew_and_the_notice_says_so(trained, tmp_path, monkeypatch):
    module, name = f"edited_net_{tmp_path.name}", f"edited_net_{tmp_path.name}:net"
    file = tmp_path / f"{module}.py"
    file.write_text(
        "import jax.numpy as jnp\n"
        "net = (lambda key, channels, classes: jnp.zeros(classes), "
        "lambda params, images: images[:, 0, 0, :1] + params)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    cells = grid(optimizers=["adam"], networks=[name])
    assert "notice" not in run(cells, tmp_path / "out")[1]
    file.write_text(file.read_text() + "# edited\n")
    monkeypatch.delitem(sys.modules, module)
    summary, told = run(cells, tmp_path / "out")
    assert summary.made == 2
    assert f"notice: 2 record(s) of the network {name} were made by another version" in told


def test_the_network_is_part_of_what_is_run(trained, tmp_path):
    run(grid(optimizers=["adam"]), tmp_path)
    summary, _ = run(grid(optimizers=["adam"], networks=["convnet", "vit"]), tmp_path)
    assert (summary.made, summary.present) == (2, 2)
    assert [options["network"].name for *_, options in trained] == ["convnet", "vit"]
    assert [r.network for r in records.read(tmp_path).records] == ["convnet"] * 2 + ["vit"] * 2


def test_a_real_run_resumed_equals_one_in_a_single_go(tmp_path, signs):
    cells = grid([str(signs)], ["adam"], 2, epochs=1, batch_size=20)
    run(cells, tmp_path / "one")
    one = records.read(tmp_path / "one").records
    with records.Writer(tmp_path / "two") as writer:
        writer.append(one[0])
    assert run(cells, tmp_path / "two")[0].made == 1
    two = records.read(tmp_path / "two").records
    for a, b in zip(one, two, strict=True):
        for name in ("train_loss", "train_accuracy", "update_rms"):
            assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-5)
    assert one[0].train_loss != one[1].train_loss


def test_the_default_shard_is_the_whole_grid():
    assert runner.default_shard() == (0, 1)
