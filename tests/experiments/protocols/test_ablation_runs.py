"""A whole ablation study of three arms, trained: digits, a linear network, the smoke budget."""

import math
from collections import Counter

import pytest
from linear_network import NETWORK

from experiments import __main__ as cli
from experiments import records


def finals(found, optimizer):
    return [one for one in found if (one.optimizer, one.phase) == (optimizer, "final")]


def steps(runs):
    """The first seed's step size of each configuration."""
    return [one.update_rms for one in runs if one.seed == 201]


@pytest.mark.slow
def test_from_the_command_to_records(tmp_path, monkeypatch, capsys):
    (tmp_path / "flat_of_ablation.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    out = tmp_path / "runs"
    command = ["run", "--protocol", "ablation", "--budget", "smoke", "--regimes", "B"]
    command += ["--datasets", "digits", "--network", "flat_of_ablation:linear"]
    command += ["--optimizers", "thermolion", "adamw", "signum:weight_decay=0.01"]
    command += ["--out", str(out)]
    assert cli.main(command) == 0
    assert "27 run(s) made" in capsys.readouterr().out
    found = records.read(out).records
    assert Counter(one.phase for one in found) == {"tune": 9, "confirm": 6, "final": 12}
    assert {one.protocol for one in found} == {"ablation[budget=smoke]"}
    for one in found:
        assert (one.test_correct is not None) == (one.phase == "final")
        assert one.update_rms > 0
        assert one.command.startswith("python -m experiments run --protocol ablation --datasets")
    assert len({one.hyperparameters["learning_rate"] for one in finals(found, "adamw")}) == 2
    (ours,) = steps(finals(found, "thermolion"))
    own, derived = sorted(steps(finals(found, "adamw")))  # ThermoLion's steps are the larger ones
    assert own < derived
    assert abs(math.log(derived / ours)) < abs(math.log(own / ours))
    assert cli.main(command) == 0
    assert "0 run(s) made, 27 already there" in capsys.readouterr().out
