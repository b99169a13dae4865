"""Cells -> the three claims, answered by rule, one line a comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from experiments.analysis import verdicts
from experiments.analysis.exponent_cells import ExponentCell, best_arm, matched_difference
from experiments.analysis.noise_cells import growth
from experiments.analysis.paired import Difference
from experiments.protocols.exponent import constants
from experiments.reports.exponent.tables import arm_title
from experiments.reports.fair.questions import loss_difference
from experiments.reports.labels import dataset_title

AT_MATCHED = verdicts.Measure(
    "validation loss at matched train loss",
    "%",
    verdicts.TRAIN_LOSS.delta,
    higher_is_better=False,
    logarithmic=True,
)
Compare = Callable[[ExponentCell, str, str, int], Difference | None]


class Claim(NamedTuple):
    """The answer to one comparison.

    Attributes:
        asked: the question's key.
        place: what was trained and how long.
        summary: the verdict, or why there is none.
        case: which of the rule's cases holds; None where it was not asked.
    """

    asked: str
    place: str
    summary: str
    case: verdicts.Case | None = None

    @property
    def line(self) -> str:
        """With its question."""
        question = constants.protocol()["questions"][self.asked]["text"]
        return f"Q9, {self.place}: {question} {self.summary}"


def claims(cells: Sequence[ExponentCell]) -> list[Claim]:
    """Every claim in every regime and network that there are records of."""
    lines = []
    for place in dict.fromkeys((cell.network, cell.regime) for cell in cells):
        some = [cell for cell in cells if (cell.network, cell.regime) == place]
        dense = [cell for cell in some if not cell.sparsity]
        lines += _over_sets("faster", dense, _train_loss, verdicts.TRAIN_LOSS)
        lines += _over_sets("gap", dense, _at_matched, AT_MATCHED)
        for cell in dense:
            sparse = [one for one in some if one.sparsity and one.dataset == cell.dataset]
            if sparse:
                lines += _by_sparsity([cell, *sparse])
    return lines


def _train_loss(cell: ExponentCell, first: str, other: str, count: int) -> Difference | None:
    if not {first, other} <= cell.arms.keys():
        return None
    return loss_difference(cell.arms[first].tuned, cell.arms[other].tuned, comparisons=count)


def _at_matched(cell: ExponentCell, first: str, other: str, count: int) -> Difference | None:
    return matched_difference(cell, first, other, comparisons=count)


def _over_sets(
    asked: str,
    cells: Sequence[ExponentCell],
    compare: Compare,
    measure: verdicts.Measure,
) -> list[Claim]:
    """One a pair of exponents, over the data sets whose final runs share their seeds."""
    question, lines = constants.protocol()["questions"][asked], []
    for first, other in question["pairs"]:
        if not any({first, other} <= cell.arms.keys() for cell in cells):
            continue
        place = _where(cells[0])
        found = {
            dataset_title(cell.dataset): each
            for cell in cells
            if (each := compare(cell, first, other, len(question["pairs"]))) is not None
        }
        names = arm_title(first), arm_title(other)
        if not found:
            text = f"No answer yet: final runs of {' and '.join(names)} are missing."
            lines.append(Claim(asked, place, text))
        elif len({tuple(each.by_seed) for each in found.values()}) == 1 and len(found) > 1:
            over = verdicts.verdict_over_sets(*names, found, measure=measure)
            lines.append(Claim(asked, place, f"{over.text}.", over.case))
        else:  # one set, or sets that are not yet as far as each other
            for name, each in found.items():
                one = verdicts.verdict(names[0], f"{names[1]} on {name}", each, measure=measure)
                lines.append(Claim(asked, place, f"{one.text}.", one.case))
    return lines


def _by_sparsity(cells: Sequence[ExponentCell]) -> list[Claim]:
    """Whether the advantage of one exponent over another grows with sparsity, and each one's best.

    Args:
        cells: of one data set, that without sparsity first.
    """
    question, lines = constants.protocol()["questions"]["sparsity"], []
    place = f"{dataset_title(cells[0].dataset)}, {_where(cells[0])}"
    count = len(question["pairs"]) * (len(cells) - 1)
    for first, other in question["pairs"]:
        if not all({first, other} <= cell.arms.keys() for cell in cells):
            continue
        runs = [(cell.arms[first].tuned, cell.arms[other].tuned) for cell in cells]
        for cell, sparse in zip(cells[1:], runs[1:], strict=True):
            found = growth(runs[0], sparse, comparisons=count)
            if found is None:
                lines.append(Claim("sparsity", place, "No answer yet: final runs are missing."))
                continue
            names = f"{arm_title(first)} minus {arm_title(other)}"
            one = verdicts.verdict(
                f"{names} with {100 * cell.sparsity:g} % of the pixels 0",
                "the same with none",
                found,
            )
            lines.append(Claim("sparsity", place, f"{one.text}.", one.case))
    alphas = constants.protocol()["alphas"]
    tops = {cell.sparsity: best_arm(cell, alphas) for cell in cells}
    if lines and all(tops.values()):
        text = ", ".join(f"{arm_title(str(top))} at {100 * x:g} %" for x, top in tops.items())
        text = f"best held-out accuracy, whatever the intervals: {text}."
        lines.append(Claim("sparsity", place, text))
    return lines


def _where(cell: ExponentCell) -> str:
    return f"regime {cell.regime}" + (f", {cell.network}" if cell.network != "convnet" else "")
