"""What was written before the first run is what verdicts are made by."""

from experiments.analysis.verdicts import HELD_OUT, TRAIN_LOSS
from experiments.protocols.fair import constants


def test_the_margins_are_those_that_verdicts_are_made_with():
    margins = constants.protocol()["margins"]
    assert HELD_OUT.delta == margins["accuracy_points"]
    assert round(TRAIN_LOSS.shown(TRAIN_LOSS.delta), 9) == margins["train_loss_percent"]


def test_the_questions_are_those_that_were_written_before_the_first_run():
    """No hash holds them, since a further question changes no run."""
    questions = {
        name: (one["first"], one["against"], one["setting"])
        for name, one in constants.protocol()["questions"].items()
    }
    assert questions == {
        "Q0": ("thermolion", ["adamw"], "carried"),
        "Q1": ("thermolion", ["adamw", "nadamw"], "tuned"),
        "Q2": ("thermolion", ["signum", "lion"], "tuned"),
    }
