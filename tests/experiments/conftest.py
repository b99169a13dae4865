"""Helpers of the benchmark's tests."""

import math
import signal
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments import records
from experiments.protocols.paper import published
from experiments.records import DataFacts, Record

RATES = {"lion": 1e-3 / 3, "swa": 1e-2, "muon": 2e-2}


def _synthetic(
    dataset: str = "fashion_mnist",
    optimizer: str = "adam",
    seed: int = 0,
    *,
    changed: dict[str, float] | None = None,
    **overrides: Any,
) -> Record:
    """A made-up record that says so: smooth in its names and seed, near the paper's numbers."""
    wobble = (zlib.crc32(f"{dataset} {optimizer} {seed}".encode()) % 1000) / 1000 - 0.5
    base = optimizer.split(":")[0]
    level = published.ACCURACY.get(base, {}).get(dataset, 80.0) + 2 * wobble
    speed = 0.1 + 0.02 * (len(base) % 7)
    fields = {
        "protocol": "paper",
        "protocol_version": 1,
        "settings": {"epochs": 12, "batch_size": 1024, "limit": 5000},
        "dataset": dataset,
        "fingerprint": f"{zlib.crc32(dataset.encode()):08x}" * 8,
        "optimizer": optimizer,
        "hyperparameters": {"learning_rate": RATES.get(base, 1e-3), **(changed or {})},
        "changed": changed or {},
        "seed": seed,
        "note": "synthetic",
        "data": DataFacts(
            examples=5000,
            classes=43 if dataset == "gtsrb" else 10,
            classes_present=5 if dataset == "gtsrb" else 10,
            test_examples=10000,
            source="SYNTHETIC, made up by a test",
        ),
        "train_loss": [2.3 * math.exp(-speed * e) + 0.01 * wobble for e in range(12)],
        "train_accuracy": min(1.0, level / 100),
        "test_accuracy": min(1.0, level / 100) - 0.02,
        "update_rms": 0.001 * (1 + len(base) % 3) + 0.0001 * wobble,
        "seconds": 20.0 + wobble,
        "compile_seconds": 5.0,
        "status": "ok",
        "versions": {"jax": "0"},
        "device": {"platform": "cpu", "kind": "synthetic", "count": 1, "cores": 2},
        "commit": "synthetic",
        "code": "synthetic",
        "command": "synthetic",
    }
    return Record(**(fields | overrides))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C works in the test and the processes it starts, even in a suite run with `&` or nohup.

    A shell starts those with SIGINT ignored, and children inherit that.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def synthetic() -> Callable[..., Record]:
    """Makes one record, marked synthetic."""
    return _synthetic


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[[Iterable[Record]], Path]:
    """Writes records through the public writer and returns their folder."""

    def write(made: Iterable[Record]) -> Path:
        folder = tmp_path / "records"
        with records.Writer(folder) as writer:
            for record in made:
                writer.append(record)
        return folder

    return write


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Replaces training by a count of what was asked for; real training is tested elsewhere."""
    from grid_runs import outcome

    from experiments import training

    calls = []

    def run_many(build, runs, data, config=None, **options):
        calls.append((build, list(runs), data, config, options))
        for run in runs:
            test = None if data.test_images is None else 0.4
            losses = [2.0 - 0.1 * run.seed] * config.epochs
            yield outcome(losses, 0.5, "ok", test_accuracy=test)

    monkeypatch.setattr(training, "run_many", run_many)
    return calls


@pytest.fixture
def signs(tmp_path: Path) -> Path:
    """A tiny .npz data set."""
    path = tmp_path / "signs.npz"
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    np.savez(path, images=images, labels=np.arange(20) % 3)
    return path
