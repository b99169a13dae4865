"""The rate scaling study on data sets: every rate with every seed, nothing to wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.optimizers import Optimizer
from experiments.protocols.cell import Cell, Learner, ProtocolName, Task
from experiments.protocols.fair import constants as fair
from experiments.protocols.grid import Grid
from experiments.protocols.names import check_names
from experiments.protocols.rate_scaling import constants
from experiments.protocols.short_tuning import rates_around

NAME = "rate_scaling"


def study(
    datasets: Sequence[str],
    optimizers: Mapping[str, Optimizer],
    networks: Sequence[str] = ("convnet",),
    *,
    budget: str = "full",
    regimes: Sequence[str] = (),
) -> Grid:
    """All cells, by data set, steps, batch size, optimizer, then learning rate.

    Args:
        datasets: names or paths.
        optimizers: by canonical name, in the order of their run.
        networks: names or import paths.
        budget: "full", or "smoke", which is no answer.
        regimes: names such as "s600b128", 600 steps of 128 images; none means all.

    Raises:
        ValueError: a name that there is not, or one given twice.
    """
    numbers = constants.protocol()
    known = constants.regimes(budget if budget in numbers["budgets"] else "full")
    chosen = regimes or tuple(known)
    check_names(budget, numbers["budgets"], datasets, networks, chosen, known)
    count = numbers["budgets"][budget]["rates"]
    printed = NAME if budget == "full" else f"{NAME}[budget={budget}]"
    candidates = {
        name: rates_around(one.space.learning_rate, count, numbers["rates_per_decade"])
        for name, one in optimizers.items()
    }
    protocols = {
        name: ProtocolName(printed, numbers["version"], constants.content_hash(rates), budget)
        for name, rates in candidates.items()
    }
    return Grid(
        tuple(
            Cell(
                protocol=protocols[name],
                task=Task(dataset, network, fair.protocol()["limit"], parts="split"),
                learner=Learner(name, tuple(rate.items()), numbers["schedule"]),
                regime=known[regime],
                seed=seed,
                reads_test=False,
                phase="tune",
            )
            for dataset in datasets
            for network in networks
            for regime in chosen
            for name, rates in candidates.items()
            for rate in rates
            for seed in numbers["seeds"]
        ),
        scheduled=True,
    )
