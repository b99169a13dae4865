"""Is mine better? Every optimizer at its best learning rate, paired by seed with a baseline."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis import sweeps
from experiments.analysis.interval import Interval
from experiments.analysis.summaries import Entry, Row, mean_gain
from experiments.analysis.sweeps import Best, difference_from, family
from experiments.reports.labels import dataset_order, dataset_title, labels
from experiments.reports.table import DASH, DIVERGED, EDGE, PERCENT, CsvRow, Table, number
from experiments.reports.tables import UNIT, names

Found = dict[tuple[str, Row], Best]


def tables(entries: Sequence[Entry], baseline: str | None) -> tuple[list[Table], list[str]]:
    """Paired differences of train and of held-out accuracy, and the notes to them.

    Args:
        entries: of one protocol, version and network.
        baseline: an optimizer's name; None is Adam, else AdamW. Where it was not run there are no
            tables but a note.
    """
    run = list(dict.fromkeys(entry.optimizer for entry in entries))
    if len(run) < 2:
        return [], []
    if baseline is not None and baseline not in run:
        return [], [f"No optimizer is compared with {baseline}, which was not run here."]
    if baseline is None:
        baseline = next((name for name in (UNIT, "adamw") if name in run), None)
    if baseline is None:
        return [], [f"No optimizer is compared with another: --baseline takes {' or '.join(run)}."]
    found: Found = {(best.entry.dataset, family(best.entry)): best for best in sweeps.best(entries)}
    called = labels(entries, rates=False)
    base = next(row for row in called if row[0] == baseline)
    swept = any(len(best.rates) > 1 for best in found.values())
    kinds = [False, *([True] if any(entry.test for entry in entries) else [])]
    parts = [_table(found, dataset_order(entries), called, base, held, swept) for held in kinds]
    return parts, _notes(called[base], swept, any(best.at_edge for best in found.values()))


def _table(
    found: Found,
    datasets: Sequence[str],
    called: dict[Row, str],
    base: Row,
    held_out: bool,
    swept: bool,
) -> Table:
    rows, data = [], []
    for row, label in called.items():
        cells = [label]
        pairs = []
        for name in datasets:
            best, other = found.get((name, row)), found.get((name, base))
            if best is None:
                cells.append(DASH)
                continue
            own = best.entry.test if held_out else best.entry.train
            gap = None
            if row == base:
                text = DASH if own is None else f"= {number(own, bounds=PERCENT)}"
            else:
                gap = difference_from(best.entry, other.entry, held_out=held_out) if other else None
                text = number(gap, sign=True)
            if gap and other:
                pairs.append((best.entry, other.entry))
            shown = text != DASH
            lost = f" ({best.entry.diverged}{DIVERGED})" if shown and best.entry.diverged else ""
            cells.append(text + (_rate(best) if swept and shown else "") + lost)
            data.append(_numbers(best, other, own, gap, held_out))
        mean = mean_gain(pairs, held_out=held_out) if pairs else None
        cells.append(number(mean, sign=True) + (f" [{len(pairs)}]" if pairs else ""))
        rows.append(tuple(cells))
    kind = "held-out" if held_out else "train"
    at = "each at its best learning rate by train accuracy; " if swept else ""
    title = (
        f"{kind.capitalize()} accuracy minus {called[base]}'s, points: {at}"
        "mean ± 95 % interval over seeds, paired by seed"
    )
    sets = tuple(dataset_title(name) for name in datasets)
    header = ("optimizer", *sets, "mean [data sets]")
    return Table("paired", title, header, tuple(rows), tuple(data))


def _rate(best: Best) -> str:
    rate = best.entry.learning_rate
    if rate is None:
        return ""
    return f", lr {rate:.3g}{EDGE if best.at_edge else ''}"


def _numbers(
    best: Best, other: Best | None, own: Interval | None, gap: Interval | None, held_out: bool
) -> CsvRow:
    return {
        "accuracy": "held_out" if held_out else "train",
        "dataset": best.entry.dataset,
        **names(best.entry),
        "rates_tried": len(best.rates),
        "best_at_edge": best.at_edge,
        "diverged": best.entry.diverged,
        "mean": own.mean if own else None,
        "half95": own.half if own else None,
        "baseline": other.entry.optimizer if other else None,
        "baseline_learning_rate": other.entry.learning_rate if other else None,
        "seeds_paired": gap.n if gap else 0,
        "difference": gap.mean if gap else None,
        "difference_half95": gap.half if gap else None,
    }


def _notes(base: str, swept: bool, edge: bool) -> list[str]:
    found = [
        f"Differences to {base} are paired: runs of one seed share initialisation and data "
        f"order. An interval that excludes 0 tells {base} and the optimizer apart on new seeds, "
        "at 95 % for each cell by itself."
    ]
    if swept:
        found.append(
            "Best learning rates are chosen by mean accuracy on the images trained on, which is "
            "what this protocol measures, and on the very runs that are then compared: with more "
            "rates tried the best is higher by luck alone. Rates at which most runs diverged come "
            "last."
        )
    if edge:
        found.append(
            f"{EDGE}: the best learning rate is the smallest or largest tried; a better one may "
            "lie beyond it."
        )
    return found
