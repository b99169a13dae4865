"""Where the notebooks lie, and a record to show in one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.records import Record


@pytest.fixture(scope="session")
def notebooks() -> Path:
    """The folder of the notebooks."""
    return Path(__file__).parents[2] / "notebooks"


@pytest.fixture
def record() -> Callable[..., Record]:
    """Makes one record of the fields that every record has, made up."""

    def make(**changes: Any) -> Record:
        fields = {
            "protocol": "paper",
            "protocol_version": 1,
            "dataset": "digits",
            "fingerprint": "made up",
            "optimizer": "adam",
            "hyperparameters": {"learning_rate": 1e-3},
            "changed": {},
            "seed": 0,
            "train_accuracy": 0.9,
            "test_accuracy": 0.8,
            "train_loss": [2.0, 1.0, 0.5],
            "update_rms": 1e-3,
            "seconds": 1.5,
            "compile_seconds": 2.0,
            "status": "ok",
        }
        return Record(**(fields | changes))

    return make
