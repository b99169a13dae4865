from experiments.analysis import summaries
from experiments.protocols.paper import notes


def _notes(synthetic, *runs, **overrides):
    return " ".join(notes.notes(summaries.entries(synthetic(*run, **overrides) for run in runs)))


def test_notes_appear_only_where_they_apply(synthetic):
    texts = {
        "SWATS never switched": (("mnist", "swats"), ("mnist", "adam")),
        "MuAdam is not Muon": (("svhn", "muadam"), ("svhn", "adam")),
        "beats ThermoLion (99.90) on QMNIST": (("qmnist", "adam"), ("mnist", "adam")),
        "sorted by class": (("gtsrb", "adam"), ("cifar10", "adam")),
        "SWA is in none": (("mnist", "swa"), ("mnist", "adam")),
        "not among the paper's": (("digits", "adam"), ("mnist", "adam")),
        "The paper's numbers are one run": (("mnist", "adam"), ("digits", "adam")),
    }
    for text, (with_it, without) in texts.items():
        assert text in _notes(synthetic, with_it)
        assert text not in _notes(synthetic, without)


def test_swats_is_not_said_to_stay_adam_in_runs_that_are_long_enough(synthetic):
    long = {"train_loss": [1.0] * 61}  # 61 epochs of 5 steps
    assert "SWATS never switched" not in _notes(synthetic, ("mnist", "swats"), **long)
    assert "these runs have 60 steps" in _notes(synthetic, ("mnist", "swats"))
    others = [synthetic("mnist", "swats"), synthetic("usps", "adam", train_loss=[1.0] * 61)]
    assert "these runs have 60 steps" in " ".join(notes.notes(summaries.entries(others)))
