import pytest

from experiments.records import DataFacts
from experiments.reports import provenance


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"code": "other"}, "mixed training code: these tables put together records of other"),
        ({"versions": {"jax": "1"}}, "mixed package versions"),
        ({"device": {"kind": "H100", "count": 1}}, "mixed devices"),
        (
            {"layout": {"devices": 2, "devices_per_run": 1, "together": 1}},
            "of 1 of 2 device(s) a run, 1 run",
        ),
        (
            {"layout": {"devices": 2, "split": 1, "together": 1}},
            "of 1 of 2 device(s) a run, 1 run",
        ),  # an older record
        ({"fingerprint": "12345678ff"}, "mixed data: under paper, fashion_mnist"),
        ({"protocol_version": 2}, "mixed protocol versions: paper has records of versions 1, 2"),
    ],
)
def test_what_is_mixed_is_named(synthetic, change, text):
    alike = [synthetic(seed=0), synthetic(seed=1)]
    assert provenance.mixed(alike) == []
    (found,) = provenance.mixed([*alike, synthetic(seed=2, **change)])
    assert text in found


def test_of_a_study_what_was_changed_under_one_name_stands_in_no_table(synthetic):
    made = [
        synthetic(protocol="fair", optimizer="my:f", optimizer_source=part, fingerprint=part)
        for part in ("12345678", "87654321")
    ]
    data, code = provenance.mixed(made)
    for said in (data, code):
        assert said.endswith("the newest alone stand in its tables")
    assert "under fair, fashion_mnist" in data
    assert "under fair, the module of my:f" in code


def test_provenance_names_command_commit_machine_and_time(synthetic):
    found = provenance.provenance(
        [synthetic(seed=0, seconds=60.0), synthetic(seed=1, seconds=90.0)]
    )
    assert "command: `synthetic` (2 runs)" in found
    assert "commit: synthetic (2 runs)" in found
    assert found[-1] == "time: 2.5 minutes of training in 2 runs"


@pytest.mark.parametrize("part", ["device", "layout", "versions"])
def test_a_list_where_a_number_belongs_is_told_as_it_stands(synthetic, part):
    odd = synthetic(seed=0, **{part: {"kind": ["a"], "count": [], "devices": [], "jax": []}})
    both = [odd, synthetic(seed=1)]
    assert any("[" in line for line in provenance.provenance(both) + provenance.mixed(both))


def test_held_out_data_and_a_users_module_are_told_apart(synthetic):
    made = [
        synthetic(seed=seed, data=DataFacts(test_fingerprint=str(seed) * 64)) for seed in (0, 1)
    ]
    for kind, name in (("optimizer", "my.module:f"), ("network", "my.module:net")):
        made += [
            synthetic(**{kind: name, f"{kind}_source": source}, seed=seed)
            for seed, source in enumerate(("0123", "4567"))
        ]
    found = " ".join(provenance.mixed(made))
    assert "mixed held-out data: " + made[0].dataset in found
    assert "the module of my.module:f was changed between runs (0123, 4567)" in found
    assert "mixed network code: under paper, the module of my.module:net was changed" in found
