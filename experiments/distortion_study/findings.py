"""Records -> what they say: who trains which network, with and without the rescaling."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from experiments.analysis import paired
from experiments.distortion_study.plan import (
    ALPHAS,
    FULL,
    GAINS,
    SEEDS,
    STRENGTHS,
    DistortionArm,
    run_of,
)
from experiments.distortion_study.readings import (
    KINDS,
    at_the_ends,
    change,
    over,
    ratio,
    spread,
    times,
    typical,
)
from experiments.distortion_study.record import DistortionRecord

TRAINS, CHANCE = 0.5, 0.15
"""Mean train accuracy from which a network counts as trained, and up to which as at chance."""

MEDIANS = (
    "Max/min and distortion are medians over the seeds; the distortion is `gradient_distortion`'s, "
    "the geometric standard deviation of all leaves' gradients, 1 where all are alike. A seed is "
    "left out where the gradient of a layer is 0, as in a network that has died, or where it "
    "diverged."
)
"""What the two last columns of the table are of."""

RunsByArm = dict[DistortionArm, list[DistortionRecord]]


def finals(records: Sequence[DistortionRecord]) -> RunsByArm:
    """The runs on the final seeds, by arm; arms that lack some are left out."""
    found: RunsByArm = {}
    for one in records:
        if one.phase == "final":
            found.setdefault(run_of(one).arm, []).append(one)
    return {arm: some for arm, some in found.items() if len(some) == len(SEEDS)}


def accuracies(records: Sequence[DistortionRecord]) -> list[float]:
    """Train accuracies; a run that diverged has a tenth, chance's."""
    return [0.1 if one.train_accuracy is None else one.train_accuracy for one in records]


def mean_accuracy(arms: Iterable[Sequence[DistortionRecord]]) -> float:
    """The mean over some arms of their seeds' mean train accuracy, in per cent."""
    return 100 * statistics.fmean(statistics.fmean(accuracies(some)) for some in arms)


def outcome(records: Sequence[DistortionRecord]) -> str:
    """Whether an arm trains its network: by the mean over its seeds."""
    mean = statistics.fmean(accuracies(records))
    return "trains" if mean >= TRAINS else "at chance" if mean <= CHANCE else "partly"


def networks(found: RunsByArm) -> list[tuple[int, str]]:
    """The networks of some arms, the shallow first."""
    there = {(arm.depth, arm.start) for arm in found}
    order = [*GAINS]
    return sorted(there, key=lambda one: (one[0], order.index(one[1])))


def text(records: Sequence[DistortionRecord]) -> str:
    """The findings as Markdown."""
    found = finals(records)
    lines = ["# Distortion: which exponent trains a deep plain ConvNet", ""]
    if not found:
        return "\n".join([*lines, "No arm has all its final runs yet."]) + "\n"
    if records[0].steps < 100:
        lines += ["Not an answer (smoke).", ""]
    lines += [
        setup(records),
        "",
        "The rescaling gives every leaf the geometric mean of all: it evens out the layers, not "
        "the size of the gradient from step to step. Where gradients explode it is the biases' "
        "that are unequal; the convolutions' kernels are more alike, and the dense layer's is "
        "larger: in a ReLU network without biases the output grows by the same factor whichever "
        "layer's kernel is enlarged, so the sum of weight times gradient is the same in every "
        "kernel, and kernels of one shape have gradients of much the same size.",
        "",
        *_part("Which exponents train", expectations(found)),
        *_part("What the rescaling does", rescaling(found)),
        *_part("The gradient before the first step", first_gradients(found)),
        "## Every arm",
        "",
        "| network, initialisation | optimizer | rescaled | best size | train accuracy %, by seed "
        "| outcome | kernels max/min at the start → end | distortion at the start → end |",
        "|---|---|---|---:|---:|---|---:|---:|",
    ]
    for depth, start in networks(found):
        for optimizer in ALPHAS:
            for strength in STRENGTHS:
                some = found.get(DistortionArm(depth, start, optimizer, strength))
                if some:
                    lines.append(_row(depth, start, optimizer, strength, some, records))
    lines += ["", MEDIANS]
    wanted = len({arm.depth for arm in found}) * len(GAINS) * len(ALPHAS) * len(STRENGTHS)
    if len(found) < wanted:
        lines += ["", f"{wanted - len(found)} of {wanted} arms are still being run."]
    return "\n".join(lines) + "\n"


def setup(records: Sequence[DistortionRecord]) -> str:
    """What was run, and the rule."""
    steps, images = records[0].steps, records[0].images
    return (
        f"Plain ConvNets of 3×3 convolutions (16 channels, 16×16, no normalisation), {images:,} "
        f"images of {records[0].dataset} shrunk to 16×16, {steps} steps of 32; PyTorch's "
        f"initialisation, and kernels {GAINS['large']:g} times as large. Rates: the best of a "
        "list, by train loss on a tuning seed; then three fresh seeds. The list is of step sizes, "
        "the same for all optimizers: a size of 0.001 is the rate at which the leaf with the "
        "largest gradient moves by about 0.001 (root mean square) in the first step. SMES has "
        "eps 0, AdamW 1e-8. Neither initialisation keeps signals at their size over the layers, "
        "and there are few steps: that a network stays untrained need not be due to its unequal "
        "gradients alone. "
        f"*Trains*: mean train accuracy of at least {100 * TRAINS:g} %; *at chance*: at most "
        f"{100 * CHANCE:g} %; else *partly*. One seed that stays at chance can decide between them."
    )


def _part(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *(f"- {line}" for line in lines), ""]


def _row(
    depth: int,
    start: str,
    optimizer: str,
    strength: float,
    some: Sequence[DistortionRecord],
    records: Sequence[DistortionRecord],
) -> str:
    shown = ", ".join(f"{100 * each:.0f}" for each in accuracies(some))
    diverged = sum(one.status != "ok" for one in some)
    tried = {one.size for one in records if one.phase == "tune"}
    edge = " (outermost)" if some[0].size in (min(tried), max(tried)) else ""
    kernels = change(some, lambda reading: ratio(reading.kernel), ".1e")
    return (
        f"| {depth} layers, {start} | {optimizer} | {'yes' if strength else 'no'} "
        f"| {some[0].size:g}{edge} | {shown}{f' ({diverged} diverged)' if diverged else ''} "
        f"| {outcome(some)} | {kernels} | {change(some, spread, '.2g')} |"
    )


def expectations(found: RunsByArm) -> list[str]:
    """What the paper's idea lets one expect of two exponents, and whether it is so, by rule."""
    return [
        _expected(found, "SMES α=½", "nearly immune", True),
        _expected(found, "SMES α=0", "helpless", False),
    ]


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
        for seed in before.keys() & after.keys():
            by_seed.setdefault(seed, []).append(100 * (after[seed] - before[seed]))
    change = paired.over_seeds({seed: statistics.fmean(by_seed[seed]) for seed in sorted(by_seed)})
    return f"{change.mean:+.1f} [{change.low:+.1f}, {change.high:+.1f}]"


def rescaling(found: RunsByArm) -> list[str]:
    """What `normalize_distortion` does for each optimizer."""
    lines = []
    for optimizer, pairs in both_ways(found).items():
        if not pairs:
            continue
        before, after = trained(pairs)
        means = ", ".join(
            f"{depth} layers {start} "
            + " → ".join(f"{100 * statistics.fmean(accuracies(some)):.0f}" for some in pair)
            for (depth, start), pair in pairs.items()
        )
        lines.append(
            f"{optimizer}: trains {before} of {len(pairs)} networks as it is, {after} with the "
            f"rescaling; mean train accuracy %: {means}; over these networks {in_the_mean(pairs)}, "
            f"a change of {gained(pairs)} points (95 % over seeds)."
        )
    return lines


def first_ratios(found: RunsByArm) -> dict[tuple[int, str], dict[str, list[float | None]]]:
    """Largest over smallest layer before anything was learnt, by kind, of every seed."""
    return {
        place: {
            kind: [ratio(sizes(one.gradients[0])) for one in some] for kind, sizes in KINDS.items()
        }
        for place in networks(found)
        if (some := _of_network(found, place))
    }


def _of_network(found: RunsByArm, place: tuple[int, str]) -> list[DistortionRecord]:
    """One arm's runs: before the first step all arms of a network are alike."""
    return next(runs for arm, runs in found.items() if (arm.depth, arm.start) == place)


def first_gradients(found: RunsByArm) -> list[str]:
    """The same in words."""
    return [
        f"{depth} layers, {start} initialisation: largest over smallest layer "
        + ", ".join(f"{_times(values)} in {kind}" for kind, values in kinds.items())
        + f"; {_smallest(_of_network(found, (depth, start)))}."
        for (depth, start), kinds in first_ratios(found).items()
    ]


def _smallest(some: Sequence[DistortionRecord]) -> str:
    """The smallest kernel's gradient, to be held against an eps; the median over the seeds."""
    least = [min((size or 0.0 for size in one.gradients[0].kernel), default=0.0) for one in some]
    return f"the smallest kernel's, root mean square, is {statistics.median(least):.1e}"


def _times(values: Sequence[float | None]) -> str:
    middle = typical(values)
    return ("not known" if middle is None else f"{times(middle)} times") + over(values)


def left(found: RunsByArm) -> list[str]:
    """How many seeds can be compared at the end, of arms of which not all can."""
    ends = {arm: at_the_ends(some, spread)[1] for arm, some in found.items()}
    return [
        f"{arm.optimizer} on {arm.depth} layers {arm.start}"
        f"{', rescaled' if arm.strength else ''}: {len(end) - end.count(None)} of {len(end)}"
        for arm, end in ends.items()
        if None in end
    ]


def _expected(
    found: RunsByArm,
    optimizer: str,
    expected: str,
    trains_all: bool,
) -> str:
    """Whether an exponent trains every network, or none, as expected."""
    wanted = len({arm.depth for arm in found}) * len(GAINS)
    runs = {
        place: some
        for place in networks(found)
        if (some := found.get(DistortionArm(*place, optimizer, 0.0)))
    }
    results = {place: outcome(some) for place, some in runs.items()}
    trained = sum(one == "trains" for one in results.values())
    holds = trained == (wanted if trains_all else 0)
    answer = ("Yes" if holds else "No") if len(results) == wanted else "No answer yet"
    listed = ", ".join(
        f"{place[0]} layers {place[1]}: {one}{_outermost(runs[place])}"
        for place, one in results.items()
    )
    return (
        f"Is {optimizer} {expected}? {answer}: it trains {trained} of {len(results)} networks"
        + (f", mean train accuracy {mean_accuracy(runs.values()):.0f} %" if runs else "")
        + f" ({listed})."
    )


def _outermost(some: Sequence[DistortionRecord]) -> str:
    """Where the best size of step is the smallest or the largest of the list."""
    ends = {min(FULL.sizes): "smallest", max(FULL.sizes): "largest"}
    size = some[0].size
    return f" at the {ends[size]} size tried" if size in ends else ""
