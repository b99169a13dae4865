"""The distortion study's commands: killed, interrupted, told wrong things, and its report."""

import numpy as np
import pytest
from made_distortion import made, outcome

from experiments.distortion_study import __main__ as cli
from experiments.distortion_study import folder, plan, training
from experiments.records import environment, lines


def test_a_study_that_was_killed_goes_on_and_a_torn_line_is_made_again(
    tmp_path, monkeypatch, capsys
):
    calls = []

    def train(run, images, scale):
        calls.append(run)
        return outcome()

    monkeypatch.setattr(training, "train", train)
    command = ["run", "--dataset", "digits", "--images", "50", "--smoke", "--out", str(tmp_path)]
    assert cli.main(command) == 0
    (path,) = tmp_path.glob("*.jsonl")
    assert path.name == "distortion-3-layers.jsonl"
    whole = path.read_text().splitlines()
    assert len(whole) == len(calls) == 20 * (2 + 3)
    path.write_text("\n".join([*whole[:70], whole[70][:40]]))
    assert cli.main(command) == 0
    assert len(calls) == 100 + 30
    found = folder.read(tmp_path)
    assert len(found) == len({plan.run_of(one) for one in found}) == 100
    origin = environment.describe()
    assert all({key: getattr(one, key) for key in origin} == origin for one in found)
    path.write_text("\n".join([whole[0][:40], *whole[1:]]))
    assert cli.main(command) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: ")
    assert f"{path}, line 1 is not a record" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--dataset", "nix"], "there is no data set 'nix'"),
        (["run", "--depths", "3", "0"], "--depths has 0, expected at least 1"),
        (["run", "--depths", "-1"], "--depths has -1, expected at least 1"),
        (["run", "--images", "0"], "limit"),
        (["run", "--dataset", "{tmp}/two.npz"], "two.npz has 2 classes, expected 10"),
        (["run", "--dataset", "digits", "--out", "/proc/nix"], "/proc"),
        (["run", "--dataset", "digits", "--out", "{tmp}/file"], "a file; expected a folder"),
        (["report"], "there are no records of this study in"),
        (["report", "--out", "{tmp}/file"], "there are no records of this study in"),
    ],
)
def test_mistakes_are_told_in_one_line(arguments, message, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    images = np.random.default_rng(0).integers(0, 256, (60, 32, 32), dtype=np.uint8)
    np.savez(tmp_path / "two.npz", images=images, labels=np.arange(60) % 2)
    words = [word.replace("{tmp}", str(tmp_path)) for word in arguments]
    out = [] if "--out" in words else ["--out", str(tmp_path / "x")]
    assert cli.main([*words, *out]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert message in said
    assert {one.name for one in tmp_path.iterdir()} == {"file", "two.npz"}


def test_a_folder_holds_runs_of_one_length_and_one_set_of_images(tmp_path, monkeypatch, capsys):
    def train(run, images, scale):
        return training.DistortionOutcome(
            rate=1.0, losses=[], train_loss=1.0, train_accuracy=0.5, status="ok", gradients=[]
        )

    monkeypatch.setattr(training, "train", train)
    smoke = ["run", "--dataset", "digits", "--images", "50", "--smoke", "--out", str(tmp_path)]
    assert cli.main(smoke) == 0
    found = folder.read(tmp_path)
    longer = [word for word in smoke if word != "--smoke"]
    fewer = ["40" if word == "50" else word for word in smoke]
    for other in (longer, fewer):
        assert cli.main(other) == 2
        assert "give another --out" in capsys.readouterr().err
    assert folder.read(tmp_path) == found


def test_an_interruption_tells_how_to_go_on(tmp_path, monkeypatch, capsys):
    def train(run, images, scale):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", train)
    words = ["run", "--dataset", "digits", "--images", "50", "--smoke", "--out", str(tmp_path)]
    assert cli.main(words) == 130
    said = capsys.readouterr().out
    assert f"python -m experiments.distortion_study {' '.join(words)}" in said


def test_the_report_draws_what_there_is(tmp_path, capsys):
    found = [
        made(plan.DistortionRun(arm, 1e-3, seed, phase))
        for arm in plan.all_arms()
        for phase, seeds in (("tune", (1,)), ("final", plan.SEEDS))
        for seed in seeds
    ]
    (tmp_path / "distortion-10-layers.jsonl").write_bytes(b"".join(map(lines.encode, found)))
    assert cli.main(["report", "--out", str(tmp_path)]) == 0
    assert "nearly immune" in capsys.readouterr().out
    drawn = {one.name for one in tmp_path.iterdir()} - {"distortion-10-layers.jsonl"}
    names = {
        f"distortion-{key}.{kind}"
        for key in ("outcomes", "depth", "time")
        for kind in ("png", "svg")
    }
    assert drawn == {"distortion.md", *names}
