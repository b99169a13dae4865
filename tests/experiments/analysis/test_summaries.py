import numpy as np
import pytest

from experiments.analysis import summaries
from experiments.analysis.interval import interval


def test_entries_group_by_everything_but_the_seed(synthetic):
    made = [synthetic(seed=seed) for seed in (2, 0, 1)]
    made += [synthetic(optimizer="lion"), synthetic(changed={"learning_rate": 0.1})]
    made += [synthetic(fingerprint="other"), synthetic(protocol_version=2)]
    found = summaries.entries(made)
    assert sorted(entry.train.n for entry in found) == [1, 1, 1, 1, 3]
    (three,) = [entry for entry in found if entry.train.n == 3]
    assert list(three.by_seed) == [0, 1, 2]
    assert three.train.mean == pytest.approx(
        100 * np.mean([record.train_accuracy for record in made[:3]])
    )
    backwards = summaries.entries(made[::-1])
    assert [(e.row, e.train) for e in found] == [(e.row, e.train) for e in backwards]


def test_diverged_runs_count_as_measured_or_as_zero(synthetic):
    made = [
        synthetic(seed=0, train_accuracy=0.8),
        synthetic(seed=1, train_accuracy=0.1, train_loss=[2.0, None], status="diverged"),
        synthetic(seed=2, train_accuracy=None, train_loss=[None], status="diverged"),
    ]
    (one,) = summaries.entries(made)
    assert one.diverged == 2
    assert one.train.mean == pytest.approx(30.0)
    assert np.isnan(one.loss[2]).all()


def test_mean_gain_pairs_the_seeds(synthetic):
    def entry(optimizer, dataset, accuracies):
        return summaries.entry(
            [
                synthetic(dataset, optimizer, seed, train_accuracy=value)
                for seed, value in enumerate(accuracies)
            ]
        )

    # Seeds move both alike: the differences are 0.10, 0.10, 0.13 and 0.20, 0.20, 0.23.
    pairs = [
        (entry("lion", "mnist", [0.6, 0.7, 0.83]), entry("adam", "mnist", [0.5, 0.6, 0.7])),
        (entry("lion", "usps", [0.4, 0.6, 0.83]), entry("adam", "usps", [0.2, 0.4, 0.6])),
    ]
    gain = summaries.mean_gain(pairs)
    assert gain.mean == pytest.approx(16.0)
    assert gain.half == pytest.approx(interval([15.0, 15.0, 18.0]).half)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("network", "vit"),
        ("network_source", "0123"),
        ("optimizer_source", "0123"),
        ("schedule", "warmup_cosine"),
        ("regime", "A"),
        ("phase", "tune"),
        ("budget", "smoke"),
        ("protocol_hash", "0123"),
    ],
)
def test_runs_under_other_conditions_are_never_averaged(synthetic, name, value):
    made = [synthetic(seed=0), synthetic(seed=1), synthetic(seed=0, **{name: value})]
    assert sorted(entry.train.n for entry in summaries.entries(made)) == [1, 2]


def test_a_condition_that_older_records_leave_out_is_the_default(synthetic):
    said = synthetic(seed=1, network="convnet", schedule="constant", regime=None)
    (one,) = summaries.entries([synthetic(seed=0), said])
    assert (one.train.n, one.network, one.conditions) == (2, "convnet", {})


def test_mean_gain_of_held_out_accuracy_uses_the_seeds_that_have_it(synthetic):
    def entry(optimizer, accuracies):
        return summaries.entry(
            [
                synthetic("mnist", optimizer, seed, test_accuracy=value)
                for seed, value in enumerate(accuracies)
            ]
        )

    pair = (entry("lion", [0.6, 0.7, None]), entry("adam", [0.5, 0.5, 0.9]))
    gain = summaries.mean_gain([pair], held_out=True)
    assert gain.values == pytest.approx((10.0, 20.0))
