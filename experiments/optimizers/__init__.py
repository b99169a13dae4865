"""A name or an import path, with overrides, to an optax transformation."""

from experiments.optimizers.lookup import NAMES, Optimizer, resolve

__all__ = ["NAMES", "Optimizer", "resolve"]
