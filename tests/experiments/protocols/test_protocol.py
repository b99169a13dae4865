from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import protocols
from experiments.protocols.paper import published


def test_the_paper_protocol_is_the_published_one():
    protocol = protocols.get("paper")
    assert protocol.settings == {"epochs": 12, "batch_size": 1024, "limit": 5000}
    assert protocol.optimizers == published.OPTIMIZERS
    assert protocol.name == "paper"


def test_deviations_show_in_the_name():
    protocol = protocols.get("paper", epochs=2, limit=100, batch_size=None)
    assert protocol.name == "paper[epochs=2,limit=100]"
    assert protocol.settings == {"epochs": 2, "batch_size": 1024, "limit": 100}
    assert protocols.get("paper", epochs=12).name == "paper"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: protocols.get("papr"), "did you mean paper"),
        (lambda: protocols.get("paper", epochs=0), "epochs is 0"),
        (lambda: _grid(seeds=0), "at least 1"),
        (lambda: _grid(learning_rates=[-1.0]), "--learning-rates is -1.0, expected a positive"),
        (
            lambda: _grid(learning_rates=[float("nan")]),
            "--learning-rates is nan, expected a positive",
        ),
        (lambda: _grid(datasets=["digits", "digits"]), "data set given twice: digits"),
        (lambda: _grid(optimizers=["adam", "adam"]), "optimizer given twice: adam"),
        (lambda: _grid(optimizers=["adam", "adam:learning_rate=1e-3"]), "given twice: adam at"),
        (
            lambda: _grid(optimizers=["adam:learning_rate=1e-2"], learning_rates=[0.1]),
            "states a learning rate and --learning-rates others",
        ),
        (lambda: _grid().share(4, 4), "numbered from 0: 0/4 to 3/4"),
        (lambda: _grid().share(0, 0), "numbered from 0"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def _grid(datasets=("digits",), optimizers=("adam",), seeds=2, learning_rates=()):
    what = protocols.learners(optimizers, learning_rates)
    return protocols.grid(protocols.get("paper"), datasets, what, seeds)


def test_a_grid_is_the_whole_product_with_groups_together():
    cells = _grid(("mnist", "usps"), ("adam", "lion"), 3, (0.1, 0.2)).cells
    assert len(set(cells)) == len(cells) == 2 * 2 * 3 * 2
    order = [(cell.task.dataset, cell.learner.optimizer) for cell in cells]
    assert list(dict.fromkeys(order)) == [k for k, _ in Counter(order).items()]
    assert {cell.learner.changed for cell in cells} == {(("learning_rate", r),) for r in (0.1, 0.2)}
    assert {cell.seed for cell in cells} == {0, 1, 2}


def test_a_rate_has_one_identity_however_it_is_given():
    by_name = _grid(optimizers=["adam:learning_rate=3e-3", "lion:b2=0.9,b1=0.8"])
    by_sweep = _grid(optimizers=["adam"], learning_rates=[3e-3])
    assert by_name.cells[:2] == by_sweep.cells
    assert by_name.cells[2:] == _grid(optimizers=["lion:b1=0.8,b2=0.90"]).cells


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 4), st.integers(1, 6), st.integers(1, 12), st.integers(1, 2)
)
def test_shards_cover_the_grid_once(sets, optimizers, seeds, count, rates):
    what = [
        protocols.Learner(f"o{i}", (("learning_rate", 0.1 * (j + 1)),))
        for i in range(optimizers)
        for j in range(rates)
    ]
    grid = protocols.grid(protocols.get("paper"), [f"s{i}" for i in range(sets)], what, seeds)
    shares = [grid.share(index, count).cells for index in range(count)]
    assert Counter(cell for share in shares for cell in share) == Counter(grid.cells)
    if count <= sets * optimizers:  # then no group is divided
        groups = [{(c.task.dataset, c.learner.optimizer) for c in share} for share in shares]
        assert sum(map(len, groups)) == sets * optimizers
        assert max(map(len, groups)) - min(map(len, groups)) <= 1


def test_more_shards_than_groups_divide_the_seeds():
    shares = [_grid(seeds=8).share(index, 4).cells for index in range(4)]
    assert [len(share) for share in shares] == [2, 2, 2, 2]


def test_the_fields_of_a_cell():
    (cell,) = _grid(datasets=["/some/where/signs.npz"], seeds=1, learning_rates=[0.5]).cells
    fields = cell.fields("abc", {"learning_rate": 0.1, "b1": 0.9}, {})
    assert fields["dataset"] == "signs.npz"
    assert fields["hyperparameters"] == {"learning_rate": 0.5, "b1": 0.9}
    assert fields["changed"] == {"learning_rate": 0.5}
    assert fields["fingerprint"] == "abc"
    assert fields["settings"] == {"epochs": 12, "batch_size": 1024, "limit": 5000}


def test_a_swept_rate_that_is_the_default_is_the_default():
    """It has the default's identity, so it must stand in the default's row."""
    (cell,) = _grid(seeds=1, datasets=["digits"], optimizers=["adam"], learning_rates=[1e-3]).cells
    fields = cell.fields("abc", {"learning_rate": 1e-3}, {})
    assert (fields["changed"], fields["hyperparameters"]) == ({}, {"learning_rate": 1e-3})


def test_a_plan_is_what_has_no_record():
    grid = _grid(("mnist", "usps"), ("adam", "lion"), 2)
    done = set(grid.cells[::3])
    plan = grid.plan(lambda cell: cell if cell in done else None)
    assert [*plan.cells] == [cell for cell in grid.cells if cell not in done]
    assert (plan.left, plan.done) == (len(grid.cells) - len(done), len(done))


def test_a_grid_too_large_to_hold_is_refused_before_it_is_made():
    with pytest.raises(ValueError, match=r"5,000,000,000 runs .* lower --seeds"):
        _grid(seeds=5_000_000_000)


def test_a_name_that_deviates_in_something_unknown_is_no_protocol():
    for name in ("paper[name=3]", "paper[colour=3]"):
        with pytest.raises(ValueError, match="cannot be changed; there is epochs"):
            protocols.parse(name)
