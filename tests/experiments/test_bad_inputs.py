"""Bad inputs of every command, as many as came to mind: one line each, and nothing left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import __main__ as cli

RUN = ["run", "--datasets", "digits", "--out", "{tmp}/x"]
SHORT = ["--optimizers", "adam", "--epochs", "1", "--limit", "8", "--seeds", "1"]
TRAIN = ["train", "--out", "{tmp}/x"]
HUGE = "9" * 30
NO_NUMBERS = ["x", "1.5", "", "nan"]
NO_COUNTS = ["0", "-1", *NO_NUMBERS]


def _numbers():
    # --split is the name of --devices-per-run in the commands of older records.
    layout = ("--devices", "--devices-per-run", "--split")
    for option in ("--seeds", "--epochs", "--batch-size", *layout):
        yield from ([*RUN, "--optimizers", "adam", option, v] for v in [*NO_COUNTS, HUGE])
    for option in ("--limit", "--together"):
        yield from ([*RUN, "--optimizers", "adam", option, v] for v in NO_COUNTS)
    for option in ("--epochs", "--batch-size", "--limit", "--save-every"):
        yield from ([*TRAIN, option, value] for value in NO_COUNTS)
    for option in ("--seed", "--phases"):
        yield from ([*TRAIN, option, value] for value in ["-5", *NO_NUMBERS])
    yield from ([*TRAIN, "--seed", HUGE], [*TRAIN, "--epochs", "999999999999"])
    yield [*TRAIN, "--epochs", HUGE]
    # 1e-46 is 0 in float32, and 1e39 infinite.
    for rate in ("0", "-1", "nan", "inf", "-inf", "1e-46", "1e39", "x", ""):
        yield from ([*RUN, "--learning-rates", rate], [*TRAIN, "--learning-rate", rate])
    for shard in ("", "a", "1", "1/", "/1", "1/0", "2/2", "-1/2", "0/-1", "1.5/2", f"{HUGE}/2"):
        yield [*RUN, *SHORT, "--shard", shard]


def _names():
    for name in ("mnits", "", "ALL", "digits "):
        yield from (["run", "--datasets", name, *SHORT, "--out", "{tmp}/x"], ["prepare", name])
    absent = ["digits.npz", "{tmp}/absent.npz", "{tmp}/text.npz", "{tmp}/folder.npz", "a\0b.npz"]
    for name in ("mnits", "", "digits ", *absent):
        yield [*TRAIN, "--dataset", name]
    networks = ("", "resnet", ":", "a:b:c", "experiments:net", "math:pi", "os:getcwd", "json:")
    for name in (*networks, "nix.nix:f", "9:8"):
        yield from ([*RUN, *SHORT, "--network", name], [*TRAIN, "--network", name])
    overrides = ["", "b1", "b1=", "b1=2", "b9=1", "b1=x", "b1=0.9,b1=0.8", "b1=nan", "eps=-1"]
    rates = [f"learning_rate={rate}" for rate in ("0", "nan", "1e-46", "1e39")]
    others = ["thermolion:gate=nix", "thermolion:temperature=-1", "muon:ns_steps=-1"]
    users = ["", "adma", ":", "math:pi", "os:getcwd", "nix.nix:f", *others]
    for name in (*users, *(f"adam:{text}" for text in (*overrides, *rates))):
        yield from ([*RUN, "--optimizers", name], [*TRAIN, "--optimizer", name])
    yield from ([*RUN, "--optimizers", "adam", "adam"], [*RUN, *SHORT, "--protocol", "nix"])
    yield [*RUN, "--optimizers", "adam:learning_rate=1", "--learning-rates", "2"]
    yield ["run", "--datasets", "digits", "digits", *SHORT, "--out", "{tmp}/x"]


def _options_of_the_other_protocol():
    for option in ("--seeds", "--learning-rates", "--epochs", "--limit", "--batch-size"):
        for value in ("0", "3"):
            yield [*RUN, "--protocol", "fair", option, value]
    yield from ([*RUN, *more] for more in (["--budget", "half"], ["--regimes", "A"]))
    fair = [*RUN, "--protocol", "fair"]
    yield from ([*fair, "--budget", "most"], [*fair, "--regimes", "Z"], [*fair, "--regimes", ""])
    yield [*fair, "--optimizers", "adam", "adam:b1=0.9"]


def _places():
    bad = ("", "{tmp}/file", "{tmp}/file/x", "/proc/nix/x", "/dev/null/x", "x" * 300, "a\0b")
    for out in bad:
        yield ["run", "--datasets", "digits", *SHORT, "--out", out]
        yield ["train", "--epochs", "1", "--limit", "8", "--out", out]
        yield ["report", "{tmp}/records", "--out", out]
    yield ["report", ""]
    for folder in ("absent", "file", "nonsense", "a\0b", "folder.npz"):
        yield ["report", f"{{tmp}}/{folder}"]
    yield ["report", "{tmp}/records", "--baseline", "adma"]
    for address in ("h", "h:", "h:x", ":1", "h:0", "h:70000", "", "h:-1"):
        yield [*TRAIN, "--coordinator", address, "--processes", "2", "--process", "0"]
    for process, processes in (("2", "2"), ("-1", "2"), ("0", "0"), ("x", "2")):
        yield [*TRAIN, *("--coordinator", "h:1", "--processes", processes, "--process", process)]
    yield from ([*TRAIN, "--process", "1"], [*TRAIN, "--distributed"], [*RUN, "--distributed"])
    yield [*TRAIN, "--phases", "--optimizer", "adam"]


def _words():
    yield from ([], ["bad"], ["run"], ["report"], ["list", "x"], ["prepare"], ["train"])
    yield from ([*RUN, "--sedes", "3"], [*RUN, "--seed", "3"], [*TRAIN, "--seeds", "3"])


CASES = [
    *(*_numbers(), *_names(), *_options_of_the_other_protocol(), *_places(), *_words()),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory, synthetic):
    """Files and folders that are not what an option expects, and one that is: of records."""
    from experiments import records

    tmp = tmp_path_factory.mktemp("places")
    for name in ("file", "text.npz"):
        (tmp / name).write_text("text")
    for name in ("folder.npz", "nonsense"):
        (tmp / name).mkdir()
    (tmp / "nonsense" / "a.jsonl").write_text("nonsense\n{}\n")
    with records.Writer(tmp / "records") as writer:
        writer.append(synthetic())
    return tmp


@pytest.fixture(autouse=True)
def elsewhere(places, monkeypatch):
    monkeypatch.chdir(places)


def _told(arguments, capsys):
    """The exit code, and what is said on standard error."""
    try:
        code = cli.main(arguments)
    except SystemExit as error:  # argparse
        code = error.code
    return code, capsys.readouterr().err


def test_there_are_many():
    assert len(CASES) >= 200


@pytest.mark.parametrize("arguments", CASES, ids=lambda words: " ".join(words)[:60])
def test_a_bad_input_is_one_line(arguments, places, capsys):
    code, said = _told([word.replace("{tmp}", str(places)) for word in arguments], capsys)
    assert code == 2
    assert len([line for line in said.splitlines() if "error: " in line]) == 1, said
    assert said.splitlines()[-1].count("error: ") == 1, said
    assert "Traceback" not in said
    assert not (places / "x").exists()


def test_a_name_that_no_record_can_hold_is_refused_before_any_training(places, capsys):
    for words in (["--datasets", "gr\udcf6sse.npz"], ["--datasets", "digits", "--out", "\udcf6"]):
        code, said = _told(["run", "--out", f"{places}/x", *words], capsys)
        assert code == 2
        assert f"the argument {words[-1]!r} is not UTF-8" in said
        assert said.isascii()


MODULE = """
import sys, jax, jax.numpy as jnp, optax

def with_update(update):
    return optax.GradientTransformation(lambda params: jnp.zeros(()), update)

def update_raises(learning_rate):
    def update(updates, state, params=None): raise RuntimeError("no luck\\nat all")
    return with_update(update)
def raises(learning_rate): raise KeyError("here")
def exits(learning_rate): sys.exit(3)
def update_exits(learning_rate): return with_update(lambda u, s, p=None: sys.exit())
def eval_wrong(learning_rate): return optax.sgd(learning_rate), lambda state, params: state
def no_optimizer(learning_rate): return 3

def net_raises(): raise RuntimeError("no luck")
def net_exits(): sys.exit("bye")
def init_exits(): return (lambda *_: sys.exit(1)), (lambda params, images: images)
def logits_raise():
    def logits(params, images): raise ValueError("no such images")
    return (lambda *_: {"w": jnp.zeros(3)}), logits

def callback_raises():
    def logits(params, images):
        def count(images): raise ValueError("too few rows\\nof three")
        rows = jax.pure_callback(count, jax.ShapeDtypeStruct((), jnp.float32), images)
        return images.mean((1, 2)) @ params["w"] + rows
    return (lambda key, channels, classes: {"w": jnp.zeros((channels, classes))}), logits
"""
OPTIMIZERS = ["update_raises", "raises", "exits", "update_exits", "eval_wrong", "no_optimizer"]
NETWORKS = ["net_raises", "net_exits", "init_exits", "logits_raise"]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The name of a user's module, another of which ends Python when it is imported."""
    name = f"mine_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    (tmp_path / f"{name}_exits.py").write_text("import sys; sys.exit('bye')")
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.mark.parametrize("function", ["_exits:f", *(f":{name}" for name in OPTIMIZERS)])
@pytest.mark.parametrize("command", [[*RUN, "--optimizers"], [*TRAIN, "--optimizer"]])
def test_a_users_optimizer_that_fails_is_one_line(command, function, mine, places, capsys):
    words = [word.replace("{tmp}", str(places)) for word in command]
    code, said = _told([*words, f"{mine}{function}"], capsys)
    assert code == 2
    assert said.count("\n") == 1
    assert said.startswith(f"error: optimizer '{mine}")
    assert not (places / "x").exists()


@pytest.mark.parametrize("function", ["_exits:f", *(f":{name}" for name in NETWORKS)])
def test_a_users_network_that_fails_is_one_line(function, mine, places, capsys):
    code, said = _told(["train", "--out", f"{places}/x", "--network", f"{mine}{function}"], capsys)
    assert code == 2
    assert said.count("\n") == 1
    assert said.startswith(f"error: network '{mine}")
    assert not (places / "x").exists()


def test_what_a_host_callback_raises_is_told_by_its_own_words(mine, tmp_path):
    words = ["train", "--network", f"{mine}:callback_raises", "--epochs", "1", "--limit", "8"]
    child = subprocess.run(  # JAX keeps the error for whoever waits for the callback next
        [sys.executable, "-m", "experiments", *words, "--batch-size", "8", "--out", "x"],
        env=os.environ | {"PYTHONPATH": f"{Path(cli.__file__).parents[1]}{os.pathsep}{tmp_path}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert child.returncode == 1
    (said,) = [line for line in child.stderr.splitlines() if line.startswith("error: ")]
    assert said.startswith("error: JaxRuntimeError: ValueError: too few rows (")
