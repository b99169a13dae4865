"""The label noise study by cells: one data set, one batch size, one share of wrong labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments.analysis import paired
from experiments.analysis.arms import Arm
from experiments.analysis.final_runs import test_runs
from experiments.analysis.paired import Difference
from experiments.records import Record

OURS = "thermolion"
FinalRuns = tuple[Sequence[Record], Sequence[Record]]
"""Final runs of two optimizers that are compared."""


@dataclass(frozen=True, eq=False)
class NoiseCell:
    """What was compared in one cell.

    Attributes:
        dataset: without its noise.
        network: what was trained.
        batch_size: images a step, as the protocol has it.
        noise: share of the labels redrawn.
        arms: by optimizer.
    """

    dataset: str
    network: str
    batch_size: int
    noise: float
    arms: Mapping[str, Arm]

    @property
    def batch(self) -> int:
        """Images a step as they were: at most half of those trained on."""
        runs = [one for arm in self.arms.values() for one in (*arm.ledger, *arm.tuned)]
        halves = [one.data.examples // 2 for one in runs if one.data.examples]
        return min([self.batch_size, *halves])

    @property
    def place(self) -> tuple[str, str, int, float]:
        """What it is sorted by, no two alike."""
        return self.dataset, self.network, self.batch_size, self.noise


def noise_cells(found: Iterable[Arm]) -> list[NoiseCell]:
    """The cells of arms, by data set, network, batch size and noise.

    An arm of which nothing counts, such as one with final runs and none that tuned it, is left out.
    """
    groups: dict[tuple[str, str, int, float], dict[str, Arm]] = {}
    for arm in found:
        first = next(iter((*arm.ledger, *arm.tuned)), None)
        if first is None:
            continue
        noise = first.data.label_noise or 0.0
        batch_size = int(first.settings["batch_size"])
        place = (first.clean_dataset, arm.workload.network, batch_size, noise)
        groups.setdefault(place, {})[arm.optimizer] = arm
    return [NoiseCell(*place, groups[place]) for place in sorted(groups)]


def curves(records: Sequence[Record], name: str) -> np.ndarray:
    """(seeds, readings) numbers of the telemetry; runs that have none of that name are left out."""
    found = [(one.telemetry or {}).get(name) for one in records]
    return np.array([some for some in found if some is not None and None not in some], np.float64)


def sees(cells: Sequence[NoiseCell], *, within: bool = False) -> Difference | None:
    """Rank correlation over cells of mean λ with the gradient's signal-to-noise ratio, by seed.

    Both are means over the readings of a final run of ThermoLion. None with fewer than three
    cells, or where no seed has them all or all are alike.

    Args:
        cells: of one data set and network.
        within: the mean of the correlations within each batch size. Over all cells a larger batch,
            which has fewer steps, too, makes most of the difference, whatever the labels do.
    """
    batches = sorted({cell.batch_size for cell in cells})
    groups = [[c for c in cells if c.batch_size == b] for b in batches] if within else [list(cells)]
    found = [_correlations(group) for group in groups]
    seeds = sorted(set.intersection(*map(set, found))) if found else []
    if not seeds:
        return None
    return paired.over_seeds(
        {seed: float(np.mean([each[seed] for each in found])) for seed in seeds}
    )


def _correlations(cells: Sequence[NoiseCell]) -> dict[int, float]:
    """By seed; none with fewer than three cells."""
    by_cell: list[dict[int, tuple[float, float]]] = []
    for cell in cells:
        runs = cell.arms[OURS].tuned if OURS in cell.arms else ()
        by_cell.append(
            {
                one.seed: (float(gate.mean()), float(snr.mean()))
                for one in runs
                if (gate := curves([one], "gate_mean")).size
                and (snr := curves([one], "gradient_snr")).size
            }
        )
    found = {}
    for seed in sorted(set.intersection(*map(set, by_cell))) if len(by_cell) >= 3 else []:
        gate, snr = zip(*(cell[seed] for cell in by_cell), strict=True)
        if len(set(gate)) > 1 and len(set(snr)) > 1:  # else nothing to rank
            ranks = stats.rankdata(gate), stats.rankdata(snr)
            found[seed] = float(np.corrcoef(*ranks)[0, 1])
    return found


def growth(
    clean: FinalRuns | None, noisy: FinalRuns | None, *, comparisons: int = 1
) -> Difference | None:
    """How much a paired difference of test accuracy grows from one condition to another.

    Args:
        clean: final runs of two optimizers under the first condition.
        noisy: of the same under the second, judged on the same test images.
        comparisons: how many of them a question lists.

    Returns:
        None where either is missing, or no seed is common to all.
    """
    if clean is None or noisy is None:
        return None
    runs = [found for some in (*noisy, *clean) if (found := test_runs(some)) is not None]
    if len(runs) < 4 or not set.intersection(*(set(each.seeds) for each in runs)):
        return None
    one, two, three, four = runs
    return paired.double_difference((one, two), (three, four), comparisons=comparisons)
