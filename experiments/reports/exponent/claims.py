"""Cells -> the three claims, answered by rule, one line a comparison."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from experiments.analysis import paired, verdicts
from experiments.analysis.exponent_cells import ExponentCell, best_arm, matched_difference
from experiments.analysis.final_differences import loss_difference
from experiments.analysis.noise_cells import FinalRuns, growth
from experiments.analysis.paired import Difference
from experiments.protocols.exponent import constants
from experiments.reports.exponent.tables import arm_title, blank
from experiments.reports.labels import dataset_title, with_network
from experiments.reports.workload_titles import budget_of

FITTED = dataclasses.replace(
    verdicts.TRAIN_LOSS, name="final train loss, at the setting best on validation"
)
AT_MATCHED = dataclasses.replace(verdicts.TRAIN_LOSS, name="validation loss at matched train loss")
Compare = Callable[[ExponentCell, str, str, int], Difference | None]


class Claim(NamedTuple):
    """The answer to one comparison.

    Attributes:
        asked: the question's key.
        place: what was trained and how long.
        summary: the verdict, or why there is none.
        verdict: by the rule; None where there is none yet, or none was asked for.
        pair: the two exponents, where fit or gap are compared.
        dataset: its name, where the answer is that of one.
        note: what else is to be known of it.
        best: whether it names the best exponent at each sparsity.
    """

    asked: str
    place: str
    summary: str
    verdict: verdicts.Verdict | None = None
    pair: tuple[str, str] | None = None
    dataset: str = ""
    note: str = ""
    best: bool = False

    @property
    def line(self) -> str:
        """With its question."""
        question = constants.protocol()["questions"][self.asked]["text"]
        return " ".join([f"Q9, {self.place}: {question} {self.summary}", *self.by_set])

    @property
    def sets(self) -> Mapping[str, verdicts.Verdict]:
        """Each data set's verdict by name, where the answer is one over several."""
        return self.verdict.sets if self.verdict else {}

    @property
    def by_set(self) -> list[str]:
        """Each data set's own verdict: a mean over sets may be the doing of one."""
        return [f"{name} alone: {each.case}, {each.numbers}." for name, each in self.sets.items()]

    @property
    def shown_on(self) -> list[str]:
        """The data sets that say the same by themselves."""
        if self.verdict is None:
            return []
        said = self.verdict.case.split(maxsplit=1)[0]  # "better" holds "better by less"
        return [name for name, each in self.sets.items() if each.case.split(maxsplit=1)[0] == said]


def claims(cells: Sequence[ExponentCell]) -> list[Claim]:
    """Every claim in every regime and network that there are records of."""
    lines = []
    for place in dict.fromkeys((cell.network, cell.regime) for cell in cells):
        some = [cell for cell in cells if (cell.network, cell.regime) == place]
        dense = [cell for cell in some if not cell.sparsity]
        lines += _over_sets("faster", dense, _train_loss, FITTED)
        lines += _over_sets("gap", dense, _at_matched, AT_MATCHED)
        for dataset in dict.fromkeys(cell.dataset for cell in some):
            lines += _by_sparsity([cell for cell in some if cell.dataset == dataset])
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
    """One a pair of exponents, over the data sets whose final runs have the same seeds."""
    question, lines = constants.protocol()["questions"][asked], []
    count = len(question["pairs"])
    for first, other in question["pairs"]:
        there = [cell for cell in cells if {first, other} <= cell.arms.keys()]
        if not there:
            continue
        place = _where(cells[0])
        found = {
            dataset_title(cell.dataset): each
            for cell in there
            if (each := compare(cell, first, other, count)) is not None
        }
        run = {
            frozenset(_seeds(cell, first) & _seeds(cell, other))
            for cell in there
            if dataset_title(cell.dataset) in found
        }
        seeds = set.intersection(*(set(each.by_seed) for each in found.values())) if found else ()
        names = arm_title(first), arm_title(other)
        if not found:
            text = f"No answer yet: final runs of {' and '.join(names)} are missing."
            lines.append(Claim(asked, place, text, pair=names))
        elif len(found) > 1 and len(run) == 1 and len(seeds) > 1:
            shared = {name: _of_seeds(each, seeds, count) for name, each in found.items()}
            over = verdicts.verdict_over_sets(*names, shared, measure=measure)
            note = _lost(min(run), seeds)
            text = f"{over.text}{note and '; '}{note}."
            lines.append(Claim(asked, place, text, over, names, note=note))
        else:  # one set, or sets that are not yet as far as each other
            for name, each in found.items():
                one = verdicts.verdict(names[0], f"{names[1]} on {name}", each, measure=measure)
                lines.append(Claim(asked, place, f"{one.text}.", one, names, name))
    return lines


def _seeds(cell: ExponentCell, name: str) -> set[int]:
    return {one.seed for one in cell.arms[name].tuned}


def _of_seeds(found: Difference, seeds: Collection[int], count: int) -> Difference:
    """A difference of losses, which has no images, over some of its seeds."""
    return paired.over_seeds(
        {seed: found.by_seed[seed] for seed in sorted(seeds)}, comparisons=count
    )


def _lost(run: Collection[int], seeds: Collection[int]) -> str:
    """That seeds are left out on all sets, where a run of one diverged on one."""
    if len(seeds) == len(run):
        return ""
    return f"only the {len(seeds)} of {len(run)} seeds count that have a number on every set"


def _by_sparsity(cells: Sequence[ExponentCell]) -> list[Claim]:
    """Whether the advantage of one exponent over another grows with sparsity, and each one's best.

    Every comparison that the protocol asks for has its line, and all share its error, whether or
    not the runs of the others are there.

    Args:
        cells: of one data set, network and regime, at every sparsity that there is.
    """
    by_share = {cell.sparsity: cell for cell in cells}
    shares = sorted(_planned_shares(cells[0]) | {share for share in by_share if share})
    question, lines = constants.protocol()["questions"]["sparsity"], []
    place = f"{dataset_title(cells[0].dataset)}, {_where(cells[0])}"
    count = len(question["pairs"]) * len(shares)
    for first, other in question["pairs"]:
        plain = _final_runs(by_share.get(0.0), first, other)
        for share in shares:
            found = growth(plain, _final_runs(by_share.get(share), first, other), comparisons=count)
            names = f"{arm_title(first)} minus {arm_title(other)} with {blank(share)}"
            if found is None:
                text = f"No answer yet to {names} against the same with none: runs are missing."
                lines.append(Claim("sparsity", place, text))
                continue
            one = verdicts.verdict(names, "the same with none", found)
            lines.append(Claim("sparsity", place, f"{one.text}.", one))
    alphas = constants.protocol()["alphas"]
    tops = {share: best_arm(by_share[share], alphas) for share in sorted(by_share)}
    if shares and all(has_all(by_share.get(share), alphas) for share in (0.0, *shares)):
        text = ", ".join(f"{arm_title(str(top))} at {100 * x:g} %" for x, top in tops.items())
        text = f"best held-out accuracy, whatever the intervals: {text}."
        lines.append(Claim("sparsity", place, text, best=True))
    return lines


def _planned_shares(cell: ExponentCell) -> set[float]:
    """Shares of the pixels that the protocol takes away in a cell's data set and regime."""
    sparse = constants.protocol()["budgets"][budget_of(cell.arms.values())]["sparse"]
    planned = cell.dataset in sparse["datasets"] and cell.regime in sparse["regimes"]
    return set(sparse["shares"]) if planned else set()


def _final_runs(cell: ExponentCell | None, first: str, other: str) -> FinalRuns | None:
    if cell is None or not {first, other} <= cell.arms.keys():
        return None
    return cell.arms[first].tuned, cell.arms[other].tuned


def has_all(cell: ExponentCell | None, names: Collection[str]) -> bool:
    """Whether arms of all these names have their final runs."""
    return cell is not None and all(name in cell.arms and cell.arms[name].tuned for name in names)


def _where(cell: ExponentCell) -> str:
    return with_network(f"regime {cell.regime}", cell.network)
