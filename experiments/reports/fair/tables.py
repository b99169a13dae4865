"""Arms -> the fair protocol's tables of accuracies and settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence

from experiments.analysis import gain, rankings
from experiments.analysis.arm_profile import profile_of
from experiments.analysis.arms import Arm, Workload
from experiments.analysis.final_runs import (
    accuracies,
    mean_step,
    mean_train_loss,
    test_runs,
    train_runs,
)
from experiments.analysis.interval import interval
from experiments.analysis.runs import Runs
from experiments.protocols.paper import published
from experiments.records import Record
from experiments.reports.labels import optimizer_title
from experiments.reports.table import DASH, DIVERGED, EDGE, PERCENT, Table, number
from experiments.reports.workload_titles import workload_fields, workload_title

REFERENCE = "adamw"
OURS = "thermolion"
UNTUNED = "adam"


def answer_table(found: Mapping[Workload, Mapping[str, Arm]]) -> Table:
    """What the reader came for: train / held-out accuracy, untuned and tuned, a row a workload."""
    rows, data = [], []
    for workload, arms in found.items():
        printed = (
            published.ACCURACY[UNTUNED].get(workload.dataset)
            if (workload.regime, workload.network) == ("A", "convnet")
            else None
        )
        best = best_other(arms)
        columns: dict[str, tuple[Record, ...]] = {
            "adam_untuned": arms[UNTUNED].default if UNTUNED in arms else (),
            "adamw_tuned": arms[REFERENCE].tuned if REFERENCE in arms else (),
            "thermolion_untuned": arms[OURS].default if OURS in arms else (),
            "thermolion_tuned": arms[OURS].tuned if OURS in arms else (),
            "best_other_tuned": best.tuned if best else (),
        }
        cells = [workload_title(workload), DASH if printed is None else f"{printed:.1f} / {DASH}"]
        cells += [_both(records) for records in columns.values()]
        if best:
            cells[-1] += f" ({optimizer_title(best.optimizer)})"
        left, left_train = _left(columns, test_runs), _left(columns, train_runs)
        cells += [each.text if each else DASH for each in (left, left_train)]
        rows.append(tuple(cells))
        data.append(
            workload_fields(workload)
            | {"adam_in_the_paper_train": printed, "best_other": best and best.optimizer}
            | {
                f"{name}_{part}": _mean(records, part)
                for name, records in columns.items()
                for part in ("train", "held_out")
            }
            | {
                "gain_over_untuned_adam": left.gain.mean if left else None,
                "left_over_tuned_adamw": left.remains.mean if left else None,
                "share_left": left.share if left else None,
                "train_gain_over_untuned_adam": left_train.gain.mean if left_train else None,
                "train_left_over_tuned_adamw": left_train.remains.mean if left_train else None,
                "train_share_left": left_train.share if left_train else None,
            }
        )
    header = (
        "data set, regime",
        "Adam in the paper",
        "Adam untuned",
        "AdamW tuned",
        "ThermoLion untuned",
        "ThermoLion tuned",
        "best other tuned",
        "ThermoLion's gain over untuned Adam that is left over tuned AdamW, held-out points",
        "the same, train points",
    )
    words = "Train / held-out accuracy %, means over fresh seeds"
    return Table("answer", words, header, tuple(rows), tuple(data))


def _both(records: Sequence[Record]) -> str:
    train, held_out = _mean(records, "train"), _mean(records, "held_out")
    return " / ".join(DASH if x is None else f"{x:.1f}" for x in (train, held_out))


def _mean(records: Sequence[Record], part: str) -> float | None:
    values = accuracies(records, part)
    return math.fsum(values) / len(values) if values else None


def _left(
    columns: Mapping[str, Sequence[Record]], runs_of: Callable[[Sequence[Record]], Runs | None]
) -> gain.Remaining | None:
    names = ("thermolion_tuned", "adam_untuned", "adamw_tuned")
    three = [runs_of(columns[name]) for name in names]
    if any(each is None for each in three):
        return None
    ours, untuned, tuned = (each for each in three if each is not None)
    if not set(ours.seeds) & set(untuned.seeds) & set(tuned.seeds):
        return None
    return gain.remaining(ours, untuned, tuned)


def best_other(arms: Mapping[str, Arm]) -> Arm | None:
    """The tuned optimizer with the best mean held-out accuracy, ThermoLion and AdamW aside.

    Chosen by what is then shown, so its mean is rather too high; a note says so.
    """
    others = [
        (mean, arm)
        for name, arm in arms.items()
        if name not in (OURS, REFERENCE) and (mean := _mean(arm.tuned, "held_out")) is not None
    ]
    return max(others, key=lambda one: one[0])[1] if others else None


def workload_table(workload: Workload, arms: Mapping[str, Arm], ranked: Collection[str]) -> Table:
    """All of one workload: every optimizer tuned and untuned, its rank, its range of rates.

    Args:
        workload: the workload.
        arms: by optimizer.
        ranked: those that have all their final runs.
    """
    judged = {name: found for name in ranked if (found := test_runs(arms[name].tuned))}
    ranks = rankings.ranks(judged) if judged else {}
    rows, data = [], []
    order = sorted(arms.values(), key=lambda arm: -(_mean(arm.tuned, "held_out") or -1.0))
    for arm in order:
        tuned, default = accuracies(arm.tuned, "held_out"), accuracies(arm.default, "held_out")
        train, loss = accuracies(arm.tuned, "train"), mean_train_loss(arm.tuned)
        rank, profile = ranks.get(arm.optimizer), profile_of(arm)
        step = mean_step(arm.tuned)
        width = profile.width() if profile else None
        usable = DASH if width is None else str(width)
        if width is None and arm.ledger:
            usable = "none: every rate diverged"
        diverged = sum(one.status != "ok" for one in (*arm.tuned, *arm.default))
        rows.append(
            (
                optimizer_title(arm.optimizer),
                number(interval(tuned) if tuned else None, bounds=PERCENT),
                number(interval(default) if default else None, bounds=PERCENT),
                DASH if rank is None else f"{rank.rank:g} [{rank.low}, {rank.high}]",
                number(interval(train) if train else None, bounds=PERCENT),
                DASH if loss is None else f"{loss:.3g}",
                usable,
                DASH if step is None else f"{step:.2e}",
                f"{len(arm.ledger)} + {len(arm.tuned)} + {len(arm.default)}"
                + (f" ({diverged}{DIVERGED})" if diverged else ""),
            )
        )
        data.append(
            workload_fields(workload)
            | {
                "optimizer": arm.optimizer,
                "held_out_mean": _mean(arm.tuned, "held_out"),
                "held_out_half95": interval(tuned).half if tuned else None,
                "held_out_untuned_mean": _mean(arm.default, "held_out"),
                "rank": rank.rank if rank else None,
                "rank_low": rank.low if rank else None,
                "rank_high": rank.high if rank else None,
                "train_mean": _mean(arm.tuned, "train"),
                "train_loss": loss,
                "rate_decades_within_1_point": width.decades if width else None,
                "rate_range_is_open": width.at_least if width else None,
                "update_rms": step,
                "tuning_runs": len(arm.ledger),
                "final_runs": len(arm.tuned),
                "default_runs": len(arm.default),
                "diverged": diverged,
            }
        )
    header = (
        "optimizer",
        "held-out %, tuned",
        "held-out %, untuned",
        "rank [95 %]",
        "train %, tuned",
        "train loss",
        "rates within 1 point",
        "step RMS",
        "runs: tuning + final + untuned",
    )
    return Table(
        "optimizers",
        f"{workload_title(workload)}: every optimizer",
        header,
        tuple(rows),
        tuple(data),
    )


def settings_table(
    found: Sequence[Arm], titled: Callable[[str], str] = optimizer_title
) -> Table | None:
    """What was chosen: every tuned number of every winner, under its optimizer's title."""
    chosen = [arm for arm in found if arm.winner is not None and arm.tuned]
    if not chosen:
        return None
    names = list(dict.fromkeys(name for arm in chosen for name in arm.tuned[0].hyperparameters))
    rows, data = [], []
    for arm in chosen:
        numbers = dict(arm.winner.hyperparameters) if arm.winner else {}
        called = titled(arm.optimizer) + (EDGE if arm.at_edge else "")
        cells = [f"{numbers[name]:.3g}" if name in numbers else DASH for name in names]
        schedule = arm.winner.schedule if arm.winner else ""
        rows.append((f"{workload_title(arm.workload)}: {called}", schedule, *cells))
        data.append(
            workload_fields(arm.workload)
            | {"optimizer": arm.optimizer, "schedule": schedule, "at_edge": arm.at_edge}
            | {name: numbers.get(name) for name in names}
        )
    header = ("data set, regime: optimizer", "schedule", *names)
    words = "Settings that won, chosen on validation images (–: fixed, or without such a setting)"
    return Table("settings", words, header, tuple(rows), tuple(data))
