"""When to use ThermoLion and with which settings: verdicts and validation records, by rule."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from experiments.analysis import rankings
from experiments.analysis.arm_profile import profile_of
from experiments.analysis.arms import Arm, lost_by_tuning
from experiments.analysis.final_runs import test_runs
from experiments.reports.ablation.tables import arm_title
from experiments.reports.fair.tables import OURS, REFERENCE
from experiments.reports.findings.answers import Finding, Line
from experiments.reports.findings.studies import StudyResults
from experiments.reports.labels import dataset_title, optimizer_title
from experiments.reports.outline import Block, Bullets, Heading, Paragraph
from experiments.reports.workload_titles import workload_title

RIVALS = ("Q1", "Q2")
PARTS = ("Q4", "Q5", "Q6", "solid scale")
"""Questions on a setting of ThermoLion's own."""
RULE = (
    "By rule, of the rivals that Q1 and Q2 name, everything tuned: *yes* needs a lead over AdamW "
    "and no rival ahead; *no*: a rival is ahead; no difference larger than a point to any of them "
    "is no reason either way; all else is *open*. Points are ThermoLion's minus the rival's."
)
SCHEDULES = {"warmup_cosine": "warm-up and cosine", "constant": "a constant rate"}


def blocks(found: Sequence[Finding], study: StudyResults) -> list[Block]:
    """Who ties and who does not, what follows for each regime, and the settings that won."""
    rivals = [line for one in found if one.number in RIVALS for line in one.lines]
    regimes = list(dict.fromkeys(line.regime for line in rivals))
    carried = [line for one in found if one.number == "Q0" for line in one.lines]
    others = [line for one in found if one.number in PARTS for line in one.lines]
    return [
        *([Paragraph(RULE)] if any(line.answer for line in rivals) else []),
        Bullets(
            [
                *(conclusion(r, [line for line in rivals if line.regime == r]) for r in regimes),
                *_ranked_before(study, {line.other for line in rivals}),
                *(_untuned(line) for line in carried),
                *_lost(study),
            ]
        ),
        Heading(3, "Its parts as settings, the rate tuned for each"),
        Paragraph("Held-out points are ThermoLion's at its defaults minus the variant's."),
        Bullets(parts(others)),
        Heading(3, "Settings, from validation images alone"),
        Bullets(settings(study) or ["No answer yet: ThermoLion is tuned nowhere to the end."]),
    ]


def conclusion(regime: str, lines: Sequence[Line]) -> str:
    """What the verdicts against all tuned rivals say of using it in a regime.

    To use it takes a lead over AdamW and nobody ahead; one rival ahead is a reason against it; a
    tie with all is a reason for neither. Anything missing or undecided leaves it open.
    """
    words = [f"{optimizer_title(line.other)} {_relation(line)}" for line in lines]
    start = f"**Regime {regime}**: {_verdict(lines)} "
    sets = sorted({name for line in lines for name in _sets(line)})
    if sets and not all(line.whole for line in lines):
        start = f"**Regime {regime}, as far as {', '.join(sets)} goes**: {_verdict(lines)} "
    return f"{start}({'; '.join(words)}; all tuned.)"


def _ranked_before(study: StudyResults, rivals: Collection[str]) -> list[str]:
    """Who is found better than ThermoLion in a rank without being a question's rival, and where."""
    lines = []
    for workload, arms in study.by_workload.items():
        runs = {name: each for name, arm in arms.items() if (each := test_runs(arm.tuned))}
        if OURS not in runs:
            continue
        ranks = rankings.ranks(runs)
        lines += [
            f"**No rival of these questions, but before it**: on {workload_title(workload)} "
            f"{optimizer_title(name)} ranks {_rank(ranks[name])}, "
            f"ThermoLion {_rank(ranks[OURS])}, of {len(ranks)}."
            for name in ranks[OURS].worse
            if name not in rivals
        ]
    return lines


def _rank(one: rankings.Rank) -> str:
    return f"{one.rank:g} [{one.low}, {one.high}]"


def _verdict(lines: Sequence[Line]) -> str:
    cases = {line.other: _case(line) for line in lines}
    ahead = [optimizer_title(name) for name, case in cases.items() if case.startswith("worse")]
    if ahead:
        return f"no, {' and '.join(ahead)} did better."
    if None in [line.answer for line in lines]:
        return "not known yet."
    if cases[REFERENCE].startswith("better") and not {"undecided", "mixed"} & set(cases.values()):
        return "yes, it was ahead of AdamW, and nobody was ahead of it."
    if set(cases.values()) == {"no larger difference"}:
        return "accuracy is no reason to use it, and none against it."
    return "open."


def _case(line: Line) -> str:
    held_out = line.answer.held_out if line.answer else None
    return held_out.case if held_out else ""


def _sets(line: Line) -> list[str]:
    held_out = line.answer.held_out if line.answer else None
    return [dataset_title(name) for name in held_out.sets] if held_out else []


def _relation(line: Line) -> str:
    held_out = line.answer.held_out if line.answer else None
    if held_out is None:
        return "is missing"
    found = held_out.difference
    numbers = f"{found.mean:+.2f}"
    if found.half is not None:
        numbers += f" [{found.low:+.2f}, {found.high:+.2f}]"
    words = {
        "no larger difference": "ties",
        "undecided": "is not told apart",
        "mixed": "is behind on a set and ahead on another",
        "better": "is behind",
        "worse": "is ahead",
        "better by less": f"is behind by less than {held_out.measure.delta:g} point",
        "worse by less": f"is ahead by less than {held_out.measure.delta:g} point",
    }[held_out.case]
    return f"{words}, {numbers}"


def _untuned(line: Line) -> str:
    """What Q0 says; a loss to AdamW over the sets is a reason not to use it without tuning."""
    case = _case(line) if line.whole else ""
    start = "Not without tuning" if case.startswith("worse") else "Without tuning"
    start = f"**{start} (Q0), regime {line.regime}**"
    if not case or line.answer is None:
        return f"{start}: not known yet."
    return f"{start}, rate and schedule being those best on the other sets: {line.answer.summary}"


def parts(lines: Sequence[Line]) -> list[str]:
    """What ThermoLion wins or loses by each of its settings, a line a variant."""
    made = []
    for other in dict.fromkeys(line.other for line in lines):
        said = [
            f"in regime {line.regime} it {_relation(line)}"
            + ("" if line.whole or line.answer is None else f" ({line.sets} of {line.of} sets)")
            for line in lines
            if line.other == other
        ]
        made.append(f"**{arm_title(other)[:1].upper()}{arm_title(other)[1:]}**: {'; '.join(said)}.")
    return made


def _lost(study: StudyResults) -> list[str]:
    return [
        f"**Tuning may lose**: on {workload_title(arm.workload)} ThermoLion's untuned default "
        f"was better on validation, {100 * default:.1f} %, than what the search chose, "
        f"{100 * tuned:.1f} % (means over the final seeds)."
        for arm, tuned, default in lost_by_tuning(study.arms)
        if arm.optimizer == OURS
    ]


def settings(study: StudyResults) -> list[str]:
    """A line a workload whose search is over, and how often each schedule won."""
    chosen = [
        (arms[OURS], arms.get(REFERENCE))
        for arms in study.by_workload.values()
        if OURS in arms and arms[OURS].tuned
    ]
    lines = [_setting(ours, other) for ours, other in chosen]
    won = [ours.winner.schedule for ours, _ in chosen if ours.winner]
    for name in dict.fromkeys(won):
        words = SCHEDULES.get(name, name)
        lines.append(f"Of {len(won)} searches {won.count(name)} chose {words}.")
    return lines


def _setting(ours: Arm, other: Arm | None) -> str:
    mine, theirs = profile_of(ours), profile_of(other) if other and other.tuned else None
    text = f"{workload_title(ours.workload)}: "
    if mine is not None:
        width = mine.width()
        text += f"of the rates on the grid {mine.best:.2g} was best"
        text += f" (AdamW's {theirs.best:.2g})" if theirs is not None else ""
        text += f", {width.low:.2g} to {width.high:.2g} within 1 point of it; "
    if ours.winner is None:
        return text
    numbers = ", ".join(
        f"{name} {value:.3g}" for name, value in sorted(ours.winner.hyperparameters)
    )
    schedule = SCHEDULES.get(ours.winner.schedule, ours.winner.schedule)
    return f"{text}what the search chose: {schedule}, {numbers}."
