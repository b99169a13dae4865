"""The exponent study, driven by made-up scores in place of training, and a whole one trained."""

import math
from collections import Counter

import pytest
from linear_network import NETWORK
from made_records import Made

from experiments import __main__ as cli
from experiments import datasets, optimizers, records
from experiments.protocols import exponent
from experiments.protocols.exponent import constants
from experiments.protocols.fair import constants as fair
from experiments.protocols.fair.gradient_size import gradient_size

ZERO, QUARTER, HALF = "scaled_smes:alpha=0", "scaled_smes", "scaled_smes:alpha=0.5"


def study(names=exponent.OPTIMIZERS, datasets=("digits",), budget="full", regimes=("B",)):
    resolved = {name: optimizers.resolve(name) for name in names}
    return exponent.study(list(datasets), resolved, budget=budget, regimes=regimes)


def numbers_of(cell):
    return dict(cell.learner.changed)


def test_every_arm_is_named_canonically():
    numbers = constants.protocol()
    assert [optimizers.resolve(name).name for name in numbers["arms"]] == [*numbers["arms"]]
    spoken = {
        name for one in numbers["questions"].values() for pair in one["pairs"] for name in pair
    }
    assert spoken <= {*numbers["alphas"]} <= {*numbers["arms"]}
    for name, alpha in numbers["alphas"].items():
        assert optimizers.resolve(name).overrides.get("alpha", 0.25) == alpha


def test_the_whole_study_has_the_runs_that_it_says():
    made, one = Made(lambda cell: 0.5), study(datasets=("fashion_mnist",), regimes=("B", "A"))
    assert made.finish(one).left == 0
    arm = 27 + 2 + 10
    assert len(made.order) == 2 * (5 * arm + (9 + 2 + 10)) + 2 * (3 * arm + (9 + 2 + 10))
    assert len({made.records[cell].identity for cell in made.order}) == len(made.order)
    finals = Counter((c.regime.name, c.task.sparsity) for c in made.order if c.phase == "final")
    assert finals == {("B", 0.0): 60, ("B", 0.5): 40, ("B", 0.9): 40, ("A", 0.0): 60}
    sparse = {c.learner.optimizer for c in made.order if c.task.sparsity}
    assert sparse == {*constants.protocol()["alphas"]}  # no question asks for another there
    assert {c.task.title for c in made.order} == {
        "fashion_mnist",
        "fashion_mnist (50 % of the pixels 0)",
        "fashion_mnist (90 % of the pixels 0)",
    }
    assert {c.regime.readings for c in made.order} == {8}


def test_the_best_rate_and_eps_win():
    def accuracy(cell):
        found = numbers_of(cell)
        far = abs(math.log10(found["learning_rate"] / 1e-2))
        return 0.9 - 0.1 * far - (0.05 if found["eps"] != 1e-4 else 0)

    made = Made(accuracy)
    made.finish(study([QUARTER]))
    (won,) = {c.learner.changed for c in made.order if c.phase == "final"}
    size = fair.protocol()["gradient_sizes"]["digits"]
    assert dict(won) == {"learning_rate": 1e-2, "eps": 1e-4, "gradient_size": size}


def test_without_an_exponent_there_is_no_eps():
    made = Made(lambda cell: 0.5)
    made.finish(study([ZERO, HALF]))
    tried = {(c.learner.optimizer, numbers_of(c)["eps"]) for c in made.order}
    assert tried == {(ZERO, 0.0), *((HALF, eps) for eps in (1e-8, 1e-4, 1e-2))}
    rates = {numbers_of(c)["learning_rate"] for c in made.order}
    assert (min(rates), max(rates), len(rates)) == (1e-5, 1e-1, 9)


def test_shards_and_interruptions_come_to_the_same_runs():
    one, whole, torn = study(budget="smoke"), Made(lambda c: 0.5), Made(lambda c: 0.5)
    whole.finish(one)
    for index in (1, 0):
        shard = one.share(index, 2)
        while cells := shard.plan(torn.find).cells:
            torn.run(cells[:1])
    assert set(torn.records) == set(whole.records)


def test_the_hash_is_of_what_decides_runs(monkeypatch):
    before = constants.content_hash(({"learning_rate": 1e-3},))
    assert before != constants.content_hash(({"learning_rate": 2e-3},))
    for name in constants.WORDS:
        other = {**constants.protocol(), name: "another"}
        monkeypatch.setattr(constants, "protocol", lambda changed=other: changed)
        assert constants.content_hash(({"learning_rate": 1e-3},)) == before
        monkeypatch.undo()
    other = {**constants.protocol(), "readings": 1}
    monkeypatch.setattr(constants, "protocol", lambda: other)
    assert constants.content_hash(({"learning_rate": 1e-3},)) != before


def test_a_set_of_ones_own_has_the_size_that_is_written_where_the_pages_say(monkeypatch):
    own = {"mine.npz": {"0": 1.6e-4}}
    changed = {**constants.protocol(), "gradient_sizes": own}
    monkeypatch.setattr(constants, "protocol", lambda: changed)
    assert constants.recorded_gradient_size("mine.npz", 0.0) == 1.6e-4
    assert constants.recorded_gradient_size("digits", 0.0) > 0
    with pytest.raises(ValueError, match=r"that of mine.npz is not known"):
        constants.recorded_gradient_size("mine.npz", 0.5)


def test_every_set_of_the_budgets_has_its_size():
    for one in constants.protocol()["budgets"].values():
        for dataset in one["sparse"]["datasets"]:
            for share in [0.0, *one["sparse"]["shares"]]:
                assert 0 < constants.recorded_gradient_size(dataset, share) < 1


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_the_committed_size_is_what_the_digits_measure(share):
    dense = datasets.load_splits("digits", limit=fair.protocol()["limit"], with_test=False).train
    train = datasets.with_sparsity(dense, share)
    size = gradient_size(train.images, train.labels, train.num_classes)
    assert constants.recorded_gradient_size("digits", share) == pytest.approx(size, rel=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": "half"}, "unknown budget 'half': there are full, smoke"),
        ({"regimes": ("D",)}, "unknown regime 'D'"),
        ({"names": [f"{HALF},learning_rate=0.5"]}, "learning_rate stated in its name"),
        ({"names": [f"{HALF},eps=0.001,gradient_size=7"]}, "eps, gradient_size stated in its name"),
        ({"names": ["adamw"]}, "compares scaled_smes and its variants.*adamw is neither"),
        ({"datasets": ("mine.npz",)}, "that of mine.npz is not known: python -m experiments"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        study(**change)


@pytest.mark.slow
def test_from_the_command_to_records_and_their_report(tmp_path, monkeypatch, capsys):
    (tmp_path / "flat_of_exponent.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    out = tmp_path / "runs"
    command = ["run", "--protocol", "exponent", "--budget", "smoke", "--regimes", "B"]
    command += ["--datasets", "digits", "--network", "flat_of_exponent:linear"]
    command += ["--optimizers", ZERO, HALF, "--out", str(out)]
    assert cli.main(command) == 0
    assert "32 run(s) made" in capsys.readouterr().out
    found = records.read(out).records
    assert Counter(one.phase for one in found) == {"tune": 12, "confirm": 8, "final": 12}
    for one in found:
        assert (one.test_correct is not None) == (one.phase == "final")
        assert (one.data.sparsity == 0.9) == ("90 % of the pixels 0" in one.dataset)
        assert len(one.validation_loss) == min(8, len(one.train_loss))
    parts = {
        (one.data.fingerprint, one.data.validation_fingerprint, one.data.test_fingerprint)
        for one in found
        if one.phase == "final"
    }
    assert len({part for parts_of in parts for part in parts_of}) == 6
    assert cli.main(command) == 0
    assert "0 run(s) made, 32 already there" in capsys.readouterr().out
    assert cli.main(["report", str(out)]) == 0
    assert "not an answer (smoke): " in capsys.readouterr().out
