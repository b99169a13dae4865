"""The learning rate over a run, as a factor that belongs to the protocol and not to an optimizer.

Which schedule a run has is an input of its compiled program, so that all of them share one.
"""

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from experiments.optimizers.types import Scalar

NAMES = ("constant", "warmup_cosine", "warmup")

# The share of the steps, rounded down, in which a warm-up rises to the learning rate.
WARMUP = 0.05


def factors(total_steps: int) -> dict[str, optax.Schedule]:
    """Each schedule's factor of the learning rate, by the 0-based count of the step.

    With W = ⌊total_steps/20⌋ steps of warm-up the factor is 1/W in the first step, so that no
    step stands still, and 1 in step W; "warmup_cosine" then falls as ½(1 + cos πt), to 0 at
    total_steps, one step after the last.

    Example:
        >>> [round(float(factors(60)["warmup_cosine"](count)), 3) for count in (0, 1, 3, 30, 59)]
        [0.333, 0.556, 1.0, 0.541, 0.001]
    """
    rising = int(WARMUP * total_steps)
    first = 1 / max(rising, 1)
    return {
        "constant": optax.constant_schedule(1.0),
        "warmup_cosine": optax.warmup_cosine_decay_schedule(first, 1.0, rising, total_steps),
        "warmup": optax.linear_schedule(first, 1.0, rising),
    }


def scheduled(learning_rate: Scalar, which: ArrayLike, total_steps: int) -> optax.Schedule:
    """The learning rate by the count of the step, for the schedule at place ``which`` of `NAMES`.

    Args:
        learning_rate: float scalar, the greatest rate; may be traced.
        which: integer scalar; may be traced.
        total_steps: of the run.
    """
    choices = factors(total_steps)

    def rate(count: ArrayLike) -> jax.Array:
        values = [jnp.asarray(choices[name](count), jnp.float32) for name in NAMES]
        return learning_rate * jnp.stack(values)[which]

    return rate
