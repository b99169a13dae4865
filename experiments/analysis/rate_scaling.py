"""How the best learning rate moves with the steps and the batch size: a power law of both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

STEPS, BATCH = 600, 128
"""Where a law's `rate` is read off."""


@dataclass(frozen=True)
class PowerLaw:
    """rate · (steps / 600)^steps_power · (batch / 128)^batch_power.

    Attributes:
        rate: at 600 steps of 128 images.
        steps_power: how it moves with the steps.
        batch_power: likewise with the batch size.
        worst: the largest factor between a rate and the law's, at least 1.
    """

    rate: float
    steps_power: float
    batch_power: float
    worst: float

    def __str__(self) -> str:
        return (
            f"{self.rate:.2g} · (steps / {STEPS})^{self.steps_power:z.2f} · "
            f"(batch / {BATCH})^{self.batch_power:z.2f}"
        )


def power_law(rates: Mapping[tuple[int, int], float]) -> PowerLaw | None:
    """The law nearest to ``rates``, by least squares of their logarithms.

    Args:
        rates: by steps and batch size.

    Returns:
        None where the three numbers of a law are not determined with one rate to spare, as by
        rates of one batch size.

    Example:
        >>> law = power_law({(s, b): 1e-3 * (b / s) ** 0.5 for s in (60, 600) for b in (32, 128)})
        >>> str(law)
        '0.00046 · (steps / 600)^-0.50 · (batch / 128)^0.50'
    """
    places = np.array(list(rates), np.float64).reshape(-1, 2)
    design = np.column_stack([np.ones(len(places)), np.log(places / [STEPS, BATCH])])
    if len(places) < 4 or np.linalg.matrix_rank(design) < 3:
        return None
    logs = np.log(list(rates.values()))
    found, *_ = np.linalg.lstsq(design, logs)
    worst = float(np.abs(design @ found - logs).max())
    return PowerLaw(math.exp(found[0]), float(found[1]), float(found[2]), math.exp(worst))
