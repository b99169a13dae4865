"""What an optimizer is to the trainers, as types. It loads JAX: elsewhere for annotations alone."""

from collections.abc import Callable, Mapping

import jax
import optax

Scalar = float | jax.Array
Rate = optax.ScalarOrSchedule
Hyperparameters = Mapping[str, Scalar | optax.Schedule]
Key = jax.Array | int

EvalParams = Callable[[optax.OptState, optax.Params], optax.Params]
"""The parameters to evaluate (averaged ones, for instance), from the state and those trained."""

Pair = tuple[optax.GradientTransformation, EvalParams]
Built = optax.GradientTransformation | Pair

Build = Callable[[Hyperparameters, Key, int, int], Built]
"""(hyperparameters, key, steps_per_epoch, total_steps) -> the optimizer."""
