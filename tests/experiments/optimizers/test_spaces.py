"""Search spaces as data: what is tuned, the way from points to hyperparameters, bad spaces."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimizer_paths import GRADS, START, run

from experiments.optimizers import NAMES, resolve, spaces
from experiments.optimizers.bounds import COMMON
from experiments.optimizers.spaces import Range, at, in_units_of
from experiments.protocols.fair import constants

CUBE = st.lists(st.floats(0, 1), min_size=5, max_size=5)


def test_what_is_tuned_of_the_core_optimizers():
    moments, decay = ["b1", "b2", "eps"], ["weight_decay"]
    for name, tuned in {
        "sgd": ["momentum", *decay],
        "adamw": moments + decay,
        "nadamw": moments + decay,
        "signum": ["b1", *decay],
        "lion": ["b1", "b2", *decay],
        "muon": ["beta", *decay],
        "schedule_free_adamw": moments + decay,
        "smes": moments + decay,
        "thermolion": moments + decay,
        "rmsprop": ["decay", "eps"],
        "swa": [],
    }.items():
        assert list(resolve(name).defaults) == ["learning_rate", *tuned], name


def test_what_is_thermolions_own_is_fixed_at_the_papers():
    fixed = resolve("thermolion").space.fixed
    assert (fixed["solid_scale"], fixed["boost"], fixed["temperature"]) == (2.0, 0.5, 1.0)
    assert resolve("smes").space.fixed == {"alpha": 0.25}


def test_b1_and_b2_may_meet_in_adamw():
    ranges = {r.name: r for r in resolve("adamw").space.ranges}
    assert ranges["b2"].low < ranges["b1"].high


@pytest.mark.parametrize("name", NAMES)
def test_nobody_has_a_wider_search_than_another(name):
    for one in resolve(name).space.ranges:
        inside = one.low <= one.default <= one.high
        assert inside or (one.default == 0 and one.scale == "log")
        if one.name in COMMON and name not in ("sgd", "muon", "smes"):
            assert (one.low, one.high, one.scale) == COMMON[one.name]


def test_what_a_name_sets_is_fixed():
    space = resolve("adamw:weight_decay=5,b1=0.95").space
    assert [r.name for r in space.ranges] == ["b2", "eps"]
    assert space.fixed == {"b1": 0.95, "weight_decay": 5.0}
    assert "weight_decay" not in resolve("sgd:weight_decay=1").defaults


@given(CUBE, st.floats(1e-6, 1.0), st.sampled_from(NAMES))
def test_points_lie_within_bounds(point, centre, name):
    space = resolve(name).space
    found = at(space, centre, point)
    assert list(found) == list(resolve(name).defaults)
    half = math.sqrt(10) * 1.001
    assert centre / half <= found["learning_rate"] <= centre * half
    for one in space.ranges:
        assert one.low <= found[one.name] <= one.high


def test_the_corners_are_the_bounds_and_the_middle_is_even_in_its_scale():
    space = resolve("adamw").space
    low, middle, high = (at(space, 1e-3, [x] * 5) for x in (0.0, 0.5, 1.0))
    assert list(low.values()) == [3.162e-4, 0.8, 0.9, 1e-9, 1e-3]
    assert list(high.values()) == [3.162e-3, 0.98, 0.9995, 1e-4, 1.0]
    assert middle["learning_rate"] == 1e-3
    assert middle["b1"] == pytest.approx(1 - math.sqrt(0.2 * 0.02), abs=1e-4)
    assert middle["eps"] == pytest.approx(math.sqrt(1e-9 * 1e-4), rel=1e-3)
    assert Range("x", 2.0, 1.0, 4.0, "linear").at(0.5) == 2.5


def test_one_point_says_the_same_of_every_optimizer():
    point = [0.3, 0.1, 0.7, 0.2, 0.9]
    found = {name: at(resolve(name).space, 1e-3, point) for name in NAMES}
    assert found["adamw"] == found["nadamw"] == found["thermolion"]
    assert found["sgd"]["momentum"] == found["muon"]["beta"] == found["lion"]["b1"]
    assert found["rmsprop"]["decay"] == found["adam"]["b2"]
    assert len({values["learning_rate"] for values in found.values()}) == 1


def test_what_has_no_role_takes_the_coordinates_behind():
    bounds = {"sharpness": (1.0, 3.0, "linear"), "b1": (0.5, 0.9, "linear")}
    settings = {"learning_rate": 1e-3, "sharpness": 2.0, "b1": 0.9}
    space = spaces.of(settings, bounds)
    assert at(space, 1e-3, [0.5, 0, 1, 1, 1, 0.5]) == {
        "learning_rate": 1e-3,
        "b1": 0.5,
        "sharpness": 2.0,
    }
    with pytest.raises(ValueError, match=r"5 coordinates given, but .*sharpness need 6"):
        at(space, 1e-3, [0.5] * 5)


def test_two_of_one_role_do_not_move_together():
    space = spaces.of({"learning_rate": 1e-3, "b1": 0.9, "momentum": 0.9})
    found = at(space, 1e-3, [0.5, 0.0, 0, 0, 0, 1.0])
    assert (found["b1"], found["momentum"]) == (0.8, 0.98)


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_points_outside_the_cube_are_refused(bad):
    with pytest.raises(ValueError, match="within"):
        at(resolve("adam").space, 1e-3, [0.5, bad, 0.5, 0.5, 0.5])


def test_without_a_space_the_common_one_serves_as_far_as_it_fits():
    settings = {"learning_rate": 1e-3, "b1": 0.9, "eps": 0.5, "b2": None, "decay": 0.95}
    space = spaces.of(settings)
    assert [r.name for r in space.ranges] == ["b1"]
    assert space.fixed == {"eps": 0.5, "b2": None, "decay": 0.95}


@pytest.mark.parametrize(
    ("bounds", "says"),
    [
        ({"b1": (0.9, 0.9, "log1m")}, "'b1' is empty: 0.9 to 0.9"),
        ({"b1": (0.98, 0.8, "log1m")}, "'b1' is inverted: 0.98 to 0.8"),
        ({"b1": (0.95, 0.99, "log1m")}, "leaves out its default, 0.9"),
        ({"b3": (0.8, 0.98, "log1m")}, "'b3': no such hyperparameter; there are b1"),
        ({"b1": (0.8, 0.98)}, r"expected \(low, high, log or log1m or linear\)"),
        ({"b1": (0.8, 0.98, "sqrt")}, "expected .low, high"),
        ({"b1": ("0.8", 0.98, "log")}, "expected .low, high"),
        ({"b1": (0.8, float("nan"), "log")}, "expected .low, high"),
        ({"b1": 0.9}, "expected .low, high"),
        ({"b1": (0.0, 1.0, "log")}, "low must be above 0"),
        ({"b1": (0.0, 1.0, "log1m")}, "high must be below 1"),
        ({"learning_rate": (1e-4, 1e-2, "log")}, "'learning_rate' is the protocol's"),
        ([("b1", 0.8)], "expected a dict"),
    ],
)
def test_a_space_that_is_none_is_refused(bounds, says):
    settings = {"learning_rate": 1e-3, "b1": 0.9}
    with pytest.raises(ValueError, match=f"^mine: .*{says}"):
        spaces.of(settings, bounds, owner="mine")


def test_a_space_with_more_numbers_than_a_trial_point_is_refused_when_it_is_read():
    (points,) = {len(point) for point in constants.trial_points()}
    free = {f"free{i}": (0.5, 2.0, "log") for i in range(points - 5)}
    settings = {"learning_rate": 1e-3, "b1": 0.9} | dict.fromkeys([*free, "more"], 1.0)
    space = spaces.of(settings, free | {"b1": (0.8, 0.98, "log1m")}, owner="mine")
    assert len(at(space, 1e-3, constants.trial_points()[0])) == points - 5 + 2
    with pytest.raises(ValueError, match=r"^mine: search_space tunes 8, .*more: .* of 13 .*e 12"):
        spaces.of(settings, free | {"more": (0.5, 2.0, "log")}, owner="mine")


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 0.75])
def test_smes_in_units_of_the_gradients_moves_the_same_at_every_scale(alpha):
    point, paths = [0.4, 0.3, 0.6, 0.8, 0.5], []
    for size in (1e-4, 1e4):
        space = in_units_of(resolve(f"smes:alpha={alpha}").space, size)
        assert space.fixed["alpha"] == alpha
        found = at(space, space.learning_rate, point)
        paths.append(run(f"smes:alpha={alpha}", GRADS[:50] * size, START, **found)[0] - START)
    np.testing.assert_allclose(paths[0], paths[1], rtol=1e-6, atol=1e-15)


def test_smes_at_half_has_adams_rate_and_at_zero_no_eps():
    assert in_units_of(resolve("smes:alpha=0.5").space, 1e-5).learning_rate == 1e-3
    space = in_units_of(resolve("smes:alpha=0").space, 0.01)
    assert space.learning_rate == 0.1
    assert (space.fixed["eps"], "eps" in space.defaults) == (0.0, False)
    for size in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="size"):
            in_units_of(space, size)
    with pytest.raises(ValueError, match="alpha is None"):
        in_units_of(resolve("adam").space, 1.0)
