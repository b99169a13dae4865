"""Cells -> the label noise study's table, and the differences that it and the figures show."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis import verdicts
from experiments.analysis.difference import level_of
from experiments.analysis.final_differences import accuracy_difference, loss_difference
from experiments.analysis.final_runs import accuracies, mean_step, mean_train_loss
from experiments.analysis.interval import interval
from experiments.analysis.noise_cells import OURS, FinalRuns, NoiseCell, curves
from experiments.analysis.paired import Difference
from experiments.protocols.label_noise import constants
from experiments.reports.ablation.tables import arm_title, verdict_fields
from experiments.reports.labels import dataset_title, with_network
from experiments.reports.table import DASH, EDGE, PERCENT, Table, number


def others(cells: Sequence[NoiseCell]) -> list[str]:
    """What ThermoLion is compared with, in the study's order."""
    there = {name for cell in cells for name in cell.arms}
    return [name for name in constants.protocol()["question"]["against"] if name in there]


def cell_difference(cell: NoiseCell, other: str, *, loss: bool = False) -> Difference | None:
    """ThermoLion minus another in one cell; None where either has no final runs.

    The train loss of labels that were made wrong is none to compare: a smaller one is memory.
    """
    both = final_runs(cell, other)
    if both is None or (loss and cell.noise):
        return None
    found = loss_difference if loss else accuracy_difference
    return found(*both, comparisons=constants.comparisons())


def final_runs(cell: NoiseCell, other: str) -> FinalRuns | None:
    """ThermoLion's and another's in one cell; None where either has none."""
    if not {OURS, other} <= cell.arms.keys():
        return None
    one, two = cell.arms[OURS].tuned, cell.arms[other].tuned
    return (one, two) if one and two else None


def names_at_edge(cell: NoiseCell, other: str) -> list[str]:
    """Which of ThermoLion and another have the outermost rate that was tried as their best."""
    return [name for name in (OURS, other) if name in cell.arms and cell.arms[name].at_edge]


def cell_title(cell: NoiseCell) -> str:
    """A cell in tables."""
    title = with_network(dataset_title(cell.dataset), cell.network)
    return f"{title}, batch {cell.batch:,}, {100 * cell.noise:g} % label noise"


def level_words() -> str:
    """The level of the differences, of as many as the protocol lists for a data set."""
    count = constants.comparisons()
    return f"{100 * level_of(count):.4g} % ({count} comparisons)"


def cell_table(cells: Sequence[NoiseCell]) -> Table | None:
    """Every optimizer in every cell, and ThermoLion against each other one."""
    rows, data = [], []
    for cell in cells:
        for name, arm in sorted(cell.arms.items(), key=lambda one: one[0] != OURS):
            if not arm.tuned:
                continue
            held_out = accuracies(arm.tuned, "held_out")
            found = None if name == OURS else cell_difference(cell, name)
            loss = None if name == OURS else cell_difference(cell, name, loss=True)
            both = [
                verdicts.verdict(OURS, name, each, measure=measure) if each else None
                for each, measure in ((found, verdicts.HELD_OUT), (loss, verdicts.TRAIN_LOSS))
            ]
            gate, snr = (curves(arm.tuned, key) for key in ("gate_mean", "gradient_snr"))
            train, step = mean_train_loss(arm.tuned), mean_step(arm.tuned)
            rows.append(
                (
                    f"{cell_title(cell)}: {arm_title(name)}{EDGE if arm.at_edge else ''}",
                    number(interval(held_out), bounds=PERCENT),
                    DASH if train is None else f"{train:.3g}",
                    DASH if step is None else f"{step:.2e}",
                    f"{gate.mean():.3f}" if gate.size else DASH,
                    f"{snr.mean():.3f}" if snr.size else DASH,
                    *(text for each in both for text in _words(each)),
                )
            )
            data.append(
                {
                    "dataset": cell.dataset,
                    "network": cell.network,
                    "batch_size": cell.batch,
                    "label_noise": cell.noise,
                    "optimizer": name,
                    "learning_rate": arm.winner.learning_rate if arm.winner else None,
                    "seeds": len(arm.tuned),
                    "held_out_mean": sum(held_out) / len(held_out),
                    "train_loss": train,
                    "update_rms": step,
                    "gate_mean": float(gate.mean()) if gate.size else None,
                    "gradient_snr": float(snr.mean()) if snr.size else None,
                }
                | verdict_fields("held_out", both[0])
                | verdict_fields("train_loss", both[1])
            )
    if not rows:
        return None
    header = (
        "cell: optimizer",
        "held-out %",
        "train loss",
        "step RMS",
        "mean λ",
        "gradient's signal / noise",
        "ThermoLion minus it, held-out points",
        "verdict, held-out",
        "ThermoLion minus it, train loss %",
        "verdict, train loss",
    )
    words = "Every cell: wrong labels in train and validation, right ones in the test images; "
    words += f"differences at {level_words()}"
    return Table("cells", words, header, tuple(rows), tuple(data))


def _words(verdict: verdicts.Verdict | None) -> tuple[str, str]:
    return (DASH, DASH) if verdict is None else (verdict.numbers, verdict.case)
