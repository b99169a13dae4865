from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from experiments.analysis import summaries, sweeps


def _swept(synthetic, optimizer, by_rate, dataset="digits", **more):
    return [
        synthetic(
            dataset,
            optimizer,
            seed,
            hyperparameters={"learning_rate": rate},
            changed={} if rate == 1e-3 else {"learning_rate": rate},
            train_accuracy=accuracy,
            **more,
        )
        for rate, accuracies in by_rate.items()
        for seed, accuracy in enumerate(accuracies)
    ]


def _best(records):
    found = sweeps.best(summaries.entries(records))
    return {(b.entry.dataset, b.entry.optimizer): (b.entry.learning_rate, b.at_edge) for b in found}


def test_the_best_rate_is_by_mean_train_accuracy_on_each_data_set(synthetic):
    made = _swept(synthetic, "adam", {3e-4: [0.8, 0.9], 1e-3: [0.88, 0.86], 3e-3: [0.5, 0.99]})
    made += _swept(synthetic, "adam", {1e-3: [0.5], 3e-3: [0.6]}, dataset="mnist")
    made += _swept(synthetic, "lion", {1e-3: [0.5]})
    assert _best(made) == {
        ("digits", "adam"): (1e-3, False),
        ("mnist", "adam"): (3e-3, True),
        ("digits", "lion"): (1e-3, False),
    }
    assert sweeps.swept(summaries.entries(made))
    assert not sweeps.swept(summaries.entries(_swept(synthetic, "lion", {1e-3: [0.5]})))


def test_ties_go_to_the_smaller_loss_and_a_loss_that_is_not_finite_loses(synthetic):
    made = _swept(synthetic, "adam", {3e-4: [0.1]}, train_loss=[2.0, None])
    made += _swept(synthetic, "adam", {1e-3: [0.1]}, train_loss=[2.0, 0.5])
    made += _swept(synthetic, "adam", {3e-3: [0.1]}, train_loss=[2.0, 0.4])
    assert _best(made) == {("digits", "adam"): (3e-3, True)}


def test_schedules_and_files_are_not_chosen_between(synthetic):
    made = _swept(synthetic, "adam", {1e-3: [0.8], 3e-3: [0.7]})
    made += _swept(synthetic, "adam", {1e-3: [0.9]}, schedule="warmup_cosine")
    assert len(sweeps.best(summaries.entries(made))) == 2


def test_the_difference_is_scipys_paired_interval(synthetic):
    draws = np.random.default_rng(0)
    base = draws.uniform(0.5, 0.6, 6)
    mine = base + draws.normal(0.05, 0.01, 6)
    one, other = (
        summaries.entry(_swept(synthetic, name, {1e-3: list(values)}))
        for name, values in (("lion", mine), ("adam", base))
    )
    found = sweeps.difference_from(one, other)
    low, high = stats.ttest_rel(100 * mine, 100 * base).confidence_interval(0.95)
    assert [found.mean - found.half, found.mean + found.half] == pytest.approx([low, high])


def test_only_seeds_that_both_have_are_paired(synthetic):
    one = summaries.entry([synthetic(seed=s, train_accuracy=0.8) for s in (0, 1, 7)])
    other = summaries.entry([synthetic(seed=s, train_accuracy=0.7) for s in (1, 0, 3)])
    apart = summaries.entry([synthetic(seed=9, train_accuracy=0.7)])
    assert sweeps.difference_from(one, other).n == 2
    assert sweeps.difference_from(one, apart) is None
    assert sweeps.difference_from(one, other, held_out=True).n == 2


def test_a_rate_whose_runs_diverged_is_not_the_best(synthetic):
    """Records from before such runs counted nothing right have the share of class 0."""
    dead = {"status": "diverged", "train_loss": [None, None]}
    made = _swept(synthetic, "sgd", {1e-3: [0.5, 0.6]})
    made += _swept(synthetic, "sgd", {1e30: [0.95, 0.95]}, **dead)
    assert _best(made) == {("digits", "sgd"): (1e-3, True)}
    made += _swept(synthetic, "sgd", {1e-4: [0.3, 0.4], 3e-3: [0.9, 0.9, 0.9]})
    made += [replace(_swept(synthetic, "sgd", {3e-3: [0.0] * 4})[3], status="diverged")]
    assert _best(made) == {("digits", "sgd"): (3e-3, False)}
    made = [one for one in made if one.hyperparameters["learning_rate"] != 3e-3]
    assert _best(made) == {("digits", "sgd"): (1e-3, False)}
