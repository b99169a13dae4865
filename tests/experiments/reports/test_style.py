import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from experiments import optimizers
from experiments.reports import style

# Viénot, Brettel and Mollon's (1999) simulation of red and green blindness, on linear RGB.
BLIND = {
    "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
}


def _seen(colour, kind):
    linear = np.asarray(to_rgb(colour)) ** 2.2
    return np.clip(np.asarray(BLIND[kind]) @ linear, 0, 1) ** (1 / 2.2)


def _look(name):
    found = style.line(name)
    return found["linestyle"], found["marker"]


def test_every_optimizer_has_a_line_and_a_marker_of_its_own():
    markers = [style.line(name)["marker"] for name in optimizers.NAMES]
    assert len(set(markers)) == len(markers)
    for one, other in itertools.combinations(optimizers.NAMES, 2):
        assert _look(one) != _look(other)


@pytest.mark.parametrize("kind", BLIND)
def test_colours_stay_apart_for_the_colour_blind(kind):
    for one, other in itertools.combinations(optimizers.NAMES, 2):
        a, b = style.line(one)["color"], style.line(other)["color"]
        assert np.linalg.norm(_seen(a, kind) - _seen(b, kind)) > 0.12
    strong = style.line("thermolion")["color"], style.line("adam")["color"]
    assert np.linalg.norm(_seen(strong[0], kind) - _seen(strong[1], kind)) > 0.4


def test_a_style_does_not_depend_on_what_else_is_drawn():
    assert style.line("mine.module:f") == style.line("mine.module:f")
    assert style.line("thermolion:boost=0")["color"] == style.line("thermolion")["color"]
    assert _look("thermolion:boost=0") != _look("thermolion")
    rates = [style.line("adam", f"adam (learning_rate {rate})") for rate in (0.1, 0.01)]
    assert rates[0] != rates[1]


def test_the_style_is_taken_back():
    before = dict(matplotlib.rcParams)
    with style.context():
        assert matplotlib.rcParams["svg.hashsalt"] == "thermolion_optax"
    assert dict(matplotlib.rcParams) == before
