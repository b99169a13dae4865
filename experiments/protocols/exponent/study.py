"""The exponent study on data sets: a short tuning of every exponent over rates and eps.

Where sparsity is varied only the fixed α of the protocol run: no question asks for another there.

A step of exponent α has the units of g^(1-2α) and eps those of g^(2α). `scaled_smes` takes both
out by dividing gradients by their size s, so one list of candidates serves all exponents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from experiments.files import JsonObject
from experiments.optimizers import Optimizer
from experiments.protocols.cell import ProtocolName, Regime, Task
from experiments.protocols.exponent import constants
from experiments.protocols.fair import constants as fair
from experiments.protocols.names import check_names, recorded_name
from experiments.protocols.short_tuning import (
    Seeds,
    ShortChain,
    ShortStudy,
    rates_around,
    short_study,
)

NAME, FACTORY = "exponent", "scaled_smes"


def study(
    datasets: Sequence[str],
    optimizers: Mapping[str, Optimizer],
    networks: Sequence[str] = ("convnet",),
    *,
    budget: str = "full",
    regimes: Sequence[str] = ("B", "A"),
) -> ShortStudy:
    """All arms, by data set, regime, sparsity, then optimizer; sparse ones of the fixed α alone.

    Args:
        datasets: names or paths.
        optimizers: by canonical name, in the order of their run; `scaled_smes` and its variants.
        networks: names or import paths.
        budget: "full", or "smoke", which is no answer.
        regimes: names of the fair protocol's.

    Raises:
        ValueError: a name that there is not, or one given twice; another optimizer, or one whose
            name states what the protocol sets; a data set whose gradients have not been measured.
    """
    numbers = constants.protocol()
    known = fair.protocol()["regimes"]
    check_names(budget, numbers["budgets"], datasets, networks, regimes, known)
    for name, one in optimizers.items():
        if name.partition(":")[0] != FACTORY:
            raise ValueError(
                f"the exponent protocol compares {FACTORY} and its variants, such as "
                f"{FACTORY}:alpha=0.5; {name} is neither"
            )
        stated = sorted({"eps", "gradient_size"} & one.overrides.keys())
        stated = ["learning_rate", *stated] if one.states_rate else stated
        if stated:
            raise ValueError(
                f"{name}: {', '.join(stated)} stated in its name, but the exponent protocol tries "
                "rates and eps of one list for all, at the data set's gradient size: leave it out"
            )
    counts, seeds = numbers["budgets"][budget], numbers["seeds"]
    printed = NAME if budget == "full" else f"{NAME}[budget={budget}]"
    final = tuple(range(seeds["final"], seeds["final"] + counts["final"]))
    chains = []
    for task, regime in _tasks(datasets, networks, regimes, counts["sparse"], budget):
        size = constants.recorded_gradient_size(recorded_name(task.dataset), task.sparsity)
        for name, one in optimizers.items():
            if task.sparsity and name not in numbers["alphas"]:
                continue
            found = candidates(one.overrides.get("alpha") == 0, size, counts)
            digest = constants.content_hash(found)
            chains.append(
                ShortChain(
                    task=task,
                    regime=regime,
                    name=name,
                    candidates=found,
                    schedule=numbers["schedule"],
                    seeds=Seeds(seeds["tune"], seeds["confirm"], final),
                    protocol=ProtocolName(printed, numbers["version"], digest, budget),
                    again=counts["again"],
                )
            )
    return short_study(chains)


def candidates(at_zero: bool, size: float, counts: JsonObject) -> tuple[dict[str, float], ...]:
    """Rates by eps, the smaller eps and then the rate nearer to the default first.

    Args:
        at_zero: whether α is 0, where eps would only scale the step, so there is none.
        size: of the gradients.
        counts: how many rates and eps the budget tries.
    """
    numbers = constants.protocol()
    rates = rates_around(numbers["rate"], counts["rates"], numbers["rates_per_decade"])
    tried = [0.0] if at_zero else numbers["eps"][: counts["eps"]]
    return tuple(rate | {"eps": eps, "gradient_size": size} for eps in tried for rate in rates)


def _tasks(
    datasets: Sequence[str],
    networks: Sequence[str],
    regimes: Sequence[str],
    sparse: JsonObject,
    budget: str,
) -> list[tuple[Task, Regime]]:
    """What is learnt and how long; sparsity is varied in the sets and regimes chosen for it."""
    found = []
    for dataset in datasets:
        for network in networks:
            for regime in regimes:
                varied = dataset in sparse["datasets"] and regime in sparse["regimes"]
                for share in [0.0, *(sparse["shares"] if varied else ())]:
                    task = Task(
                        dataset, network, fair.protocol()["limit"], parts="split", sparsity=share
                    )
                    readings = constants.protocol()["readings"]
                    found.append((task, replace(fair.regime(regime, budget), readings=readings)))
    return found
