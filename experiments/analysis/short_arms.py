"""What a study of short tunings found, arm by arm, from its records alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from experiments.analysis.arms import Arm, Workload, at_edge, by_seed
from experiments.analysis.ledger import Configuration, configuration_of
from experiments.analysis.selection import mean_score, score
from experiments.records import Record


def short_arms(records: Iterable[Record], derived: Mapping[str, str] | None = None) -> list[Arm]:
    """All arms of one study, in a stable order; several studies must not be mixed.

    Args:
        records: of one study.
        derived: optimizer to the name of an arm of its own: final runs at a configuration that
            it was not tuned over; where there are several, the newest.
    """
    groups: dict[tuple[Workload, str], list[Record]] = {}
    for one in records:
        workload = Workload(one.dataset, one.network, str(one.regime), one.fingerprint)
        groups.setdefault((workload, one.optimizer), []).append(one)
    found = []
    for workload, name in sorted(groups):
        arm = _arm(workload, name, groups[workload, name])
        found.append(arm)
        further = (derived or {}).get(name)
        others = _untried(groups[workload, name]) if further is not None else []
        if further is not None and others:
            setting = configuration_of(others[0])
            found.append(Arm(workload, further, (), setting, False, by_seed(others), (), ()))
    return found


def _untried(records: Sequence[Record]) -> list[Record]:
    """The final runs of a configuration that was not tried in tuning."""
    tried = {configuration_of(one) for one in records if one.phase != "final"}
    others = [one for one in records if configuration_of(one) not in tried]
    newest = max(others, key=lambda one: one.finished or "", default=None)
    return [one for one in others if newest and configuration_of(one) == configuration_of(newest)]


def _arm(workload: Workload, optimizer: str, records: Sequence[Record]) -> Arm:
    ledger = [one for phase in ("tune", "confirm") for one in records if one.phase == phase]
    finals = [one for one in records if one.phase == "final"]
    runs: dict[Configuration, list[Record]] = {}
    for one in ledger:
        runs.setdefault(configuration_of(one), []).append(one)
    begun = {configuration_of(one) for one in finals}
    asked_again = [
        config
        for config, some in runs.items()
        if config in begun and any(one.phase == "confirm" for one in some)
    ]
    means = {one: mean_score([score(run) for run in runs[one]]) for one in asked_again}
    winner = max(means, key=lambda one: means[one], default=None)
    return Arm(
        workload=workload,
        optimizer=optimizer,
        ledger=tuple(ledger),
        winner=winner,
        at_edge=at_edge(ledger, winner),
        tuned=by_seed(one for one in finals if configuration_of(one) == winner),
        default=(),
        carried=(),
    )
