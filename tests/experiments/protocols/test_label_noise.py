"""The label noise study: its labels, its cells, and a whole one trained."""

import numpy as np
import pytest
from linear_network import NETWORK
from made_records import Made

from experiments import __main__ as cli
from experiments import datasets, optimizers, records
from experiments.protocols import label_noise


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


@pytest.mark.parametrize("share", [0.3, 0.6, 1.0])
def test_that_many_labels_are_redrawn_among_the_other_classes_alike(digits, share):
    noisy = datasets.with_label_noise(digits, share)
    wrong = noisy.labels != digits.labels
    assert wrong.sum() == round(share * len(digits.labels))
    assert noisy.images is digits.images
    assert noisy.labels.dtype == digits.labels.dtype
    assert noisy.fingerprint != digits.fingerprint
    shift = (noisy.labels - digits.labels)[wrong] % 10
    counts = np.bincount(shift, minlength=10)
    assert counts[0] == 0
    expected = wrong.sum() / 9  # χ² with 8 degrees of freedom: 26.1 is passed once in a thousand
    assert ((counts[1:] - expected) ** 2 / expected).sum() < 26.1
    by_class = [wrong[digits.labels == label].mean() for label in range(10)]
    assert np.allclose(by_class, share, atol=0.15)


def test_the_same_labels_for_everybody_and_those_of_less_noise_among_those_of_more(digits):
    less, more = (datasets.with_label_noise(digits, share) for share in (0.3, 0.6))
    assert np.array_equal(less.labels, datasets.with_label_noise(digits, 0.3).labels)
    wrong = less.labels != digits.labels
    assert np.array_equal(less.labels[wrong], more.labels[wrong])
    assert datasets.with_label_noise(digits, 0.0) is digits


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_no_share_is_refused(digits, share):
    with pytest.raises(ValueError, match=r"expected a share in \[0, 1\]"):
        datasets.with_label_noise(digits, share)


def study(budget="full", regimes=()):
    names = {name: optimizers.resolve(name) for name in label_noise.OPTIMIZERS}
    return label_noise.study(["digits"], names, budget=budget, regimes=regimes)


def test_nine_cells_each_tuned_for_itself():
    made, one = Made(lambda cell: 0.5), study()
    assert made.finish(one).left == 0
    assert len(made.order) == 9 * 3 * (5 + 2 + 10)
    where = {(c.regime.batch_size, c.task.label_noise) for c in made.order}
    assert where == {(b, p) for b in (32, 128, 1024) for p in (0.0, 0.3, 0.6)}
    assert {c.task.title for c in made.order} == {
        "digits",
        "digits (30 % label noise)",
        "digits (60 % label noise)",
    }
    assert len({made.records[cell].identity for cell in made.order}) == len(made.order)


@pytest.mark.parametrize(
    ("name", "centre"), [("thermolion", 1e-3), ("adamw", 1e-3), ("signum", 3.16228e-4)]
)
def test_the_rates_tried_move_with_the_root_of_the_batch(name, centre):
    rates = {}
    chains = [chain for chain in study().chains if chain.name == name]
    for chain in chains:
        tried = tuple(sorted(one["learning_rate"] for one in chain.candidates))
        rates.setdefault(chain.regime.batch_size, set()).add(tried)
    for batch, shift in ((32, 10**-0.5), (128, 1), (1024, 10**0.5)):
        (tried,) = rates[batch]
        assert tried == pytest.approx([centre * shift * 10 ** (k / 2) for k in range(-2, 3)], 1e-5)
    assert len({chain.protocol.hash for chain in chains}) == 1  # one study


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": "half"}, "unknown budget 'half': there is full, smoke"),
        ({"regimes": ("B",)}, "unknown regime 'B': there is b32, b128, b1024"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        study(**change)


@pytest.mark.slow
def test_from_the_command_to_records(tmp_path, monkeypatch, capsys):
    (tmp_path / "flat_of_noise.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    out = tmp_path / "runs"
    command = ["run", "--protocol", "label_noise", "--budget", "smoke", "--regimes", "b128"]
    command += ["--datasets", "digits", "--network", "flat_of_noise:linear", "--out", str(out)]
    assert cli.main([*command, "--optimizers", "thermolion"]) == 0
    assert "24 run(s) made" in capsys.readouterr().out
    found = records.read(out).records
    for one in found:
        assert set(one.telemetry) == {"gradient_snr", "snr_mean", "gate_mean", "noise_std"}
        assert {len(values) for values in one.telemetry.values()} == {2}
        assert ("30 %" in one.dataset) == (one.data.label_noise == 0.3)
        assert ("60 %" in one.dataset) == (one.data.label_noise == 0.6)
    final = [one for one in found if one.phase == "final"]
    assert len({one.data.test_fingerprint for one in final}) == 1  # clean
    assert len({one.data.validation_fingerprint for one in final}) == 3
    snr = {}
    for one in final:
        snr.setdefault(one.data.label_noise or 0.0, []).append(one.telemetry["gradient_snr"][0])
    assert np.mean(snr[0.0]) > np.mean(snr[0.6])
