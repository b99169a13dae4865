"""Whole fair studies, trained, at the smoke budget: a user's own optimizer, network and images."""

import functools
import sys

import numpy as np
import pytest
from linear_network import NETWORK
from sklearn.datasets import load_digits

from experiments import __main__ as cli
from experiments import records, runner
from experiments.progress import Progress

OPTIMIZER = """
import optax

def slow(learning_rate=1e-2, *, momentum=0.5):
    return optax.sgd(learning_rate, momentum)

slow.search_space = {"momentum": (0.1, 0.9, "linear")}
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A user's folder: a module with an optimizer and a network, and a file of images."""
    (tmp_path / "mine_of_fair.py").write_text(NETWORK + OPTIMIZER)
    images, labels = load_digits(return_X_y=True)
    few = labels < 4
    pixels = (images[few].reshape(-1, 8, 8, 1) * 15).astype(np.uint8)
    np.savez(tmp_path / "mine.npz", images=pixels, labels=labels[few])
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("mine_of_fair", None)


def study(capsys, out, *words):
    """Runs a smoke study and its report: what both print, the records, the report's page."""
    command = ["run", "--protocol", "fair", "--budget", "smoke", "--regimes", "B", *words]
    assert cli.main([*command, "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert cli.main([*command, "--out", str(out)]) == 0
    assert "0 run(s) made" in capsys.readouterr().out  # nothing is wanted any more
    assert cli.main(["report", str(out)]) == 0
    page = (out / "report" / "report.md").read_text("utf-8")
    return told, capsys.readouterr().out, records.read(out).records, page


def check_complete(found, optimizers):
    """Every optimizer had as many runs as every other, and only its last ones were judged."""
    phases = {name: [one.phase for one in found if one.optimizer == name] for name in optimizers}
    assert {one.optimizer for one in found} == set(optimizers)
    assert len({tuple(sorted(runs)) for runs in phases.values()}) == 1
    assert set(phases[optimizers[0]]) == {"tune", "refine", "confirm", "final", "default"}
    for one in found:
        assert one.budget == "smoke"
        assert (one.test_accuracy is not None) == (one.phase in ("final", "default"))


def check_verdict(report, question, other):
    """The question's line is there, and says of itself that it answers nothing."""
    lines = [x for x in report.splitlines() if f"ThermoLion against {other} on" in x]
    assert len(lines) == 2  # with the tables, and again at the end
    assert all(f"not an answer (smoke): {question}, regime B" in line for line in lines)


@pytest.mark.slow
def test_an_optimizer_a_network_and_images_of_ones_own(mine, capsys, monkeypatch):
    # A line a run: a quick machine is done before the next one would be due.
    monkeypatch.setattr(runner, "Progress", functools.partial(Progress, every=0.0))
    optimizers = ["mine_of_fair:slow", "adamw", "thermolion"]
    told, report, found, page = study(
        capsys,
        mine / "out",
        *("--datasets", str(mine / "mine.npz"), "--network", "mine_of_fair:linear"),
        *("--optimizers", *optimizers),
    )
    check_complete(found, optimizers)
    assert "to come" in told.err
    assert "tune" in told.err
    tried = {
        one.hyperparameters["learning_rate"] for one in found if one.optimizer == optimizers[0]
    }
    assert len(tried) >= 3
    check_verdict(report, "Q1", "AdamW")
    last = report.split("Where to look first")[1]
    for rival in ("AdamW", "ThermoLion"):
        told = "not an answer (smoke): yours, regime B, mine_of_fair:linear: Is mine_of_fair:slow "
        assert f"{told}better? mine_of_fair:slow against {rival} on mine.npz, held-out" in last
    assert "mine_of_fair:slow" in page
    assert "mine.npz" in page


def test_the_embedded_digits_by_three_optimizers(mine, capsys):
    optimizers = ["adamw", "signum", "thermolion"]
    words = ("--datasets", "digits", "--network", "mine_of_fair:linear")
    _, report, found, _ = study(capsys, mine / "out", *words, "--optimizers", *optimizers)
    check_complete(found, optimizers)
    check_verdict(report, "Q1", "AdamW")
    check_verdict(report, "Q2", "Signum")
    best = max(one.test_accuracy for one in found if one.phase == "final")
    assert best > 0.5  # of ten classes: they were trained
