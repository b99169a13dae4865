"""Of the gain over untuned Adam what is left, ranks, widths of rates, and the gain part by part."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.analysis import verdicts
from experiments.analysis.arms import Arm, Workload
from experiments.analysis.paired import Difference
from experiments.reports.ablation.stairs import panels, stairs
from experiments.reports.fair import comparison_tables, tables
from experiments.reports.findings.studies import SCOPE, StudyResults, contestants
from experiments.reports.labels import dataset_title, optimizer_title
from experiments.reports.outline import Block, Bullets, Paragraph
from experiments.reports.table import DASH, Table

OURS = tables.OURS


def blocks(study: StudyResults) -> list[Block]:
    """What is left of the gain, ThermoLion's rank and everybody's rates, by workload; ranks."""
    found = [_row(workload, arms) for workload, arms in study.by_workload.items()]
    rows = [row for row in found if row]
    lacking = lacking_ranks(study)
    made: list[Block] = []
    if rows:
        header = (
            "data set, regime",
            "points over tuned AdamW, of those over untuned Adam, and share left: held out",
            "the same: train",
            "ThermoLion's rank among the tuned [95 %]",
            "rates within 1 point of the best, decades",
        )
        words = (
            "Tuned ThermoLion's lead over tuned AdamW, as a share of its lead over untuned Adam. "
            "Means over the seeds that all three share (Q1 has more seeds), shares with "
            "Fieller's 95 % interval. The ends of a range of rates are interpolated between those "
            "tried, half a decade apart: in one below half a decade mostly one was tried."
        )
        made.append(Paragraph(words))
        made.append(Table("gain", "What is left of the gain", header, tuple(rows), ()))
        ranks = comparison_tables.ranks_table(study.by_workload)
        made += [ranks] if ranks else []
    else:
        made.append(
            Paragraph("No answer yet: no data set has ThermoLion's and AdamW's final runs.")
        )
    if lacking:
        made.append(Paragraph(f"Not in the table yet: {'; '.join(lacking)}."))
    return made


def _row(workload: Workload, arms: Mapping[str, Arm]) -> tuple[str, ...] | None:
    if not all(name in arms and arms[name].tuned for name in (OURS, tables.REFERENCE)):
        return None
    row = tables.answer_table({workload: arms}).rows[0]
    assert row is not None  # a rule between rows
    name, *_, held_out, train = row
    judged = {name: arm for name, arm in arms.items() if arm.tuned}
    data = tables.workload_table(workload, judged, list(judged)).data
    ours = next(one for one in data if one["optimizer"] == OURS)
    rank = f"{ours['rank']:g} [{ours['rank_low']}, {ours['rank_high']}] of {len(judged)}"
    missing = [one for one in contestants() if one not in judged]
    rank += f" ({len(missing)} still missing)" if missing else ""
    widths = [
        f"{optimizer_title(str(one['optimizer']))} {'≥ ' if one['rate_range_is_open'] else ''}"
        f"{one['rate_decades_within_1_point']:.2f}"
        for one in sorted(data, key=lambda one: str(one["optimizer"]))
        if one["rate_decades_within_1_point"] is not None
    ]
    return name, held_out, train, rank, ", ".join(widths) or DASH


def lacking_ranks(study: StudyResults) -> list[str]:
    """Whose final runs a rank among all still lacks, a line a data set and regime."""
    there = {
        (workload.dataset, workload.regime): arms for workload, arms in study.by_workload.items()
    }
    sets, regimes = SCOPE[study.name]
    lines = []
    for dataset in sets:
        for regime in regimes:
            arms = there.get((dataset, regime), {})
            title = f"{dataset_title(dataset)}, {regime}"
            if not any(arm.tuned for arm in arms.values()):
                lines.append(f"{title}, of which nothing is complete")
                continue
            names = [
                optimizer_title(name)
                for name in contestants()
                if name not in arms or not arms[name].tuned
            ]
            if names:
                lines.append(f"{title}: {', '.join(names)}")
    return lines


SHARED = (
    "The steps of a chain share its 5 %, so an interval here may be wider than that of the same "
    "comparison under its question; where a part is taken out, the sign is the other."
)


def parts(study: StudyResults) -> list[Block]:
    """What each part brings on the way from Signum, and what ThermoLion loses without it."""
    words = {
        "up": ("Adding one part after the other, from Signum", "with the part minus without it"),
        "down": ("Taking one part out of ThermoLion", "without the part minus ThermoLion"),
    }
    made: list[Block] = []
    for one in stairs():
        title, minus = words[one.key]
        lines = [
            f"{place}, {label}: {_in_words(each)}"
            for place, found in panels(one, study.by_workload.values()).items()
            for label, each in found.items()
        ]
        if lines:
            made += [Paragraph(f"{title}, held-out points, {minus}:"), Bullets(lines)]
            made.append(Paragraph(f"![{title}]({study.figures[one.key]})"))
    if not made:
        return [Paragraph("No answer yet: no variant of ThermoLion has its final runs.")]
    return [Paragraph(SHARED), *made]


def _in_words(found: Difference) -> str:
    said = verdicts.verdict("", "", found)
    return f"{said.words}: {said.evidence}"
