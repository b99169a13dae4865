"""The rule that turns a paired difference into words, the same for every question.

In this order, Δ being the smallest difference that matters: an interval that excludes 0 and lies
within ±Δ is "better (worse) by less than Δ"; that excludes 0, "better (worse)"; that lies within
±Δ, "no difference larger than Δ"; any other, "undecided, at most X". So "no difference"
means that the interval is narrow, never just that it holds 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from experiments.analysis.paired import Difference, over_sets

Case = Literal[
    "better by less",
    "worse by less",
    "better",
    "worse",
    "no larger difference",
    "undecided",
    "mixed",
]


@dataclass(frozen=True)
class Measure:
    """What is compared, and how much of it matters.

    Attributes:
        name: as the reader sees it.
        unit: of differences.
        delta: Δ, in that unit, or 100 times a natural logarithm.
        higher_is_better: False for a loss.
        logarithmic: whether differences are 100 times those of natural logarithms; a reader is
            shown the change in per cent that such a difference stands for.
    """

    name: str
    unit: str
    delta: float
    higher_is_better: bool = True
    logarithmic: bool = False

    @property
    def scale(self) -> str:
        """What the numbers of a `Difference` are in."""
        return "100 ln(ratio)" if self.logarithmic else self.unit

    def shown(self, value: float) -> float:
        """A difference in the unit: where it is one of logarithms, the change in per cent.

        Example:
            >>> round(TRAIN_LOSS.shown(100 * math.log(0.5)), 6), HELD_OUT.shown(1.5)
            (-50.0, 1.5)
        """
        return 100 * math.expm1(value / 100) if self.logarithmic else value

    def signed(self, *values: float) -> list[str]:
        """Differences as text, in the unit; as ratios where a per cent tells little.

        That is where one is a rise of more than 100 % or a fall of more than 99 %.

        Example:
            >>> HELD_OUT.signed(1.5, -0.25), TRAIN_LOSS.signed(100 * math.log(0.5))
            (['+1.50', '-0.25'], ['-50.00'])
            >>> TRAIN_LOSS.signed(100 * math.log(35), 100 * math.log(0.5), 100 * math.log(1e4))
            ['×35', '×0.5', '×10,000']
        """
        shown = [self.shown(value) for value in values]
        if self.logarithmic and (max(shown) > 100 or min(shown) < -99):
            return [_ratio(one) for one in shown]
        return [f"{one:+.2f}" for one in shown]

    def amount(self, size: float) -> str:
        """How large a difference is that `shown` gave, with its unit; above 100 % as a ratio.

        Example:
            >>> HELD_OUT.amount(1.5), TRAIN_LOSS.amount(99.5), TRAIN_LOSS.amount(3400.0)
            ('1.50 points', '99.50 %', '×35')
        """
        large = self.logarithmic and size > 100
        return _ratio(size) if large else f"{size:.2f} {self.unit}"


def _ratio(change: float) -> str:
    """The ratio that a change in per cent stands for."""
    ratio = 1 + change / 100
    return f"×{ratio:,.0f}" if ratio >= 100 else f"×{ratio:.3g}"


HELD_OUT = Measure("held-out accuracy", "points", 1.0)
# Δ is the factor 1.05: 5 % more, and 4.8 % less, so that nothing beyond 5 % counts as none.
TRAIN_LOSS = Measure(
    "train loss", "%", 100 * math.log(1.05), higher_is_better=False, logarithmic=True
)


@dataclass(frozen=True)
class Verdict:
    """A verdict in words and every number behind it.

    Attributes:
        subject: who is compared with whom.
        words: what the rule says, such as "no difference larger than 1 point".
        evidence: the difference with its interval, and what they rest on.
        case: which of the rule's cases holds.
        measure: what was compared, with Δ.
        difference: first minus second, over all sets where there are several.
        sets: each data set's verdict, by name, where that is known.
    """

    subject: str
    words: str
    evidence: str
    case: Case
    measure: Measure
    difference: Difference
    sets: Mapping[str, Verdict] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """One line for the reader."""
        return f"{self.subject}, {self.predicate}"

    @property
    def predicate(self) -> str:
        """The line without its subject."""
        return f"{self.measure.name}: {self.words}: {self.evidence}"

    @property
    def numbers(self) -> str:
        """The difference and its interval, in the measure's unit."""
        return _interval(self.difference, self.measure)

    @property
    def at_most(self) -> float:
        """Largest difference, either way, that the interval holds, in the measure's unit.

        It is inf for one seed.
        """
        return _at_most(self.difference, self.measure)


def verdict(one: str, other: str, found: Difference, *, measure: Measure = HELD_OUT) -> Verdict:
    """Says whether ``one`` is better than ``other``.

    Args:
        one: the optimizer that the sentence is about.
        other: the one it is compared with.
        found: paired difference, one minus other, in the measure's unit.
        measure: what was compared.

    Example:
        >>> from experiments.analysis import paired
        >>> found = paired.loss_difference({0: 0.5, 1: 0.5}, {0: 1.0, 1: 1.0})
        >>> verdict("mine", "adamw", found, measure=TRAIN_LOSS).text[:45]
        'mine against adamw, train loss: better: -50.0'
    """
    case = _case(found, measure)
    words = _words(case, found, measure)
    return Verdict(_subject(one, other), words, _evidence(found, measure), case, measure, found)


def verdict_over_sets(
    one: str,
    other: str,
    found: Mapping[str, Difference],
    *,
    measure: Measure = HELD_OUT,
) -> Verdict:
    """The rule over data sets: their equal-weight mean, or "mixed".

    It is mixed where ``one`` is better on a set and worse on another, each interval excluding 0,
    whatever the mean.

    Args:
        one: the optimizer that the sentence is about.
        other: the one it is compared with.
        found: each data set's paired difference.
        measure: what was compared.

    Raises:
        ValueError: as `paired.over_sets`.
    """
    sets = {name: verdict(one, other, each, measure=measure) for name, each in found.items()}
    mean = over_sets(list(found.values()))
    better = [name for name, each in sets.items() if each.case.startswith("better")]
    worse = [name for name, each in sets.items() if each.case.startswith("worse")]
    case = _case(mean, measure)
    words = _words(case, mean, measure)
    if better and worse:
        case = "mixed"
        words = f"mixed (better on {', '.join(better)}, worse on {', '.join(worse)})"
    words = f"over {len(sets)} sets, {words}"
    return Verdict(_subject(one, other), words, _evidence(mean, measure), case, measure, mean, sets)


def _case(found: Difference, measure: Measure) -> Case:
    small = found.within(measure.delta)
    if found.excludes_zero:
        if (found.mean > 0) == measure.higher_is_better:
            return "better by less" if small else "better"
        return "worse by less" if small else "worse"
    return "no larger difference" if small else "undecided"


def _at_most(found: Difference, measure: Measure) -> float:
    return max(abs(measure.shown(found.low)), abs(measure.shown(found.high)))


def _interval(found: Difference, measure: Measure, unit: str = "") -> str:
    """The mean, with the unit if it is given and the numbers are no ratios, and its interval."""
    if found.half is None:
        return measure.signed(found.mean)[0] + unit
    mean, low, high = measure.signed(found.mean, found.low, found.high)
    return f"{mean}{'' if mean.startswith('×') else unit} [{low}, {high}]"


def _words(case: Case, found: Difference, measure: Measure) -> str:
    delta = _amount(measure.shown(measure.delta), measure)
    if case in ("better by less", "worse by less"):
        return f"{case} than {delta}"
    if case == "no larger difference":
        return f"no difference larger than {delta}"
    if case == "undecided":
        most = _at_most(found, measure)
        return f"undecided, at most {measure.amount(most)}" if math.isfinite(most) else case
    return case


def _amount(value: float, measure: Measure) -> str:
    unit = measure.unit.removesuffix("s") if value == 1 else measure.unit
    return f"{value:g} {unit}"


def _subject(one: str, other: str) -> str:
    return f"{one} against {other}"


def _evidence(found: Difference, measure: Measure) -> str:
    text = _interval(found, measure, f" {measure.unit}")
    if found.half is None or found.half_seeds is None:
        return f"{text}, one seed and so no interval"
    text += f" at {100 * found.level:.4g} %"
    seeds = f"{len(found.by_seed)} seeds"
    if found.images is None:
        text += f", {seeds}"
    else:
        ends = (found.mean - found.half_seeds, found.mean + found.half_seeds)
        alone = ", ".join(measure.signed(*ends))
        text += f" over {seeds} and {found.images:,} images (seeds alone [{alone}])"
    smallest = found.smallest_detectable
    if smallest is None:
        return text
    return f"{text}; smallest detectable {measure.amount(measure.shown(smallest))}"
