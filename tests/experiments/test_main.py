import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import experiments
from experiments import __main__ as cli
from experiments import datasets, records, runner
from experiments.distortion_study import __main__ as distortion
from experiments.protocols import Learner
from experiments.reports import report
from experiments.runner import Summary
from experiments.training import cores
from experiments.training import resumable as train

ROOT = Path(experiments.__file__).parents[1]
SHORT = ["--datasets", "digits", "--epochs", "1", "--limit", "64", "--batch-size", "32"]


def test_run_and_report_from_end_to_end(tmp_path, capsys):
    out = str(tmp_path / "runs")
    command = ["run", "--protocol", "paper", *SHORT, "--optimizers", "adam", "--out", out]
    assert cli.main([*command, "--seeds", "2"]) == 0
    assert "2 run(s) made, 0 already there" in capsys.readouterr().out
    assert cli.main([*command, "--seeds", "2"]) == 0
    assert "0 run(s) made, 2 already there" in capsys.readouterr().out
    (one, _) = records.read(out).records
    assert one.protocol == "paper[batch_size=32,epochs=1,limit=64]"
    assert one.command == (
        "python -m experiments run --protocol paper --datasets digits --optimizers adam "
        "--epochs 1 --limit 64 --batch-size 32 --seeds 2 --out DIR"
    )
    assert cli.main(["report", out]) == 0
    told = capsys.readouterr().out
    assert "| Adam " in told
    assert f"files are in {Path(out) / 'report'}" in told
    assert (Path(out) / "report" / "report.html").is_file()
    assert "first 64 training images" in told
    assert "report.html" in told.splitlines()[-1]  # where to look


def test_a_data_set_that_cannot_be_had_ends_in_exit_code_1(tmp_path, capsys):
    absent = str(tmp_path / "absent.npz")
    arguments = ["--optimizers", "adam", "--seeds", "2", "--out", str(tmp_path / "runs")]
    assert cli.main(["run", "--datasets", absent, *arguments]) == 1
    told = capsys.readouterr()
    assert "not run, 2 cell(s)" in told.err
    assert "absent.npz: no such file" in told.err
    assert "0 run(s) made" in told.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "{tmp}/absent"], "there is no folder"),
        (["report", "{tmp}"], "no records in"),
        (["report", "{tmp}/file"], "is a file"),
        (["run", "--datasets", "digits", "--out", "{tmp}/file"], "file, a file; expected a folder"),
        (["run", "--datasets", "digitz", "--out", "{tmp}/x"], "digits"),
        (["run", *SHORT, "--optimizers", "adma", "--out", "{tmp}/x"], "adam"),
        (["run", *SHORT, "--protocol", "fiar", "--out", "{tmp}/x"], "did you mean fair"),
        (["run", *SHORT, "--protocol", "fair", "--out", "{tmp}/x"], "--epochs is not an option of"),
        (["run", *SHORT, "--budget", "half", "--out", "{tmp}/x"], "not an option of the paper"),
        (["run", *SHORT, "--network", "vitt", "--out", "{tmp}/x"], "did you mean vit?"),
        (["run", *SHORT, "--seeds", "0", "--out", "{tmp}/x"], "at least 1"),
        (["run", *SHORT, "--together", "0", "--out", "{tmp}/x"], "together must be at least 1"),
        (["run", *SHORT, "--devices", "99", "--out", "{tmp}/x"], "devices must be 1 … 8"),
        (["run", *SHORT, "--shard", "3/2", "--out", "{tmp}/x"], "numbered from 0"),
        (["run", *SHORT, "--shard", "one", "--out", "{tmp}/x"], "expected I/N"),
        (["run", *SHORT, "--read-test-again", "--out", "{tmp}/x"], "not an option of the paper"),
        (["run", *SHORT, "--distributed", "--out", "{tmp}/x"], "found no cluster to join"),
        (["run", *SHORT, "--distributed", "--shard", "0/2", "--out", "{tmp}/x"], "leave --shard"),
        (["run", "--datasets", "digits", "--epochs", "0", "--out", "{tmp}/x"], "epochs is 0"),
        (["report", "{tmp}/file", "--out", "{tmp}/x"], "file is a file; expected the folder that"),
        (["findings", "{tmp}/file"], "file is a file; expected the folder that holds those of the"),
        (["run", "--datasets", "a/x.npz", "b/x.npz", "--out", "{tmp}/x"], "would be called x.npz"),
        (["prepare", "mnits"], "mnist"),
        (["prepare", "{tmp}/mine.npz"], "mine.npz is a file of your own"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(tmp_path, capsys, arguments, message):
    (tmp_path / "file").write_text("")
    np.savez(tmp_path / "mine.npz", images=np.zeros((2, 8, 8), np.uint8), labels=[0, 1])
    assert cli.main([part.replace("{tmp}", str(tmp_path)) for part in arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") or "\nerror: " in told
    assert message in told
    assert "Traceback" not in told
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "arguments",
    [[], ["run"], ["report"], ["run", "--sedes", "3"], ["run", "--batch", "3"], ["tidy"]],
)
def test_unknown_and_missing_options_are_reported(arguments, capsys):
    with pytest.raises(SystemExit) as error:
        cli.main(arguments)
    assert error.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_the_older_name_of_an_option_works_and_is_not_shown(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(
        runner, "run", lambda *_, placement, **__: asked.append(placement) or Summary()
    )
    words = ["run", "--datasets", "digits", "--out", "x"]
    for more in ([], ["--split", "2"], ["--devices-per-run", "2"]):
        assert cli.main([*words, *more]) == 0
    assert [placement.devices_per_run for placement in asked] == [None, 2, 2]
    capsys.readouterr()
    with pytest.raises(SystemExit):
        cli.main(["run", "--help"])
    said = capsys.readouterr().out
    assert "--devices-per-run" in said
    assert "--split" not in said


def test_list_shows_what_there_is_of_everything(tmp_path, capsys):
    assert cli.main(["list", "--data-dir", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    for name in ("digits", "stl10", "thermolion", "muon", "convnet", "vit", "paper", "fair"):
        assert f"\n  {name} " in told
    assert "5 of the 43 classes" in told


def test_prepare_tells_what_failed(capsys, monkeypatch):
    monkeypatch.setattr(datasets, "prepare", lambda *a, **k: {"mnist": "no network"})
    assert cli.main(["prepare", "all"]) == 1
    assert "mnist is not ready: no network" in capsys.readouterr().err
    monkeypatch.undo()
    assert cli.main(["prepare", "digits"]) == 0


PROCESS = """
import functools, sys, time
import jax
from experiments import __main__ as cli
from experiments import training

address, count, index, *arguments = sys.argv[1:]

whole = training.run_many

def run_many(*given, **options):
    time.sleep(8 * int(index))  # shards do not end together; those still joined would abort
    yield from whole(*given, **options)

training.run_many = run_many
jax.distributed.initialize = functools.partial(
    jax.distributed.initialize, address, int(count), int(index), shutdown_timeout_seconds=4
)
sys.exit(cli.main([*arguments, "--distributed"]))
"""


@pytest.mark.slow
def test_processes_of_a_cluster_divide_the_grid_among_them(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    arguments = ["run", *SHORT, "--optimizers", "adam", "lion", "--seeds", "2", "--out", "runs"]
    children = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, address, "2", str(index), *arguments],
            cwd=tmp_path,
            # Two devices, which share each run: they must do without the processes they left.
            env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "2"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for index in range(2)
    ]
    told = [child.communicate(timeout=180)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0], told
    names = sorted(path.name[:13] for path in (tmp_path / "runs").iterdir())
    assert names == ["records-0of2-", "records-1of2-"]
    found = records.read(tmp_path / "runs")
    assert len(found.records) == 4
    layouts = [record.layout for record in found.records]
    assert layouts == [{"devices": 2, "devices_per_run": 2, "together": 1}] * 4
    assert found.notices == []


def test_every_command_that_trains_shows_the_cores_first(monkeypatch):
    told = []
    monkeypatch.setattr(cores, "show", lambda: told.append("shown"))
    monkeypatch.setattr(train, "main", lambda options: told.append("trained") or 0)
    monkeypatch.setattr(runner, "run", lambda *_, **__: told.append("run") or Summary())
    assert cli.main(["train", "--out", "x"]) == 0
    assert cli.main(["run", "--datasets", "digits", "--out", "x"]) == 0
    assert told == ["shown", "trained", "shown", "run"]


def test_a_folder_of_run_takes_no_files_of_other_commands(synthetic, folder_of, capsys):
    """They would make its records unreadable."""
    out = str(folder_of([synthetic()]))
    before = sorted(os.listdir(out))
    for main, words in ((cli.main, ["train"]), (distortion.main, ["run", "--dataset", "digits"])):
        assert main([*words, "--out", out]) == 2
        said = capsys.readouterr().err
        assert f"--out is {out}, which holds {before[0]} of another command" in said
    assert sorted(os.listdir(out)) == before


@pytest.fixture
def studies(monkeypatch):
    """The studies that `run` is asked for, with nothing trained."""
    asked = []
    monkeypatch.setattr(runner, "run", lambda study, *_, **__: asked.append(study) or Summary())
    return asked


def test_one_spelling_one_identity_through_the_command_line(studies):
    run = ["run", "--datasets", "digits", "--out", "x", "--optimizers"]
    assert cli.main([*run, "adam:learning_rate=3e-3"]) == 0
    assert cli.main([*run, "adam", "--learning-rates", "3e-3"]) == 0
    assert cli.main([*run, "adam", "--learning-rates", "4e-3"]) == 0
    by_name, by_option, other = studies
    assert by_name == by_option != other
    assert by_name.cells[0].learner == Learner("adam", (("learning_rate", 3e-3),))
    assert cli.main([*run, "adam:learning_rate=3e-3", "--network", " convnet"]) == 0
    assert studies.pop() == by_name
    assert cli.main([*run, "adam", "--network", " convnet", "convnet"]) == 2


def test_all_data_sets_and_another_network(studies):
    assert cli.main(["run", "--datasets", "all", "--network", "convnet", "vit", "--out", "x"]) == 0
    (study,) = studies
    assert {(t.dataset, t.network) for t in study.tasks} == {
        (name, network) for name in datasets.NAMES for network in ("convnet", "vit")
    }


def test_the_fair_protocol_is_asked_with_its_own_options(studies):
    fair = ["run", "--protocol", "fair", "--datasets", "digits", "--out", "x"]
    assert cli.main([*fair, "--budget", "smoke", "--regimes", "A", "--optimizers", "adamw"]) == 0
    assert studies[0].optimizers == ("adamw",)
    assert {chain.regime.name for chain in studies[0].chains} == {"A"}


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_keeps_what_is_finished_and_tells_how_to_go_on(tmp_path):
    arguments = ["run", *SHORT, "--optimizers", "adam", "--seeds", "100000", "--out", "runs"]
    child = subprocess.Popen(
        [sys.executable, "-m", "experiments", *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and not list(tmp_path.glob("runs/*.jsonl")):
        assert child.poll() is None, child.communicate()
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    told, wrong = child.communicate(timeout=120)
    assert child.returncode == 130, wrong
    assert "Traceback" not in wrong
    assert "python -m experiments run --datasets digits" in told
    reading = records.read(tmp_path / "runs")
    assert len(reading.records) >= 1
    assert reading.notices == []
    shown = min(cores.count(), cores.MOST)  # nobody asked for anything: all cores, on every run
    assert reading.records[0].layout == {"devices": shown, "devices_per_run": shown, "together": 1}
    assert report.build(tmp_path / "runs").sections


def test_a_warning_is_a_notice_without_a_place_in_our_code(capsys):
    def command():
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn("mine.npz: passed over extra", UserWarning, stacklevel=1)
        return 0

    assert cli.guarded(command, "experiments", []) == 0
    assert capsys.readouterr().err == "notice: mine.npz: passed over extra\n"


def test_all_stands_beside_files(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(runner, "run", lambda study, *_, **__: asked.append(study) or Summary())
    words = ["run", "--datasets", "all", "mine.npz", "--optimizers", "adam", "--seeds", "1"]
    assert cli.main([*words, "--out", str(tmp_path / "x")]) == 0
    names = list(dict.fromkeys(cell.task.dataset for cell in asked[0].cells))
    assert names == [*datasets.NAMES, "mine.npz"]
