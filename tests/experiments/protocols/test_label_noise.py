"""The label noise study: its labels, its cells, and a whole one trained."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from linear_network import NETWORK
from made_records import Made

from experiments import __main__ as cli
from experiments import datasets, optimizers, records, runner, work
from experiments.datasets.dataset import fingerprint
from experiments.protocols import label_noise

RESULTS = Path(__file__).parents[3] / "results"


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.85])
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


def test_noise_that_would_teach_the_wrong_label_is_refused_before_any_training(trained, tmp_path):
    """Of two classes, 60 % wrong labels are 60 % of the labels of the other class."""
    images = np.random.default_rng(0).integers(0, 256, (60, 32, 32), dtype=np.uint8)
    np.savez(tmp_path / "two.npz", images=images, labels=np.arange(60) % 2)
    two = datasets.load(str(tmp_path / "two.npz"))
    assert (datasets.with_label_noise(two, 0.49).labels != two.labels).sum() == 29
    for share in (0.5, 0.6):
        with pytest.raises(datasets.DatasetError, match=r"two\.npz has 2 class.* less than 50 %"):
            datasets.with_label_noise(two, share)
    found = {"adamw": optimizers.resolve("adamw")}
    made = label_noise.study([str(tmp_path / "two.npz")], found, budget="smoke", regimes=["b32"])
    told = io.StringIO()
    summary = runner.run(made, work.Paths(tmp_path / "out"), stream=told)
    (reason,) = summary.failures
    assert "where 60 % of the labels are redrawn" in reason
    assert f"0 of 24 runs done, 24 left | starting\nskipped 3 run(s): {reason}" in told.getvalue()


def study(budget="full", regimes=(), names=label_noise.OPTIMIZERS):
    resolved = {one.name: one for one in map(optimizers.resolve, names)}
    return label_noise.study(["digits"], resolved, budget=budget, regimes=regimes)


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


def test_one_list_of_rates_serves_all_batch_sizes():
    chains = study().chains
    hashes = {chain.name: chain.protocol.hash for chain in chains}
    assert all(chain.protocol.hash == hashes[chain.name] for chain in chains)  # one study
    lists = {(chain.name, str(chain.candidates)) for chain in chains}
    assert len(lists) == len(hashes) == 3


def test_a_rate_stated_in_a_name_is_the_centre_of_its_list():
    for name, centre in (("adamw:learning_rate=0.1", 0.1), ("adamw", 3.16228e-3)):
        assert study(names=[name]).chains[0].candidates[0] == {"learning_rate": centre}


@pytest.mark.parametrize("folder", ["fair", "ablation"])
def test_the_best_known_rates_are_inside_the_lists(folder):
    """On Fashion-MNIST in regime B, by the validation images of the studies that have records."""
    tuned = [
        one
        for one in records.read(RESULTS / folder).records
        if (one.dataset, one.regime, one.phase, one.trial) == ("fashion_mnist", "B", "tune", None)
        and (one.seed, one.schedule) == (101, "warmup_cosine")
    ]
    for chain in study(regimes=("b128",)).chains[:3]:
        rates = sorted(one["learning_rate"] for one in chain.candidates)
        name = chain.name.partition(":")[0]
        mine = [one for one in tuned if one.optimizer.partition(":")[0] == name]
        mine = [one for one in mine if one.optimizer in (name, chain.name)]
        best = max(mine, key=lambda one: (one.validation_accuracy[-1], -one.validation_loss[-1]))
        assert rates[1] <= best.hyperparameters["learning_rate"] <= rates[-2]


def test_signum_decays_its_weights_as_the_others_do():
    resolved = [optimizers.resolve(name) for name in label_noise.OPTIMIZERS]
    assert {(one.defaults | one.overrides)["weight_decay"] for one in resolved} == {0.01}


@pytest.mark.parametrize("images", [5000, 2400, 2048, 2047, 1150, 300, 97])
def test_no_cell_has_an_epoch_with_a_smaller_last_batch(images):
    """Its gradient would enter λ, which is read right after it, more where batches are large."""
    labels = np.arange(images) % 10
    pixels = np.zeros((images, 2, 2, 1), np.uint8)
    data = replace(datasets.load("digits"), images=pixels, labels=labels)
    cells = study().plan(lambda cell: None).cells
    assert {cell.regime.batch_size for cell in cells} == {32, 128, 1024}
    for cell in {cell.program: cell for cell in cells}.values():
        kept, _ = datasets.in_whole_batches(data, cell.task.batch)
        size = runner._config(cell, len(kept.labels)).batch_size
        assert len(kept.labels) % size == 0
        assert size == min(cell.regime.batch_size, len(kept.labels) // 2)
    assert len(kept.labels) > images / 2
    if images == 5000:
        assert len(kept.labels) == 4096


def test_whole_batches_keep_every_class_of_a_sorted_file_and_say_what_they_leave(digits):
    order = np.argsort(digits.labels, kind="stable")
    ordered = replace(digits, images=digits.images[order], labels=digits.labels[order])
    kept, words = datasets.in_whole_batches(ordered, 128)
    assert len(kept.labels) == len(digits.labels) // 128 * 128
    share = np.bincount(kept.labels) / np.bincount(digits.labels)
    assert share.max() - share.min() < 0.02
    assert kept.fingerprint == fingerprint(kept.images, kept.labels)
    assert f"{len(digits.labels):,} training images {len(kept.labels):,} are trained on" in words
    assert datasets.in_whole_batches(kept, 128) == (kept, "")


def test_whole_batches_that_would_leave_a_class_out_are_refused(digits):
    """As `load_splits` refuses a part without a class; they would be trained on without a word."""
    labels = np.repeat([0, 1, 2], [125, 1, 1])
    some = replace(digits, images=digits.images[:127], labels=labels)
    with pytest.raises(datasets.DatasetError, match=r"64 of 127 .*none of class .2."):
        datasets.in_whole_batches(some, 1024)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": "half"}, "unknown budget 'half': there are full, smoke"),
        ({"regimes": ("B",)}, "unknown regime 'B': there are b32, b128, b1024"),
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
        assert one.data.examples == 1024
        assert "1,150 training images 1,024 are trained on" in one.data.rule
    final = [one for one in found if one.phase == "final"]
    assert len({one.data.test_fingerprint for one in final}) == 1  # clean
    assert len({one.data.validation_fingerprint for one in final}) == 3
    snr = {}
    for one in final:
        snr.setdefault(one.data.label_noise or 0.0, []).append(one.telemetry["gradient_snr"][0])
    assert np.mean(snr[0.0]) > np.mean(snr[0.6])
