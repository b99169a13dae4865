"""Records -> what they say: who trains which network, with and without the rescaling."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.analysis.selection import outermost
from experiments.distortion_study import rescaling
from experiments.distortion_study.outcomes import (
    CHANCE,
    TRAINS,
    RunsByArm,
    accuracies,
    finals,
    mean_accuracy,
    networks,
    outcome,
)
from experiments.distortion_study.plan import (
    ALPHAS,
    FULL,
    GAINS,
    STRENGTHS,
    DistortionArm,
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

MEDIANS = (
    "Max/min and distortion are medians over the seeds; the distortion is `gradient_distortion`'s, "
    "the geometric standard deviation of all leaves' gradients, 1 where all are alike. A seed is "
    "left out where the gradient of a layer is 0, as in a network that has died, or where it "
    "diverged."
)
"""What the two last columns of the table are of."""


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
        *_part("Which exponents train", [one.text for one in expectations(found)]),
        *_part("What the rescaling does", rescaling.lines(found)),
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
    edge = " (outermost)" if outermost(some[0].size, tried) else ""
    kernels = change(some, lambda reading: ratio(reading.kernel), ".1e")
    return (
        f"| {depth} layers, {start} | {optimizer} | {'yes' if strength else 'no'} "
        f"| {some[0].size:g}{edge} | {shown}{f' ({diverged} diverged)' if diverged else ''} "
        f"| {outcome(some)} | {kernels} | {change(some, spread, '.2g')} |"
    )


@dataclass(frozen=True)
class Expectation:
    """What one may expect of an optimizer, and whether it is so.

    Attributes:
        optimizer: its title.
        expected: what it should be.
        answer: "Yes", "No", or "No answer yet".
        seen: how many networks it trains.
        networks: what becomes of each.
    """

    optimizer: str
    expected: str
    answer: str
    seen: str
    networks: str

    @property
    def text(self) -> str:
        """All of it as one line."""
        return f"Is {self.optimizer} {self.expected}? {self.answer}: {self.seen} ({self.networks})."


def expectations(found: RunsByArm) -> list[Expectation]:
    """What the paper's idea lets one expect of two exponents, and whether it is so, by rule."""
    return [
        _expected(found, "SMES α=½", "nearly immune", True),
        _expected(found, "SMES α=0", "helpless", False),
    ]


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
) -> Expectation:
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
    seen = f"it trains {trained} of {len(results)} networks" + (
        f", mean train accuracy {mean_accuracy(runs.values()):.0f} %" if runs else ""
    )
    return Expectation(optimizer, expected, answer, seen, listed)


def _outermost(some: Sequence[DistortionRecord]) -> str:
    """Where the best size of step is the smallest or the largest of the list."""
    ends = {min(FULL.sizes): "smallest", max(FULL.sizes): "largest"}
    size = some[0].size
    return f" at the {ends[size]} size tried" if size in ends else ""
