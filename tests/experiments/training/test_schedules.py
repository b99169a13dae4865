"""Schedules of the learning rate: optax's own, chosen by a traced number."""

import jax
import numpy as np
import optax
import pytest
from params import slow

from experiments.training import schedules


@pytest.mark.parametrize(
    ("total", "rising"), [(60, 3), slow(600, 30), slow(2400, 120), (7, 0), (1, 0)]
)
def test_they_are_optax_own(total: int, rising: int) -> None:
    parts = [
        optax.linear_schedule(1 / max(rising, 1), 1.0, rising),
        optax.cosine_decay_schedule(1.0, total - rising),
    ]
    want = {
        "constant": lambda count: 1.0,
        "warmup_cosine": optax.join_schedules(parts, [rising]),
        "warmup": optax.join_schedules([parts[0], lambda count: 1.0], [rising]),
    }
    assert tuple(want) == schedules.NAMES
    rate = jax.jit(lambda which, count: schedules.scheduled(0.02, which, total)(count))
    for which, name in enumerate(schedules.NAMES):
        got = [float(rate(np.uint8(which), count)) for count in range(total)]
        expected = [0.02 * float(want[name](count)) for count in range(total)]
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-9)
        assert min(got) > 0  # no step stands still
        assert max(got) == pytest.approx(0.02)


def test_the_cosine_by_hand() -> None:
    counts = np.arange(600)
    want = np.where(
        counts < 30,
        1 / 30 + 29 / 30 * counts / 30,
        0.5 * (1 + np.cos(np.pi * (counts - 30) / 570)),
    )
    got = schedules.factors(600)["warmup_cosine"](counts)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
