"""The protocols' hashes are those of the committed records: what was run is not run again."""

import importlib
from collections import defaultdict
from pathlib import Path

import pytest

from experiments import optimizers, records
from experiments.protocols.label_noise import constants

RETUNED = {("fashion_mnist", "B", "smes"): 1}
"""Runs at an earlier default of an optimizer, kept since they read the test images."""
RESULTS = Path(__file__).parents[2] / "results"


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("fair", "fair"),
        ("ablation", "ablation"),
        ("exponent", "smes/exponent"),
        ("rate_scaling", "rate_scaling"),
    ],
)
def test_a_studys_hashes_are_those_of_its_records(name, folder):
    committed = defaultdict(set)
    for one in records.read(RESULTS / folder).records:
        committed[one.dataset, one.regime, one.optimizer].add(one.protocol_hash)
    sets = sorted({dataset.partition(" (")[0] for dataset, *_ in committed})
    protocol = importlib.import_module(f"experiments.protocols.{name}")
    study = protocol.study(sets, {one: optimizers.resolve(one) for one in protocol.OPTIMIZERS})
    planned = defaultdict(set)
    for cell in study.plan(lambda cell: None).cells:
        learnt = (cell.task.title, cell.regime.name, cell.learner.optimizer)
        planned[learnt].add(cell.protocol.hash)
    older = {key: found - planned[key] for key, found in committed.items() if found > planned[key]}
    assert {key: committed[key] - older.get(key, set()) for key in committed} == {
        key: planned[key] for key in committed
    }
    assert {key: len(found) for key, found in older.items()} == (RETUNED if name == "fair" else {})


def test_the_label_noise_studys_hash_stays_the_same():
    candidates = ({"learning_rate": 1e-3}, {"learning_rate": 2e-3, "eps": 1e-8})
    assert constants.content_hash(candidates) == "b4eb49d52dae57d9"
