"""The label noise study on data sets: a short tuning of every optimizer in every cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.optimizers import Optimizer
from experiments.protocols.cell import ProtocolName, Task
from experiments.protocols.fair import constants as fair
from experiments.protocols.fair.short_tuning import (
    Seeds,
    ShortChain,
    ShortStudy,
    rates_around,
    short_study,
)
from experiments.protocols.fair.study import check_names
from experiments.protocols.label_noise import constants

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
    centres = {
        name: numbers["centres"].get(name, one.space.learning_rate)
        for name, one in optimizers.items()
    }
    per_decade = numbers["rates_per_decade"]
    hashes = {
        name: constants.content_hash(rates_around(centre, counts["rates"], per_decade))
        for name, centre in centres.items()
    }
    final = tuple(range(seeds["final"], seeds["final"] + counts["final"]))
    return short_study(
        [
            ShortChain(
                task=Task(
                    dataset, network, fair.protocol()["limit"], parts="split", label_noise=noise
                ),
                regime=known[regime],
                name=name,
                candidates=rates_around(
                    centre * 10 ** (constants.steps_from_centre(known[regime]) / per_decade),
                    counts["rates"],
                    per_decade,
                ),
                schedule=numbers["schedule"],
                seeds=Seeds(seeds["tune"], seeds["confirm"], final),
                protocol=ProtocolName(printed, numbers["version"], hashes[name], budget),
                again=counts["again"],
            )
            for dataset in datasets
            for network in networks
            for regime in chosen
            for noise in numbers["label_noise"]
            for name, centre in centres.items()
        ]
    )
