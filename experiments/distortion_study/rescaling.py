"""What `normalize_distortion` does for each optimizer: how many networks train, and how well."""

from __future__ import annotations

import statistics

from experiments.analysis import paired
from experiments.distortion_study.outcomes import (
    RunsByArm,
    accuracies,
    mean_accuracy,
    networks,
    outcome,
)
from experiments.distortion_study.plan import ALPHAS, DistortionArm
from experiments.distortion_study.record import DistortionRecord

Both = tuple[list[DistortionRecord], list[DistortionRecord]]
"""An arm's runs as it is, and with the rescaling."""


def both_ways(
    found: RunsByArm,
) -> dict[str, dict[tuple[int, str], Both]]:
    """Optimizer -> network -> its runs, where both ways are run."""
    return {
        optimizer: {
            place: (plain, rescaled)
            for place in networks(found)
            if (plain := found.get(DistortionArm(*place, optimizer, 0.0)))
            and (rescaled := found.get(DistortionArm(*place, optimizer, 1.0)))
        }
        for optimizer in ALPHAS
    }


def trained(pairs: dict[tuple[int, str], Both]) -> tuple[int, int]:
    """How many networks an optimizer trains as it is, and with the rescaling."""
    before, after = (
        sum(outcome(pair[one]) == "trains" for pair in pairs.values()) for one in (0, 1)
    )
    return before, after


def in_the_mean(pairs: dict[tuple[int, str], Both]) -> str:
    """Mean train accuracy over the networks, as it is → with the rescaling, in per cent."""
    return " → ".join(
        f"{mean_accuracy(pair[one] for pair in pairs.values()):.0f}" for one in (0, 1)
    )


def gained(pairs: dict[tuple[int, str], Both]) -> str:
    """What the rescaling adds to that mean, in points, with its 95 % interval over the seeds.

    Three seeds tell little: a count of trained networks may change where this shows nothing.
    """
    by_seed: dict[int, list[float]] = {}
    for plain, rescaled in pairs.values():
        before, after = (
            dict(zip((one.seed for one in some), accuracies(some), strict=True))
            for some in (plain, rescaled)
        )
        for seed in before:
            by_seed.setdefault(seed, []).append(100 * (after[seed] - before[seed]))
    change = paired.over_seeds({seed: statistics.fmean(by_seed[seed]) for seed in sorted(by_seed)})
    return f"{change.mean:+.1f} [{change.low:+.1f}, {change.high:+.1f}]"


def lines(found: RunsByArm) -> list[str]:
    """What `normalize_distortion` does for each optimizer."""
    made = []
    for optimizer, pairs in both_ways(found).items():
        if not pairs:
            continue
        before, after = trained(pairs)
        means = ", ".join(
            f"{depth} layers {start} "
            + " → ".join(f"{100 * statistics.fmean(accuracies(some)):.0f}" for some in pair)
            for (depth, start), pair in pairs.items()
        )
        made.append(
            f"{optimizer}: trains {before} of {len(pairs)} networks as it is, {after} with the "
            f"rescaling; mean train accuracy %: {means}; over these networks {in_the_mean(pairs)}, "
            f"a change of {gained(pairs)} points (95 % over seeds)."
        )
    return made
