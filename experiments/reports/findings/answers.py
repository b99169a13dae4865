"""Questions Q0 to Q8, each with its verdicts by rule and what they still lack."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from experiments.analysis.noise_cells import noise_cells
from experiments.files import JsonObject
from experiments.protocols import cell
from experiments.protocols.ablation import constants as ablation
from experiments.protocols.fair import constants as fair
from experiments.protocols.label_noise import constants as label_noise
from experiments.reports.ablation.step_lengths import (
    in_place,
    no_evidence,
    remark,
    step_lengths,
)
from experiments.reports.ablation.tables import arm_title
from experiments.reports.fair.questions import Answer, answers
from experiments.reports.findings.studies import NETWORK, SCOPE, StudyResults, missing_runs
from experiments.reports.label_noise import section as label_noise_section
from experiments.reports.labels import dataset_title, optimizer_title

FIGURES = {
    "Q0": ("differences",),
    "Q1": ("differences", "rates", "budget"),
    "Q2": ("differences",),
    "Q3": ("q3", "permuted"),
    "Q4": ("q4", "up", "down"),
    "Q8": ("heat", "gate"),
}
"""Keys of a question's figures; others have the one that is called as they are."""


@dataclass(frozen=True)
class Line:
    """One comparison in one regime.

    Attributes:
        regime: the regime.
        other: what ThermoLion is compared with.
        answer: the verdict over the sets that are whole; None where there is none.
        sets: how many of the sets that an answer takes are whole.
        of: how many those are.
        doubt: why the verdict tells nothing on some set; empty where there is no such reason.
        remark: what stands behind the answer.
    """

    regime: str
    other: str
    answer: Answer | None
    sets: int
    of: int
    doubt: str = ""
    remark: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self.answer is not None and self.sets == self.of

    @property
    def case(self) -> str:
        """The verdict on held-out accuracy in a few words."""
        if self.answer is None or self.answer.held_out is None:
            return "no answer yet"
        of = f"{self.sets} of {self.of} sets" if self.sets else "other sets"
        case = self.answer.held_out.case + ("" if self.whole else f" ({of})")
        return f"{case}; {self.doubt}" if self.doubt else case


@dataclass(frozen=True)
class Finding:
    """One question.

    Attributes:
        number: such as Q1.
        text: the question in one sentence.
        study: the protocol that asks it.
        lines: a line a comparison and regime; none for Q8.
        sentences: the same in words.
        missing: what is still to be run, in a line; None where there is all.
        figures: files of its figures that are drawn.
    """

    number: str
    text: str
    study: str
    lines: tuple[Line, ...]
    sentences: tuple[str, ...]
    missing: str | None
    figures: tuple[str, ...]


def findings(studies: Mapping[str, StudyResults]) -> list[Finding]:
    """All questions, in their order."""
    asked = fair.protocol()["questions"]
    made = [
        _compared(number, one, studies["fair"], optimizer_title) for number, one in asked.items()
    ]
    for number, one in ablation.protocol()["questions"].items():
        made.append(_compared(number, {"setting": "tuned", **one}, studies["ablation"], arm_title))
    made.insert(_before_others(made), _noise(studies["label_noise"]))
    return made


def _before_others(made: Sequence[Finding]) -> int:
    """The place behind the last question that has a number."""
    return 1 + max(place for place, one in enumerate(made) if one.number.startswith("Q"))


def _compared(
    number: str, asked: JsonObject, study: StudyResults, called: Callable[[str], str]
) -> Finding:
    sets, regimes = SCOPE[study.name]
    first, setting = asked["first"], asked["setting"]
    found = {
        (one.regime, one.other): one
        for one in answers(study.arms, {number: asked}, called)
        if one.held_out is not None
    }
    more = sorted({regime for regime, _ in found} - set(regimes))
    lines = []
    for regime, other in itertools.product((*regimes, *more), asked["against"]):
        there = sum(
            not any(study.lacking(name, regime, one, setting) for one in (first, other))
            for name in sets
        )
        arms = in_place(study.arms, NETWORK, regime)
        doubts = no_evidence(other, arms), remark(other, arms)
        lines.append(Line(regime, other, found.get((regime, other)), there, len(sets), *doubts))
    names = [(name, setting) for name in (first, *asked["against"])]
    places = list(itertools.product(sets, regimes))
    return Finding(
        number,
        asked["text"],
        study.name,
        tuple(lines),
        (
            *(_sentence(line, called) for line in lines),
            *step_lengths(study.by_workload, asked["against"]),
        ),
        missing_runs(
            study, places, names, called, lambda name, regime: f"{dataset_title(name)}, {regime}"
        ),
        _figures(number, study) if found else (),
    )


def _sentence(line: Line, called: Callable[[str], str]) -> str:
    start = f"**Regime {line.regime}, against {called(line.other)}**: "
    if line.answer is None:
        return start + "no answer yet."
    part = "" if line.whole else f"on {_named(line.answer)} alone, "
    return start + part + line.answer.summary + line.remark


def _named(answer: Answer) -> str:
    """The data sets that an answer speaks of."""
    return " and ".join(map(dataset_title, answer.held_out.sets if answer.held_out else ()))


def _noise(study: StudyResults) -> Finding:
    numbers = label_noise.protocol()
    question = numbers["question"]
    names = [(name, "tuned") for name in numbers["optimizers"]]
    places = [
        (cell.Task(name, label_noise=share).title, f"b{batch}")
        for name in SCOPE[study.name][0]
        for batch in numbers["batch_sizes"]
        for share in numbers["label_noise"]
    ]
    cells = noise_cells(arm for arm in study.arms if arm.tuned)
    whole = [one for one in cells if one.arms.keys() >= {name for name, _ in names}]
    sentences = [*label_noise_section.seen(whole), *label_noise_section.helped(whole)]
    return Finding(
        "Q8",
        question["text"],
        study.name,
        (),
        tuple(sentences) or ("No answer yet.",),
        missing_runs(
            study,
            places,
            names,
            arm_title,
            where=lambda name, regime: f"{name}, batch {int(regime.removeprefix('b')):,}",
        ),
        _figures("Q8", study),
    )


def _figures(number: str, study: StudyResults) -> tuple[str, ...]:
    keys: Iterable[str] = FIGURES.get(number, (number.lower().replace(" ", "-"),))
    return tuple(study.figures[key] for key in keys if key in study.figures)
