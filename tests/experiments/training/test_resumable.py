"""`python -m experiments train`: several real processes, and kills at any moment."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from linear_network import NETWORK

from experiments import __main__ as cli
from experiments import files, networks, optimizers
from experiments.datasets import load
from experiments.training import resumable as train
from experiments.training import whole_run

ROOT = Path(train.__file__).parents[2]
# 95 images do not divide by two devices: each gets 48, and one of them counts nothing.
SETTINGS = {"batch-size": 95, "epochs": 40, "seed": 3}
SHORT = {"epochs": 10}
LIMIT = 300  # seconds that any process may take, on a busy machine


@pytest.fixture(scope="module", autouse=True)
def compiled(tmp_path_factory):
    """Runs of the same program compile it once, and read 95 digits from a file of their own."""
    folder = tmp_path_factory.mktemp("compiled")
    digits = load("digits", limit=95)
    np.savez(folder / "digits95.npz", images=digits.images, labels=digits.labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SETTINGS, "dataset", str(folder / "digits95.npz"))
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(folder / "cache"))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")
        yield


def start(out, devices, *more, **changed):
    """The command as a user starts it, in a process of its own that sees so many devices."""
    words = [w for k, v in {**SETTINGS, **changed}.items() for w in (f"--{k}", str(v))]
    return subprocess.Popen(
        [sys.executable, "-m", "experiments", "train", *words, "--out", str(out), *more],
        cwd=ROOT,
        env={**os.environ, "JAX_NUM_CPU_DEVICES": str(devices), "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_processes_do_not_train_into_one_folder(tmp_path, capsys):
    with files.alone(tmp_path / "settings.json", "--out"):
        words = [w for k, v in SETTINGS.items() for w in (f"--{k}", str(v))]
        assert cli.main(["train", *words, "--out", str(tmp_path)]) == 2
    assert "where another process writes settings.json" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith(".")]


@contextlib.contextmanager
def ended(*processes):
    """Whatever happens, no process outlives the test."""
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def finish(*processes):
    """The outputs of processes that end well."""
    with ended(*processes):
        outputs = [process.communicate(timeout=LIMIT)[0] for process in processes]
    assert [p.returncode for p in processes] == [0] * len(processes), "\n".join(outputs)
    return outputs


def curve(out):
    lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1))
    return np.array([line["loss"] for line in lines], np.float32)


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """One process with two devices."""
    out = tmp_path_factory.mktemp("single")
    finish(start(out, 2, **SHORT))
    return out


@pytest.mark.slow
def test_one_process_trains_as_the_benchmark_does(single):
    data = load(SETTINGS["dataset"])
    trained = whole_run.train(
        optimizers.resolve("thermolion").build,
        whole_run.Data(data.images, data.labels, num_classes=data.num_classes),
        whole_run.Config(epochs=SHORT["epochs"], batch_size=SETTINGS["batch-size"]),
        {"learning_rate": 1e-3},
        SETTINGS["seed"],
        network=networks.resolve("convnet"),
    )
    losses = curve(single)
    assert losses.size == SHORT["epochs"]
    # Only the order of the sums differs, which training amplifies.
    np.testing.assert_allclose(losses[:4], trained.train_loss[:4], rtol=1e-4)
    np.testing.assert_allclose(losses, trained.train_loss, rtol=1e-2)
    result = json.loads((single / "result.json").read_text())
    assert abs(result["train_accuracy"] - float(trained.train_accuracy)) < 0.05
    assert result["train_accuracy"] > 0.8


@pytest.fixture
def linear(tmp_path, monkeypatch):
    """A user's network of one layer, in a module of its own."""
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "flat_of_train.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path / "module")
    return "flat_of_train:linear"


def test_progress_settings_and_phases(tmp_path, linear, capsys):
    data, words = SETTINGS["dataset"], ["--batch-size", "95", "--limit", "95", "--seed", "3"]
    tmp_path = tmp_path / "out"
    run = ["train", "--dataset", data, *words, "--epochs", "2", "--out", str(tmp_path)]
    assert cli.main([*run, "--phases", "--network", linear]) == 0
    told = capsys.readouterr()
    assert "2 of 2 steps done, 0 left" in told.err
    assert f"loss {curve(tmp_path)[-1]:.4g}" in told.err
    rows = (tmp_path / "phases.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "1", "2"]  # an epoch is one step
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert (settings["network"], settings["optimizer"]) == (linear, "thermolion")
    digest = hashlib.sha256(NETWORK.encode()).hexdigest()
    assert digest.startswith(settings["network_source"])
    assert len(settings["network_source"]) >= 8
    assert settings["optimizer_source"] is None
    before = (tmp_path / "phases.csv").read_bytes()
    assert cli.main([*run, "--phases", "--network", linear]) == 0  # nothing is left to do
    assert (tmp_path / "phases.csv").read_bytes() == before
    capsys.readouterr()
    assert cli.main([*run, "--network", "convnet"]) == 2
    assert f"holds a run with network '{linear}', not 'convnet'" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_give_the_result_of_one(single, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    join = ["--coordinator", f"127.0.0.1:{port}", "--processes", "2", "--process"]
    outputs = finish(*(start(tmp_path, 1, *join, str(i), **SHORT) for i in range(2)))
    assert "10 steps on 2 device(s)" in outputs[0]
    assert "steps on" not in outputs[1]  # the first process alone speaks and writes
    np.testing.assert_allclose(curve(tmp_path), curve(single), rtol=1e-5)
    results = [json.loads((d / "result.json").read_text()) for d in (tmp_path, single)]
    assert results[0] == results[1]


def kill_when(out, ready, **changed):
    """Starts a run and kills it with SIGKILL as soon as ``ready()`` holds."""
    more = ("--save-every", "3", "--phases", "2")
    with ended(start(out, 2, *more, **changed)) as (process,):
        end = time.monotonic() + LIMIT
        while not ready():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end, "the run made no progress"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait(LIMIT) == -signal.SIGKILL


@pytest.mark.slow
def test_a_killed_run_goes_on_bit_for_bit(tmp_path):
    unbroken, tmp_path = tmp_path / "unbroken", tmp_path / "killed"
    finish(start(unbroken, 2, "--phases", "2"))
    assert curve(unbroken).size == SETTINGS["epochs"]
    saved, lines = tmp_path / "checkpoints", tmp_path / "curve.jsonl"
    # While a checkpoint is being written: Orbax marks it by its name until it is whole.
    kill_when(tmp_path, lambda: any("tmp" in p.name for p in saved.glob("*")))
    # Between two checkpoints, with steps in the curve that no checkpoint knows, and half a line.
    kill_when(tmp_path, lambda: lines.exists() and lines.read_bytes().count(b"\n") >= 20)
    with lines.open("a") as file:
        file.write('{"step": 2')
    last = finish(start(tmp_path, 2, "--save-every", "3", "--phases", "2"))[0]
    assert int(last.split("from step ")[1].split()[0]) >= 15
    assert lines.read_bytes() == (unbroken / "curve.jsonl").read_bytes()
    for name in ("result.json", "phases.csv", "settings.json"):
        assert (tmp_path / name).read_bytes() == (unbroken / name).read_bytes()
    header, *rows = (unbroken / "phases.csv").read_text().splitlines()
    assert [int(row.split(",")[0]) for row in rows] == list(range(2, SETTINGS["epochs"] + 1, 2))
    assert header.startswith("step,")
    assert {"snr_mean/all", "gate_mean/all"} <= set(header.split(","))


def command(capsys, *words):
    code = cli.main(["train", *map(str, words)])
    return code, capsys.readouterr().err


def test_a_run_that_diverged_says_so_and_where_to_look(tmp_path, linear, capsys):
    settings = ["--dataset", SETTINGS["dataset"], "--epochs", 4, "--batch-size", 95]
    settings += ["--network", linear, "--learning-rate", "1e38"]
    found = cli.main(["train", *map(str, settings), "--out", str(tmp_path)])
    said = capsys.readouterr().out
    lines = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    lost = [line["step"] for line in lines if line["loss"] is None]
    assert (found, bool(lost)) == (0, True)
    assert f"not finite at {len(lost)} of 4 steps, the first step {lost[0]} (" in said
    assert "curve.jsonl" in said
    assert "--phases 1 and another --out" in said
    logged = [*map(str, settings), "--out", str(tmp_path / "logged")]
    cli.main(["train", "--phases", "1", *logged])
    said = capsys.readouterr().out
    assert f"{tmp_path / 'logged' / 'phases.csv'} up to that step tell which tensor" in said
    assert "--phases 1" not in said


def test_what_cannot_be_done_is_reported(tmp_path, linear, capsys):
    code, said = command(capsys, "--out", tmp_path, "--epochs", 0)
    assert (code, "--epochs is 0, expected a number from 1 up" in said) == (2, True)
    for name, value in (("--seed", -1), ("--seed", 2**32), ("--learning-rate", "nan")):
        code, said = command(capsys, "--out", tmp_path, name, value)
        assert (code, f"{name} is {value}, expected" in said) == (2, True)
    (tmp_path / "file").touch()
    code, said = command(capsys, "--out", tmp_path / "file")
    assert (code, "a file; expected a folder" in said) == (2, True)
    code, said = command(capsys, "--out", tmp_path, "--process", 1)
    assert (code, "are to be given together" in said) == (2, True)
    cluster = ["--coordinator", "h:1", "--processes", 2, "--process", 2]
    code, said = command(capsys, "--out", tmp_path, *cluster)
    assert (code, "--process is 2, expected 0 to 1" in said) == (2, True)
    code, said = command(capsys, "--out", tmp_path, "--distributed")
    assert (code, "--distributed found no cluster" in said) == (2, True)
    run = ["--out", tmp_path / "run", "--dataset", SETTINGS["dataset"], "--network", linear]
    assert command(capsys, *run, "--epochs", 1)[0] == 0
    code, said = command(capsys, *run, "--epochs", 1, "--seed", 4)
    assert code == 2
    assert "holds a run with" in said
    assert "another --out" in said
