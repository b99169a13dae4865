"""Verdicts on two exponents as one table: over all data sets, and each set's own beside it."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.verdicts import Verdict
from experiments.reports import markdown
from experiments.reports.exponent.claims import Claim
from experiments.reports.table import DASH, Table
from experiments.smes_page.part import bullets


def answers(found: Sequence[Claim]) -> list[list[str]]:
    """Blocks of lines: the comparisons that have a verdict as a table, the others in words."""
    others = []
    verdicts: list[Verdict] = []
    rows: dict[tuple[str, str], dict[str, Verdict]] = {}
    for one in found:
        if one.pair is None or one.verdict is None:
            others.append(f"{one.place}: {one.summary}")
            continue
        verdicts.append(one.verdict)
        if one.note:
            others.append(f"{one.place}, {' against '.join(one.pair)}: {one.note}")
        row = rows.setdefault((" against ".join(one.pair), one.place), {})
        row |= {one.dataset: one.verdict, **one.sets}
    if not rows:
        return [bullets(others or ["No answer yet."])]
    return [[_intervals(verdicts)], [markdown.table(_table(rows))], bullets(others)]


def _intervals(verdicts: Sequence[Verdict]) -> str:
    levels = sorted({f"{100 * one.difference.level:.4g}" for one in verdicts})
    seeds = sorted({len(one.difference.by_seed) for one in verdicts})
    measure = verdicts[0].measure
    margin = f"{measure.shown(measure.delta):g} {measure.unit}"
    return (
        f"The first α against the second, in {measure.unit} (as a factor, ×, where it more than "
        f"doubles), with intervals at {' or '.join(levels)} % over {' or '.join(map(str, seeds))} "
        f"seeds. Differences of less than {margin} do not count: *by less*, *no larger difference*."
    )


def _table(rows: dict[tuple[str, str], dict[str, Verdict]]) -> Table:
    """One row a pair of exponents and place, one column a data set; "" is over all of a row's."""
    names = sorted({name for row in rows.values() for name in row} - {""}, key=str.casefold)
    return Table(
        key="answers",
        title="",
        header=("comparison", "place", "over its sets", *names, "smallest detectable"),
        rows=tuple(
            (pair, place, *(_cell(row.get(name)) for name in ("", *names)), _least(row))
            for (pair, place), row in rows.items()
        ),
        data=(),
    )


def _cell(verdict: Verdict | None) -> str:
    return DASH if verdict is None else f"{verdict.case}, {verdict.numbers}"


def _least(row: dict[str, Verdict]) -> str:
    """The smallest true difference that is found four times in five: over the sets, or in each."""
    shown = [
        one.measure.amount(one.measure.shown(one.difference.smallest_detectable))
        for one in ([row[""]] if "" in row else row.values())
        if one.difference.smallest_detectable is not None
    ]
    return ", ".join(shown) or DASH
