"""What counts as classified correctly."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.training.evaluation import evaluate

LABELS = jnp.array([0, 0, 1, 2])


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_of_logits_that_are_not_finite_nothing_is_right(broken):
    """The greatest of NaN logits is the first: a dead network would know all of class 0."""

    def logits(params, images):
        right = jnp.array([[9.0, 0, 0], [9.0, 0, 0], [0, 9.0, 0], [0, 0, 9.0]])[: len(images)]
        return right * params

    images = jnp.zeros((4, 32, 32, 1), jnp.uint8)
    assert evaluate(logits, jnp.float32(1), images, LABELS).correct.tolist() == [True] * 4
    dead = evaluate(logits, jnp.float32(broken), images, LABELS)
    assert dead.correct.tolist() == [False] * 4
    assert float(dead.accuracy) == 0
