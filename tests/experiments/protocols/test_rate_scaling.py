"""The rate scaling study: its cells, and a whole one trained."""

import math
from collections import Counter

import pytest
from linear_network import NETWORK
from made_records import rate

from experiments import __main__ as cli
from experiments import optimizers, records
from experiments.protocols import rate_scaling


def study(budget="full", regimes=(), datasets=("digits",)):
    names = {name: optimizers.resolve(name) for name in rate_scaling.OPTIMIZERS}
    return rate_scaling.study(datasets, names, budget=budget, regimes=regimes)


def test_every_rate_with_both_seeds_for_every_pair_and_no_test_image():
    cells = study().plan(lambda cell: None).cells
    pairs = [(steps, size) for steps in (60, 600) for size in (32, 128, 512)]
    counts = Counter((c.regime.steps, c.regime.batch_size, c.learner.optimizer) for c in cells)
    assert counts == {(*pair, name): 14 for pair in pairs for name in ("adamw", "thermolion")}
    tried = Counter((round(2 * math.log10(rate(c)), 4), c.seed) for c in cells)
    assert tried == {(k, seed): 12 for k in range(-9, -2) for seed in (101, 102)}
    for cell in cells:
        assert (cell.reads_test, cell.phase, cell.task.parts) == (False, "tune", "split")
        assert cell.learner.schedule == "warmup_cosine"
        assert cell.regime.scheduled


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": "half"}, "unknown budget 'half': there are full, smoke"),
        ({"regimes": ("s60b128", "b128")}, "unknown regime 'b128': did you mean s60b128"),
        ({"regimes": ("s60b128", "s60b128")}, "regime given twice: s60b128"),
        ({"datasets": ("digits", "digits")}, "data set given twice: digits"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        study(**change)


@pytest.mark.slow
def test_from_the_command_to_records_and_their_report(tmp_path, monkeypatch, capsys):
    (tmp_path / "flat_of_rates.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    out = tmp_path / "runs"
    command = ["run", "--protocol", "rate_scaling", "--budget", "smoke", "--datasets", "digits"]
    command += ["--network", "flat_of_rates:linear", "--optimizers", "adamw", "--out", str(out)]
    assert cli.main([*command, "--regimes", "s60b32", "s600b32"]) == 0
    assert "12 run(s) made" in capsys.readouterr().out
    found = records.read(out).records
    assert {(one.settings["steps"], one.settings["batch_size"]) for one in found} == {
        (6, 32),
        (60, 32),
    }
    for one in found:
        assert one.test_accuracy is None
        assert len(one.validation_accuracy) == 1
    best = {
        steps: max(one.validation_accuracy[-1] for one in found if one.settings["steps"] == steps)
        for steps in (6, 60)
    }
    assert best[60] > best[6]
    assert cli.main(["report", str(out)]) == 0
    text = capsys.readouterr().out
    assert "not an answer (smoke): digits, flat_of_rates:linear, AdamW: No answer yet" in text
    assert "digits, flat_of_rates:linear, s60b128: 6 runs, of AdamW (6)" in text
