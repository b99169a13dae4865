import importlib
import re
import shlex
from collections import defaultdict

import pytest
from made_records import Made

from experiments import optimizers
from experiments.analysis import summaries
from experiments.command_line.options import parser
from experiments.protocols.paper import published, section
from experiments.reports import report
from experiments.reports.section import Question


def _missing(entries, folder):
    (found,) = section.build(entries, Question(folder))
    return list(found.missing)


def test_missing_cells_of_the_grid_get_the_command_that_fills_them(synthetic):
    made = [
        synthetic(dataset, optimizer, seed)
        for dataset in ("digits", "my signs.npz")
        for optimizer in ("adam", "thermolion:boost=0")
        for seed in range(3)
    ]
    entries = summaries.entries(made[:-2])
    missing, rest = _missing(entries, "runs/x")
    assert missing == (
        "2 run(s) of the grid begun are missing: `python -m experiments run --protocol paper "
        "--datasets digits 'PATH/my signs.npz' --optimizers adam thermolion:boost=0 --seeds 3 "
        "--out runs/x`"
    )
    assert "nothing of the data sets gtsrb, cifar10" in rest
    assert _missing(summaries.entries(made), "x")[0].startswith("of the paper's study")


def test_a_sweep_has_a_command_of_its_own(synthetic):
    made = [synthetic("digits", "adam", seed) for seed in range(2)]
    made += [synthetic("digits", "adam", 0, changed={"learning_rate": 0.003})]
    made += [synthetic("digits", "lion", seed, changed={"learning_rate": 0.003}) for seed in (0, 1)]
    found = _missing(summaries.entries(made), "x")
    assert len(found) == 2  # the missing cell, and the rest of the paper's study
    assert "--optimizers adam lion --learning-rates 0.003 --seeds 2" in found[0]


def test_the_whole_study_lacks_nothing(synthetic):
    entries = summaries.entries(
        synthetic(d, o) for d in published.DATASETS for o in published.OPTIMIZERS
    )
    assert _missing(entries, "x") == []


def test_deviations_are_not_the_papers_study(synthetic):
    short = [synthetic("digits", "adam", seed, protocol="paper[epochs=2]") for seed in (0, 2)]
    (missing,) = _missing(summaries.entries(short), "x")
    assert "--protocol paper --epochs 2 --datasets digits" in missing


def test_different_data_under_one_name_keep_that_name_in_notes_and_commands(synthetic):
    entries = report.apart(
        summaries.entries(
            synthetic("fashion_mnist", seed=seed, fingerprint=fingerprint)
            for seed, fingerprint in ((0, "a" * 64), (1, "a" * 64), (0, "b" * 64))
        )
    )
    assert len({entry.dataset for entry in entries}) == 2
    (found,) = section.build(entries, Question("runs"))
    assert not any("not among the paper's" in note for note in found.notes)
    begun, never = _missing(entries, "runs")
    assert "--datasets fashion_mnist --optimizers" in begun
    assert "fashion_mnist" not in never.split(":")[0]


def test_a_missing_cell_is_not_hidden_by_a_second_rate_of_another_optimizer(synthetic):
    made = [synthetic(optimizer="adam", seed=0)]
    for rate in (0.01, 0.03):
        made += [
            synthetic(optimizer="smes", hyperparameters={"learning_rate": rate}, seed=seed)
            for seed in range(3)
        ]
    assert _missing(summaries.entries(made), "runs")[0].startswith("2 run(s)")


def test_a_network_of_ones_own_is_in_the_command_and_is_not_the_papers_study(synthetic):
    made = [synthetic("digits", "adam", seed, network="vit") for seed in (0, 2)]
    (missing,) = _missing(summaries.entries(made), "runs")
    assert "--protocol paper --network vit --datasets digits" in missing


@pytest.mark.parametrize("name", ["fair", "ablation", "label_noise", "rate_scaling"])
def test_the_command_that_goes_on_with_a_study_has_its_network(name):
    protocol = importlib.import_module(f"experiments.protocols.{name}")
    resolved = {one: optimizers.resolve(one) for one in ("adamw", "thermolion")}
    study = protocol.study(["digits"], resolved, ["vit"], budget="smoke")
    begun = Made(lambda cell: 0.5)
    begun.run(study.plan(begun.find).cells[:1])
    (found,) = report.sections(summaries.entries(list(begun.records.values())), Question("runs/x"))
    command = re.search(r"`python -m experiments (run .*)`", found.missing[-1])[1]
    words = parser(defaultdict(lambda: None)).parse_args(shlex.split(command))
    assert (words.protocol, words.network, words.datasets) == (name, ["vit"], ["digits"])
    assert words.budget == "smoke"
