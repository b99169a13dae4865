"""Choosing by validation: the score of a run, and the setting that did best elsewhere."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from scipy.stats import rankdata

from experiments.records import Record

Score = tuple[float, float]
"""Accuracy, and minus the loss, by which ties are broken."""

WORST: Score = (-math.inf, -math.inf)

Setting = tuple[int, str]
"""A rate's place on the grid, 0 for the default, and a schedule."""


def score(record: Record | None) -> Score:
    """The last validation reading of a run; a run that diverged has the worst.

    Example:
        >>> score(None)
        (-inf, -inf)
    """
    if record is None or record.status != "ok":
        return WORST
    accuracy = (record.validation_accuracy or [None])[-1]
    loss = (record.validation_loss or [None])[-1]
    if accuracy is None:
        return WORST
    # A loss that is not finite is null in a file, and must count alike before it is in one.
    return accuracy, -loss if loss is not None and math.isfinite(loss) else -math.inf


def chance(record: Record) -> float:
    """The accuracy of guessing, 1/K of K classes, which a run that diverged counts as."""
    return 1 / (record.data.classes or 1)


def validation_accuracy(record: Record) -> float:
    """The last validation accuracy of a run, or chance's where it diverged."""
    accuracy, _ = score(record)
    return accuracy if math.isfinite(accuracy) else chance(record)


def mean_score(scores: Sequence[Score]) -> Score:
    """Mean accuracy, and minus the mean loss."""
    accuracy, loss = (math.fsum(part) / len(scores) for part in zip(*scores, strict=True))
    return accuracy, loss


def outermost(value: float, tried: Collection[float]) -> bool:
    """Whether of several values that were tried none is smaller, or none larger, than this one.

    The best setting that is known may then lie beyond them.

    Example:
        >>> outermost(1e-2, [1e-8, 1e-4, 1e-2]), outermost(3e-2, [1e-4, 1e-2])
        (True, True)
        >>> outermost(1e-4, [1e-8, 1e-4, 1e-2]), outermost(0.0, [0.0])
        (False, False)
    """
    return len({*tried}) > 1 and not min(tried) < value < max(tried)


_Setting = TypeVar("_Setting", bound=tuple[int, Any])


def smallest_mean_rank(sets: Sequence[Mapping[_Setting, Score]]) -> _Setting:
    """The setting with the smallest mean rank over several sets, all with the same settings.

    A setting is a rate's place on the grid and anything else, such as a schedule. A tie goes to the
    rate nearer to place 0, then to the setting named first.

    Example:
        >>> smallest_mean_rank([{(0, "constant"): (0.5, 0.0), (1, "constant"): (0.6, 0.0)}])
        (1, 'constant')
    """
    settings = list(sets[0])
    places = []
    for scores in sets:
        order = sorted(set(scores.values()), reverse=True)
        place_of = {one: place for place, one in enumerate(order)}
        places.append([place_of[scores[one]] for one in settings])
    total = rankdata(places, axis=1).sum(axis=0).tolist()
    # Sums of halves are exact, so equal means are equal here.
    best = min(range(len(settings)), key=lambda i: (total[i], abs(settings[i][0]), i))
    return settings[best]
