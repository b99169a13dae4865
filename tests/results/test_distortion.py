"""What results/smes/distortion says is what its records say."""

from pathlib import Path

import numpy as np
import pytest

from experiments.distortion_study import findings, folder, plan, readings
from experiments.records import lines

FOLDER = Path(__file__).parents[2] / "results" / "smes" / "distortion"


def test_the_findings_are_those_of_the_records():
    found = folder.read(FOLDER)
    assert len({plan.run_of(one) for one in found}) == len(found) > 0
    committed = [path.read_bytes() for path in sorted(FOLDER.glob("*.jsonl"))]
    assert b"".join(map(lines.encode, found)) == b"".join(committed)
    assert (FOLDER / "distortion.md").read_text(encoding="utf-8") == findings.text(found)


def test_the_recorded_distortion_is_that_of_the_layers_gradients():
    """Both were recorded: `gradient_distortion`'s own number, and what it is made of."""
    seen = [one for run in folder.read(FOLDER) for one in run.gradients if readings.alive(one)]
    assert len(seen) > 1000
    for one in seen:
        leaves = np.concatenate([*readings.distortions(one).values()])
        assert np.exp(np.log(leaves).std()) == pytest.approx(one.spread, rel=1e-3)
