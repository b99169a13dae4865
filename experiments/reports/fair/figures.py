"""Arms and answers -> what each figure of the section shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from experiments.analysis import rates
from experiments.analysis.arms import Arm, workloads
from experiments.analysis.verdicts import Verdict
from experiments.reports.fair import effect_figures, tuning_figures
from experiments.reports.fair.questions import Answer
from experiments.reports.fair.rates import profile_of
from experiments.reports.fair.tables import title
from experiments.reports.labels import dataset_title, optimizer_title

Draw = Callable[[Sequence[Arm], Sequence[Answer]], dict[str, bytes]]


def learning_rates(found: Sequence[Arm], answers: Sequence[Answer]) -> dict[str, bytes]:
    """Validation accuracy against learning rate, a panel a workload."""
    del answers
    panels = {
        title(workload): {
            name: profile for name, arm in arms.items() if (profile := profile_of(arm)) is not None
        }
        for workload, arms in workloads(found).items()
    }
    return tuning_figures.learning_rates({name: some for name, some in panels.items() if some})


def differences(found: Sequence[Arm], answers: Sequence[Answer]) -> dict[str, bytes]:
    """Paired differences of held-out accuracy, by question."""
    del found
    return forest_of(answers)


def forest_of(
    answers: Sequence[Answer], called: Callable[[str], str] = optimizer_title
) -> dict[str, bytes]:
    """Paired differences of held-out accuracy of some answers.

    Args:
        answers: those without a verdict are left out.
        called: what an optimizer is called.
    """
    groups: dict[str, dict[str, Verdict]] = {}
    for answer in answers:
        if answer.held_out is None:
            continue
        against = f"{called(answer.first)} against {called(answer.other)}"
        heading = f"{answer.question}, {answer.regime}: {against}"
        sets = {dataset_title(name): each for name, each in answer.held_out.sets.items()}
        groups[heading] = sets | ({"all sets": answer.held_out} if len(sets) > 1 else {})
    return effect_figures.forest(groups)


def budgets(found: Sequence[Arm], answers: Sequence[Answer]) -> dict[str, bytes]:
    """Best validation accuracy so far against runs spent, a panel a workload."""
    del answers
    panels = {
        title(workload): {
            name: rates.best_so_far(
                [
                    None if one.status != "ok" else (one.validation_accuracy or [None])[-1]
                    for one in arm.ledger
                ]
            )
            for name, arm in arms.items()
            if arm.ledger
        }
        for workload, arms in workloads(found).items()
    }
    return tuning_figures.budgets({name: some for name, some in panels.items() if some})


def available(found: Sequence[Arm], answers: Sequence[Answer]) -> list[tuple[str, str, Draw]]:
    """Key, caption and function of the figures for which there is something to draw."""
    made: list[tuple[str, str, Draw]] = []
    if any(answer.held_out for answer in answers):
        words = "Paired differences of held-out accuracy; within the shade they do not matter"
        made.append(("differences", words, differences))
    if any(arm.ledger for arm in found):
        words = "Validation accuracy against learning rate (bands: lowest to highest seed)"
        made.append(("rates", words, learning_rates))
        words = "Best validation accuracy so far against runs spent on tuning"
        made.append(("budget", words, budgets))
    return made
