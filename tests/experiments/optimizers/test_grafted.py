"""Grafting by name: gradients alone decide both steps, so the parts alone are the truth."""

import numpy as np
import pytest
from optimizer_paths import GRADS, START, run

from experiments.optimizers import resolve


def steps(spec):
    path, _ = run(spec, GRADS[:40])
    return np.diff(np.concatenate([START[None], path]), axis=0)


@pytest.mark.parametrize(
    ("direction", "magnitude"), [("thermolion", "adam"), ("adam", "thermolion")]
)
def test_the_direction_is_the_ones_and_the_norm_the_others(direction, magnitude):
    spec = {"thermolion": "thermolion:weight_decay=0", "adam": "adamw:weight_decay=0"}
    along, length = steps(spec[direction]), steps(spec[magnitude])
    found = steps(f"grafted:weight_decay=0,direction={direction},magnitude={magnitude}")
    expected = along * (np.linalg.norm(length, axis=1) / np.linalg.norm(along, axis=1))[:, None]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-12)


def test_adam_along_adam_is_adamw():
    both = "grafted:direction=adam,magnitude=adam"
    np.testing.assert_allclose(steps(both), steps("adamw"), rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("which", ["direction", "magnitude"])
def test_another_part_is_refused(which):
    with pytest.raises(ValueError, match=rf"{which} = 'lion', but must be 'thermolion' or 'adam'"):
        resolve(f"grafted:{which}=lion")


def test_its_name_says_what_differs_from_thermolion_along_adams_norm():
    assert resolve("grafted:direction=thermolion,magnitude=adam").name == "grafted"
    assert resolve("grafted:direction=adam,magnitude=thermolion").space.learning_rate == 1e-3
