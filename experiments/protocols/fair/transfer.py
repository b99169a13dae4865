"""Q0's setting: the one rate and schedule that did best on the other data sets' first stage."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis import selection
from experiments.analysis.selection import score
from experiments.protocols.cell import Find, Learner
from experiments.protocols.fair import constants
from experiments.protocols.fair.tuning import Chain


def best_elsewhere(
    chain: Chain, chains: Sequence[Chain], find: Find
) -> tuple[Learner | None, list[str]]:
    """The setting of the smallest mean rank over the other sets, and what it waits for.

    Ranks are of the first stage's rates and schedules on its first seed. A tie goes to the rate
    nearer to the default, then to the first schedule.

    Args:
        chain: the optimizer, task and regime that the setting is for.
        chains: all chains of the study.
        find: the record of a cell.

    Returns:
        None where there is no other set or where their first stages are not complete; the list
        then names those.
    """
    others = [
        other
        for other in chains
        if other.contestant.name == chain.contestant.name
        and other.regime == chain.regime
        and other.task.network == chain.task.network
        and other.task.dataset != chain.task.dataset
    ]
    seed = constants.protocol()["seeds"]["tune"][0]
    settings = [
        (place, schedule) for schedule in chain.contestant.schedules for place in chain.places
    ]
    sets, lacking = [], []
    for other in others:
        found = {
            (place, schedule): find(
                other.cell({"learning_rate": other.rate(place)}, schedule, seed, "tune")
            )
            for place, schedule in settings
        }
        missing = sum(record is None for record in found.values())
        if missing:
            lacking.append(
                f"the first stage of {other.contestant.name} on {other.task.title}, regime "
                f"{other.regime.name}: {missing} of {len(found)} runs are missing"
            )
        sets.append({setting: score(record) for setting, record in found.items()})
    if lacking or not sets:
        return None, lacking
    place, schedule = selection.smallest_mean_rank(sets)
    cell = chain.cell({"learning_rate": chain.rate(place)}, schedule, seed, "final")
    return cell.learner, []
