from experiments.analysis import summaries
from experiments.reports import notes


def _notes(synthetic, *runs, **overrides):
    return " ".join(notes.notes(summaries.entries(synthetic(*run, **overrides) for run in runs)))


def test_the_step_size_note_gives_what_was_measured(synthetic):
    entries = summaries.entries(
        [
            synthetic("mnist", "adam", update_rms=0.001),
            synthetic("mnist", "thermolion", update_rms=0.003),
            synthetic("usps", "adam", update_rms=0.001),
            synthetic("usps", "thermolion", update_rms=0.004),
        ]
    )
    assert "ThermoLion's steps are 3.0 to 4.0 times Adam's" in " ".join(notes.notes(entries))
    assert "Equal learning rates" not in _notes(synthetic, ("mnist", "thermolion"))


def test_divergence_is_reported(synthetic):
    assert "diverged" in _notes(synthetic, ("mnist", "adam"), status="diverged")
    assert "diverged" not in _notes(synthetic, ("mnist", "adam"))


def test_what_applies_to_every_table_and_what_only_to_some(synthetic):
    gtsrb = _notes(synthetic, ("gtsrb", "adam"))
    assert "The slice of GTSRB trained on holds 5 of its 43 classes: held-out" in gtsrb
    assert "The slice of" not in _notes(synthetic, ("mnist", "adam"))
    assert "images trained on" in gtsrb
    assert "fewer than 5 seeds" in gtsrb
    five = [("mnist", "adam", seed) for seed in range(5)]
    assert "fewer than 5 seeds" not in _notes(synthetic, *five)


def test_runs_that_learnt_nothing_come_first(synthetic):
    dead = {"train_accuracy": 0.1, "train_loss": [77.0, 2.3, 2.3]}
    made = [synthetic("mnist", "adam", seed, **dead) for seed in range(2)]
    made += [synthetic("mnist", "adam", 2), synthetic("mnist", "lion")]
    first = notes.notes(summaries.entries(made))[0]
    assert "Adam (lr 0.001) on MNIST, 2 of 3 runs: at chance, loss rose 33-fold." in first


def test_a_list_of_runs_that_learnt_nothing_has_an_end(synthetic):
    dead = {"train_accuracy": 0.1}
    made = [synthetic("mnist", f"mine:{name}", **dead) for name in range(12)]
    first = notes.notes(summaries.entries(made))[0]
    assert first.count(" on MNIST") == 8
    assert first.endswith("and 4 more.")
