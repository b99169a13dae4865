import pytest

from experiments.analysis import statistics
from experiments.protocols import paper
from experiments.reports import notes, report


def _notes(synthetic, *runs, **overrides):
    return " ".join(notes.notes(statistics.entries(synthetic(*run, **overrides) for run in runs)))


def test_notes_appear_only_where_they_apply(synthetic):
    texts = {
        "SWATS never switched": (("mnist", "swats"), ("mnist", "adam")),
        "MuAdam is not Muon": (("svhn", "muadam"), ("svhn", "adam")),
        "beats ThermoLion (99.90) on QMNIST": (("qmnist", "adam"), ("mnist", "adam")),
        "holds 5 of its 43 classes": (("gtsrb", "adam"), ("cifar10", "adam")),
        "SWA is in none": (("mnist", "swa"), ("mnist", "adam")),
        "not among the paper's": (("digits", "adam"), ("mnist", "adam")),
        "The paper's numbers are one run": (("mnist", "adam"), ("digits", "adam")),
    }
    for text, (with_it, without) in texts.items():
        assert text in _notes(synthetic, with_it)
        assert text not in _notes(synthetic, without)
    assert "images trained on" in _notes(synthetic, ("mnist", "adam"))


def test_swats_is_not_said_to_stay_adam_in_runs_that_are_long_enough(synthetic):
    long = {"train_loss": [1.0] * 61}  # 61 epochs of 5 steps
    assert "SWATS never switched" not in _notes(synthetic, ("mnist", "swats"), **long)
    assert "these runs have 60 steps" in _notes(synthetic, ("mnist", "swats"))
    others = [synthetic("mnist", "swats"), synthetic("usps", "adam", train_loss=[1.0] * 61)]
    assert "these runs have 60 steps" in " ".join(notes.notes(statistics.entries(others)))


def test_the_step_size_note_gives_what_was_measured(synthetic):
    entries = statistics.entries(
        [
            synthetic("mnist", "adam", update_rms=0.001),
            synthetic("mnist", "thermolion", update_rms=0.003),
            synthetic("usps", "adam", update_rms=0.001),
            synthetic("usps", "thermolion", update_rms=0.004),
        ]
    )
    assert "ThermoLion's steps are 3.0 to 4.0 times Adam's" in " ".join(notes.notes(entries))
    assert "Equal learning rates" not in _notes(synthetic, ("mnist", "thermolion"))


def test_divergence_is_told(synthetic):
    assert "diverged" in _notes(synthetic, ("mnist", "adam"), status="diverged")
    assert "diverged" not in _notes(synthetic, ("mnist", "adam"))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"code": "other"}, "mixed training code: these tables put together records of other"),
        ({"versions": {"jax": "1"}}, "mixed package versions"),
        ({"device": {"kind": "H100", "count": 1}}, "mixed devices"),
        ({"layout": {"devices": 2, "split": 1, "together": 1}}, "of 1 of 2 device(s) a run, 1 run"),
        ({"fingerprint": "12345678ff"}, "mixed data: under paper, fashion_mnist"),
        ({"protocol_version": 2}, "mixed protocol versions: paper has records of versions 1, 2"),
    ],
)
def test_what_is_mixed_is_named(synthetic, change, text):
    alike = [synthetic(seed=0), synthetic(seed=1)]
    assert notes.mixed(alike) == []
    (found,) = notes.mixed([*alike, synthetic(seed=2, **change)])
    assert text in found


def test_holes_of_the_grid_get_the_command_that_fills_them(synthetic):
    made = [
        synthetic(dataset, optimizer, seed)
        for dataset in ("digits", "my signs.npz")
        for optimizer in ("adam", "thermolion:boost=0")
        for seed in range(3)
    ]
    entries = statistics.entries(made[:-2])
    hole, rest = notes.missing(entries, "runs/x")
    assert hole == (
        "2 run(s) of the grid begun are missing: `python -m experiments run --protocol paper "
        "--datasets digits 'PATH/my signs.npz' --optimizers adam thermolion:boost=0 --seeds 3 "
        "--out runs/x`"
    )
    assert "nothing of the data sets gtsrb, cifar10" in rest
    assert notes.missing(statistics.entries(made), "x")[0].startswith("of the paper's study")


def test_a_sweep_has_a_command_of_its_own(synthetic):
    made = [synthetic("digits", "adam", seed) for seed in range(2)]
    made += [synthetic("digits", "adam", 0, changed={"learning_rate": 0.003})]
    made += [synthetic("digits", "lion", seed, changed={"learning_rate": 0.003}) for seed in (0, 1)]
    found = notes.missing(statistics.entries(made), "x")
    assert len(found) == 2  # the hole, and the rest of the paper's study
    assert "--optimizers adam lion --learning-rates 0.003 --seeds 2" in found[0]


def test_the_whole_study_lacks_nothing(synthetic):
    entries = statistics.entries(synthetic(d, o) for d in paper.DATASETS for o in paper.OPTIMIZERS)
    assert notes.missing(entries, "x") == []


def test_deviations_are_not_the_papers_study(synthetic):
    short = [synthetic("digits", "adam", seed, protocol="paper[epochs=2]") for seed in (0, 2)]
    (hole,) = notes.missing(statistics.entries(short), "x")
    assert "--protocol paper --epochs 2 --datasets digits" in hole


def test_provenance_names_command_commit_machine_and_time(synthetic):
    found = notes.provenance([synthetic(seed=0, seconds=60.0), synthetic(seed=1, seconds=90.0)])
    assert "command: `synthetic` (2 runs)" in found
    assert "commit: synthetic (2 runs)" in found
    assert found[-1] == "time: 2.5 minutes of training in 2 runs"


def test_different_data_under_one_name_keep_that_name_in_notes_and_commands(synthetic):
    entries = report.apart(
        statistics.entries(
            synthetic("fashion_mnist", seed=seed, fingerprint=fingerprint)
            for seed, fingerprint in ((0, "a" * 64), (1, "a" * 64), (0, "b" * 64))
        )
    )
    assert len({entry.dataset for entry in entries}) == 2
    assert not any("not among the paper's" in note for note in notes.notes(entries))
    begun, never = notes.missing(entries, "runs")
    assert "--datasets fashion_mnist --optimizers" in begun
    assert "fashion_mnist" not in never.split(":")[0]


def test_a_hole_is_not_hidden_by_a_second_rate_of_another_optimizer(synthetic):
    made = [synthetic(optimizer="adam", seed=0)]
    for rate in (0.01, 0.03):
        made += [
            synthetic(optimizer="smes", hyperparameters={"learning_rate": rate}, seed=seed)
            for seed in range(3)
        ]
    assert notes.missing(statistics.entries(made), "runs")[0].startswith("2 run(s)")


def test_held_out_data_and_a_users_module_are_told_apart(synthetic):
    made = [synthetic(seed=seed) for seed in (0, 1)]
    made[0]["data"] = made[1]["data"] | {"test_fingerprint": "0" * 64}
    made[1]["data"] = made[1]["data"] | {"test_fingerprint": "1" * 64}
    made += [
        synthetic(optimizer="my.module:f", optimizer_source=s, seed=i)
        for i, s in enumerate(("0123", "4567"))
    ]
    found = " ".join(notes.mixed(made))
    assert "mixed held-out data: " + made[0]["dataset"] in found
    assert "the module of my.module:f was changed between runs (0123, 4567)" in found
