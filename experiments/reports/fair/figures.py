"""Arms and answers -> what each figure of the section shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import numpy as np

from experiments.analysis import rates
from experiments.analysis.arm_profile import profile_of
from experiments.analysis.arms import Arm, workloads
from experiments.analysis.rates import Profile
from experiments.analysis.verdicts import Verdict
from experiments.protocols.fair import constants
from experiments.reports.fair import tuning_figures
from experiments.reports.fair.forest import Groups, Panel, forest
from experiments.reports.fair.questions import Answer
from experiments.reports.labels import dataset_title, optimizer_title
from experiments.reports.section import Figure
from experiments.reports.workload_titles import budget_of, panel, workload_heading

MAIN = "convnet"
"""The network whose differences stand in the first figure."""


def searched(found: Sequence[Arm]) -> dict[str, dict[str, tuple[Arm, Profile]]]:
    """The arms whose first stage is whole, by place, with their accuracy against rate.

    Places with fewer than two are left out, and arms that diverged at every rate of the grid: they
    have nothing to show.
    """
    budget = budget_of(found)
    made = {
        workload_heading(workload, budget): {
            name: arm for name, arm in arms.items() if _whole_first_stage(arm, budget)
        }
        for workload, arms in workloads(found).items()
    }
    return {
        place: shown
        for place, some in made.items()
        if len(some) > 1
        and (shown := {name: (arm, one) for name, arm in some.items() if (one := profile_of(arm))})
    }


def _whole_first_stage(arm: Arm, budget: str) -> bool:
    """Whether every rate was tried at each schedule, and at the better one with a second seed."""
    tried = sum(one.phase == "tune" for one in arm.ledger)
    wanted = constants.runs_by_phase(arm.optimizer, budget).get("tune")
    return wanted is not None and tried >= wanted


def _curves(arms: Mapping[str, Arm]) -> dict[str, np.ndarray]:
    """The best validation accuracy after each run of an arm's ledger."""
    return {
        name: rates.best_so_far(
            [
                None if one.status != "ok" else (one.validation_accuracy or [None])[-1]
                for one in arm.ledger
            ]
        )
        for name, arm in arms.items()
    }


def forest_of(
    answers: Sequence[Answer],
    called: Callable[[str], str] = optimizer_title,
    *,
    budget: str = "full",
    no_evidence: Callable[[Answer, Collection[str]], bool] = lambda *_: False,
) -> dict[str, bytes]:
    """Paired differences of held-out accuracy of some answers.

    Args:
        answers: pairs that nowhere have a verdict are left out.
        called: what an optimizer is called.
        budget: that the runs had.
        no_evidence: whether an answer's verdict over these data sets tells nothing.
    """
    there = {_pair(each) for each in answers if each.held_out}
    some = [each for each in answers if _pair(each) in there]
    panels: dict[tuple[str, str, str], list[Answer]] = {}
    for each in some:
        panels.setdefault((each.first, each.regime, each.network), []).append(each)
    return forest(
        [
            Panel(
                panel(regime, network, budget),
                called(first),
                called(these[0].other) if len({one.other for one in these}) == 1 else "other",
                *_groups(these, some, called, no_evidence),
            )
            for (first, regime, network), these in panels.items()
            if any(each.held_out for each in these)
        ]
    )


def _main_and_elsewhere(answers: Sequence[Answer]) -> tuple[list[Answer], list[Answer]]:
    """Answers of the first network in regimes that are tuned in, and the others."""
    networks = [answer.network for answer in answers]
    first = MAIN if MAIN in networks else min(networks, default=MAIN)
    longer = constants.protocol()["tuned_in"]
    main = [one for one in answers if one.network == first and one.regime not in longer]
    return main, [one for one in answers if one not in main]


def _pair(answer: Answer) -> tuple[str, str, str]:
    return answer.first, answer.other, answer.setting


def _groups(
    these: Sequence[Answer],
    every: Sequence[Answer],
    called: Callable[[str], str],
    no_evidence: Callable[[Answer, Collection[str]], bool],
) -> tuple[Groups, set[tuple[str, str]]]:
    """By data set, then by the other optimizer; the means over sets last. And the doubtful."""
    # Of this length and network: elsewhere other sets may have been run.
    names = {name: None for each in these if each.held_out for name in each.held_out.sets}
    labels = [
        f"against {called(each.other)}" + (", carried over" if each.setting == "carried" else "")
        for each in these
    ]
    groups: dict[str, dict[str, Verdict | None]] = {
        dataset_title(name): {
            label: each.held_out.sets.get(name) if each.held_out else None
            for label, each in zip(labels, these, strict=True)
        }
        for name in names
    }
    counts = {len(each.held_out.sets) for each in every if each.held_out} - {1}
    heading = f"mean of {counts.pop()} sets" if len(counts) == 1 else "mean of the sets above"
    means = {
        label: each.held_out
        for label, each in zip(labels, these, strict=True)
        if each.held_out and len(each.held_out.sets) > 1
    }
    over = {dataset_title(name): [name] for name in names} | {heading: [*names]}
    doubtful = {
        (where, label)
        for where, some in over.items()
        for label, each in zip(labels, these, strict=True)
        if no_evidence(each, some)
    }
    return groups | ({heading: means} if means else {}), doubtful


def available(found: Sequence[Arm], answers: Sequence[Answer]) -> list[Figure]:
    """The figures for which there is something to draw."""
    made: list[Figure] = []
    budget = budget_of(found)
    main, elsewhere = _main_and_elsewhere(answers)
    for key, words, some in (
        ("differences", "Paired differences of held-out accuracy", main),
        (
            "elsewhere",
            "Paired differences of held-out accuracy with another network, or in longer runs",
            elsewhere,
        ),
    ):
        if any(answer.held_out for answer in some):
            words += "; within the shade they do not matter"
            made.append(Figure(key, words, partial(forest_of, some, budget=budget)))
    shown = searched(found)
    if shown:
        begun = {workload_heading(arm.workload, budget): None for arm in found if arm.ledger}
        gone = " and ".join(place for place in begun if place not in shown)
        left = f"; not shown, as fewer than two optimizers are searched: {gone}" if gone else ""
        under = "each optimizer under the schedule that was chosen for it"
        words = f"Validation accuracy against learning rate, {under} (bands: lowest to highest seed"
        profiles = {
            place: {name: profile for name, (_, profile) in arms.items()}
            for place, arms in shown.items()
        }
        draw = tuning_figures.learning_rates
        made.append(Figure("rates", f"{words}{left})", partial(draw, profiles)))
        words = f"The same against multiples of each optimizer's best rate, {under}{left}"
        made.append(Figure("aligned", words, partial(draw, profiles, aligned=True)))
        words = "Validation accuracy of the best single run so far against runs spent on tuning: "
        words += "one search each, so without intervals; the choice is made by means over seeds"
        curves = {
            place: _curves({name: arm for name, (arm, _) in arms.items()})
            for place, arms in shown.items()
        }
        made.append(Figure("budget", words + left, partial(tuning_figures.budgets, curves)))
    return made
