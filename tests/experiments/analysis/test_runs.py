import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.analysis.runs import common_seeds, runs, unpack


@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_bits_come_back_as_they_were_packed(bits):
    text = base64.b64encode(np.packbits(bits)).decode()
    assert unpack(text, len(bits)).tolist() == bits


@pytest.mark.parametrize(
    ("text", "images", "said"),
    [("wA==", 9, "1 bytes, expected 2"), ("wA==", 0, "1 bytes"), ("w*", 3, "not base64")],
)
def test_damaged_bits_are_refused(text, images, said):
    with pytest.raises(ValueError, match=said):
        unpack(text, images)


@pytest.mark.parametrize(
    ("seeds", "accuracy", "correct", "said"),
    [
        ([0, 0], [0.5, 0.5], None, "hold one twice"),
        ([0, 1], [0.5], None, "expected one a seed"),
        ([], [], None, "expected one a seed"),
        ([0, 1], [0.5, float("nan")], None, "score a diverged run 1/K"),
        ([0], [50.0], None, "not in \\[0, 1\\]"),
        ([0], [0.5], [1, 0], "correct has shape"),
        ([0], [1.0], [[1]], "2 or more images"),
        ([3], [0.5], [[1, 0, 0, 0]], "seed 3: correct averages to 0.25, accuracy says 0.5"),
        ([3], [0.5], [[np.nan, 0.5]], "seed 3: correct averages to nan"),
    ],
)
def test_runs_that_make_no_sense_are_refused(seeds, accuracy, correct, said):
    with pytest.raises(ValueError, match=said):
        runs(seeds, accuracy, correct)


def test_a_diverged_run_has_chance_on_every_image():
    found = runs([0, 1], [0.5, 0.1], [[1.0, 0.0, 1.0, 0.0], [0.1] * 4])
    assert found.accuracy.tolist() == [0.5, 0.1]


def test_only_common_seeds_and_one_test_set_are_paired():
    one, other = runs([2, 1, 0], [0.5] * 3), runs([5, 0, 2], [0.5] * 3)
    assert common_seeds(one, other) == [0, 2]
    with pytest.raises(ValueError, match="no common seed"):
        common_seeds(one, runs([7], [0.5]))
    with pytest.raises(ValueError, match=r"correct has \[2, 4\] images"):
        common_seeds(runs([0], [0.5], [[1, 0]]), runs([0], [0.5], [[1, 0, 1, 0]]))
