"""Arms and answers -> a table for each question."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from experiments.analysis.arms import Arm, Workload
from experiments.analysis.final_runs import accuracies, mean_step, mean_train_loss
from experiments.analysis.health import mostly_at_chance
from experiments.analysis.interval import interval
from experiments.analysis.noise_cells import curves
from experiments.analysis.verdicts import Verdict
from experiments.files import JsonObject
from experiments.protocols.ablation import constants
from experiments.reports.fair.questions import Answer
from experiments.reports.labels import optimizer_title
from experiments.reports.section import slug
from experiments.reports.table import DASH, EDGE, PERCENT, CsvRow, Table, number
from experiments.reports.workload_titles import workload_fields, workload_title

HEADER = (
    "data set, regime: arm",
    "held-out %",
    "train loss",
    "step RMS",
    "first minus it, held-out points",
    "verdict, held-out",
    "first minus it, train loss %",
    "verdict, train loss",
)


def arm_title(name: str) -> str:
    """An arm's name in tables and figures."""
    numbers = constants.protocol()
    derived = {key: one["title"] for key, one in numbers["derived"].items()}
    return (numbers["arms"] | derived).get(name) or optimizer_title(name)


def question_table(
    asked: str,
    question: JsonObject,
    by_workload: Mapping[Workload, Mapping[str, Arm]],
    answers: Sequence[Answer],
) -> Table | None:
    """The arms that a question compares, by workload; None where there is nothing to compare."""
    rows, data = [], []
    mine = {(one.network, one.regime, one.other): one for one in answers if one.question == asked}
    for workload, arms in by_workload.items():
        others = [
            (arms[name], mine[workload.network, workload.regime, name])
            for name in question["against"]
            if name in arms and (workload.network, workload.regime, name) in mine
        ]
        if question["first"] in arms and others:
            first = arms[question["first"]]
            for arm, answer in ((first, None), *others):
                both = (answer.held_out, answer.train_loss) if answer else (None, None)
                both = both if first.tuned and arm.tuned else (None, None)
                verdicts = [of_workload(each, workload) if each else None for each in both]
                rows.append(_row(workload, arm, verdicts))
                data.append(arm_data(asked, workload, arm, verdicts))
    if not rows:
        return None
    header = HEADER
    if question.get("prints_noise"):
        header = (*HEADER[:4], "noise σ / sign step, first reading", *HEADER[4:])
        rows = [
            (*row[:4], _or_dash(one["noise"], ".1e"), *row[4:])
            for row, one in zip(rows, data, strict=True)
        ]
    called = f"{asked}: {question['text']}"
    return Table(slug(asked), called, header, tuple(rows), tuple(data))


def of_workload(verdict: Verdict, workload: Workload) -> Verdict | None:
    """A verdict on one data set alone."""
    return verdict.sets.get(workload.dataset) if verdict.sets else verdict


def _row(workload: Workload, arm: Arm, verdicts: Sequence[Verdict | None]) -> tuple[str, ...]:
    cells = [*arm_cells(f"{workload_title(workload)}: {arm_title(arm.optimizer)}", arm)]
    lost = "; it is at chance" if mostly_at_chance(arm.tuned) else ""
    for each in verdicts:
        cells.append(each.numbers if each else DASH)
        cells.append(each.case + lost if each else DASH)
    return tuple(cells)


def arm_cells(called: str, arm: Arm) -> tuple[str, str, str, str]:
    """An arm in a table, and what its final runs came to."""
    held_out = accuracies(arm.tuned, "held_out")
    return (
        called + (EDGE if arm.at_edge else ""),
        number(interval(held_out) if held_out else None, bounds=PERCENT),
        _or_dash(mean_train_loss(arm.tuned), ".3g"),
        _or_dash(mean_step(arm.tuned), ".2e"),
    )


def arm_data(
    asked: str, workload: Workload, arm: Arm, verdicts: Sequence[Verdict | None]
) -> CsvRow:
    """The same and more in a CSV file, with the verdicts on held-out accuracy and train loss."""
    held_out = accuracies(arm.tuned, "held_out")
    found = {
        "question": asked,
        **workload_fields(workload),
        "arm": arm.optimizer,
        "seeds": len(arm.tuned),
    }
    found |= {
        "learning_rate": arm.winner.learning_rate if arm.winner else None,
        "at_edge": arm.at_edge,
        "held_out_mean": math.fsum(held_out) / len(held_out) if held_out else None,
        "held_out_half95": interval(held_out).half if held_out else None,
        "train_loss": mean_train_loss(arm.tuned),
        "update_rms": mean_step(arm.tuned),
        "noise": noise_of(arm),
    }
    held_out_verdict, loss_verdict = verdicts
    return (
        found
        | verdict_fields("held_out", held_out_verdict)
        | verdict_fields("train_loss", loss_verdict)
    )


def verdict_fields(name: str, verdict: Verdict | None) -> CsvRow:
    """A verdict and its numbers in a CSV file."""
    found = verdict.difference if verdict else None
    return {
        f"{name}_scale": verdict.measure.scale if verdict else None,
        f"{name}_difference": found.mean if found else None,
        f"{name}_half": found.half if found else None,
        f"{name}_level": found.level if found else None,
        f"{name}_case": verdict.case if verdict else None,
    }


def noise_of(arm: Arm) -> float | None:
    """The standard deviation of the noise beside a sign of size 1, at the first reading."""
    found = curves(arm.tuned, "noise_std")
    return float(found[:, 0].mean()) if found.size else None


def _or_dash(value: float | None, form: str) -> str:
    return DASH if value is None else format(value, form)
