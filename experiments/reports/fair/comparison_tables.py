"""Arms and answers -> the fair protocol's tables of ranks over data sets and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.analysis import rankings
from experiments.analysis.arms import Arm, Workload
from experiments.analysis.final_runs import test_runs
from experiments.analysis.rankings import Estimate
from experiments.analysis.runs import Runs
from experiments.analysis.verdicts import HELD_OUT, Verdict
from experiments.reports.fair.questions import Answer
from experiments.reports.labels import dataset_title, optimizer_title, with_network
from experiments.reports.table import DASH, CsvRow, Table


def ranks_table(found: Mapping[Workload, Mapping[str, Arm]]) -> Table | None:
    """The mean rank over a regime's data sets, of the optimizers that are judged on all of these.

    Args:
        found: the arms of each workload, without final runs where these are not all there; only
            workloads with two optimizers to compare count, and only regimes with two such.
    """
    places: dict[tuple[str, str], dict[str, dict[str, Runs]]] = {}
    for workload, arms in found.items():
        judged = {name: runs for name, arm in arms.items() if (runs := test_runs(arm.tuned))}
        if len(judged) > 1:
            sets = places.setdefault((workload.regime, workload.network), {})
            sets[workload.dataset] = judged
    rows, data = [], []
    for (regime, network), sets in places.items():
        names = [
            name for name in next(iter(sets.values())) if all(name in one for one in sets.values())
        ]
        if len(sets) < 2 or len(names) < 2:
            continue
        ranks = rankings.mean_ranks(
            {one: {name: runs[name] for name in names} for one, runs in sets.items()}
        )
        where = with_network(regime, network)
        on = ", ".join(map(dataset_title, sets))
        for name, rank in sorted(ranks.items(), key=lambda one: one[1].value):
            rows.append(
                (
                    f"{where}: {optimizer_title(name)}",
                    f"{rank.value:.3g} [{rank.low:.3g}, {rank.high:.3g}]",
                    f"{len(names)}",
                    on,
                )
            )
            data.append(
                {
                    "regime": regime,
                    "network": network,
                    "optimizer": name,
                    "mean_rank": rank.value,
                    "mean_rank_low": rank.low,
                    "mean_rank_high": rank.high,
                    "of": len(names),
                    "datasets": " ".join(sets),
                }
            )
    if not rows:
        return None
    header = ("regime: optimizer", "mean rank [95 %]", "optimizers", "over")
    words = "Mean ranks by held-out accuracy, tuned, of those judged on all of a regime's data sets"
    return Table("ranks", words, header, tuple(rows), tuple(data))


def differences_table(found: Sequence[Answer]) -> Table | None:
    """The paired difference behind every verdict, set by set."""
    rows, data = [], []
    for answer in found:
        for verdict in (answer.held_out, answer.train_loss):
            if verdict is None:
                continue
            whole = {"all": verdict} if len(verdict.sets) > 1 else {}
            for name, each in {**verdict.sets, **whole}.items():
                rows.append(_difference_row(answer, name, each))
                data.append(_difference_data(answer, name, each))
    if not rows:
        return None
    first = ("question", "data set", "measure", "difference [interval]", "detectable", "verdict")
    header = (*first, "probability of improvement, % [95 %]")
    words = "Paired differences: the first optimizer minus the second, same seeds, same images"
    return Table("differences", words, header, tuple(rows), tuple(data))


def _difference_row(answer: Answer, name: str, verdict: Verdict) -> tuple[str, ...]:
    smallest = verdict.difference.smallest_detectable
    first, other = answer.called(answer.first), answer.called(answer.other)
    return (
        f"{answer.question}, {answer.regime}: {first} - {other} ({answer.setting})",
        dataset_title(name),
        f"{verdict.measure.name}, {verdict.measure.unit}",
        verdict.numbers,
        DASH if smallest is None else verdict.measure.signed(smallest)[0].removeprefix("+"),
        verdict.case,
        _percent(_improvement(answer, name, verdict)),
    )


def _improvement(answer: Answer, name: str, verdict: Verdict) -> Estimate | None:
    """The probability of improvement beside a difference of held-out accuracy."""
    return answer.improvement.get(name) if verdict.measure == HELD_OUT else None


def _percent(found: Estimate | None) -> str:
    if found is None:
        return DASH
    if found.low is None or found.high is None:
        return f"{100 * found.value:.0f}"
    return f"{100 * found.value:.0f} [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def _difference_data(answer: Answer, name: str, verdict: Verdict) -> CsvRow:
    found, ahead = verdict.difference, _improvement(answer, name, verdict)
    return {
        "question": answer.question,
        "regime": answer.regime,
        "network": answer.network,
        "dataset": name,
        "first": answer.first,
        "second": answer.other,
        "setting": answer.setting,
        "measure": verdict.measure.name,
        "scale": verdict.measure.scale,
        "difference": found.mean,
        "half": found.half,
        "half_seeds_alone": found.half_seeds,
        "level": found.level,
        "seeds": len(found.by_seed),
        "images": found.images,
        "smallest_detectable": verdict.difference.smallest_detectable,
        "case": verdict.case,
        "probability_of_improvement": ahead.value if ahead else None,
        "probability_low": ahead.low if ahead else None,
        "probability_high": ahead.high if ahead else None,
    }
