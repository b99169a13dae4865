"""The label noise study on data sets: a short tuning of every optimizer in every cell.

Readings of λ follow the last step of an epoch. If that step had fewer images than the others, its
noisier gradient would enter m just before, and by another factor in each cell: 5,000 images leave 8
over at batches of 32 and of 128, 904 at 1,024. So all cells train on whole batches.

One list of rates serves all batch sizes, since the usable rates did not move from batches of 32 to
512 (`rate_scaling`). Its centre is the rate that was best on Fashion-MNIST's validation images in
regime B of the fair and ablation studies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.optimizers import Optimizer
from experiments.protocols.cell import ProtocolName, Task
from experiments.protocols.fair import constants as fair
from experiments.protocols.label_noise import constants
from experiments.protocols.names import check_names
from experiments.protocols.short_tuning import (
    Seeds,
    ShortChain,
    ShortStudy,
    centre_of,
    rates_around,
    short_study,
)

NAME = "label_noise"


def study(
    datasets: Sequence[str],
    optimizers: Mapping[str, Optimizer],
    networks: Sequence[str] = ("convnet",),
    *,
    budget: str = "full",
    regimes: Sequence[str] = (),
) -> ShortStudy:
    """All cells, by data set, batch size, label noise, then optimizer.

    Args:
        datasets: names or paths.
        optimizers: by canonical name, in the order of their run.
        networks: names or import paths.
        budget: "full", or "smoke", which is no answer.
        regimes: the batch sizes' names, such as "b32"; none means all.

    Raises:
        ValueError: a name that there is not, or one given twice.
    """
    numbers = constants.protocol()
    known = constants.regimes(budget if budget in numbers["budgets"] else "full")
    chosen = regimes or tuple(known)
    check_names(budget, numbers["budgets"], datasets, networks, chosen, known)
    counts, seeds = numbers["budgets"][budget], numbers["seeds"]
    printed = NAME if budget == "full" else f"{NAME}[budget={budget}]"
    lists = {
        name: rates_around(
            centre_of(one, numbers["centres"]),
            counts["rates"],
            numbers["rates_per_decade"],
        )
        for name, one in optimizers.items()
    }
    final = tuple(range(seeds["final"], seeds["final"] + counts["final"]))
    return short_study(
        [
            ShortChain(
                task=Task(
                    dataset,
                    network,
                    fair.protocol()["limit"],
                    parts="split",
                    label_noise=noise,
                    batch=numbers["whole_batches_of"],
                ),
                regime=known[regime],
                name=name,
                candidates=candidates,
                schedule=numbers["schedule"],
                seeds=Seeds(seeds["tune"], seeds["confirm"], final),
                protocol=ProtocolName(
                    printed, numbers["version"], constants.content_hash(candidates), budget
                ),
                again=counts["again"],
            )
            for dataset in datasets
            for network in networks
            for regime in chosen
            for noise in numbers["label_noise"]
            for name, candidates in lists.items()
        ]
    )
