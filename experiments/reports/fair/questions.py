"""The protocol's questions, answered by rule from the arms that are there."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from experiments import optimizers
from experiments.analysis import paired, rankings, verdicts
from experiments.analysis.arms import Arm, Workload, workloads
from experiments.analysis.final_differences import judged_pair, loss_difference
from experiments.analysis.paired import Difference
from experiments.analysis.rankings import Estimate
from experiments.analysis.runs import Runs, restricted
from experiments.analysis.verdicts import Verdict
from experiments.files import JsonObject
from experiments.protocols.fair import constants
from experiments.records import Record
from experiments.reports.labels import dataset_title, optimizer_title, with_network

RIVALS = ("adamw", "thermolion")
"""Those that an optimizer of the user's own is compared with."""

SETTINGS = {"tuned": "tuned", "carried": "at the setting best on the other sets"}


@dataclass(frozen=True)
class Answer:
    """One comparison of one question, in one regime with one network.

    Attributes:
        question: its number, such as Q1; "yours" for an optimizer that is not the benchmark's.
        text: the question.
        regime: the regime.
        network: the network.
        first: the optimizer that is asked about.
        other: the one it is compared with.
        setting: how both were set: tuned, or carried over from the other sets.
        held_out: the verdict on held-out accuracy; None where runs are missing.
        train_loss: the verdict on train loss, likewise.
        improvement: the probability that a run of ``first`` ends above a run of ``other`` on test
            images, by data set, and over "all" where there are several.
        unfinished: the data sets that are left out, since final runs of either are missing there.
        lacking: the optimizers whose runs those are.
        called: what an optimizer is called.
    """

    question: str
    text: str
    regime: str
    network: str
    first: str
    other: str
    setting: str
    held_out: Verdict | None
    train_loss: Verdict | None
    improvement: Mapping[str, Estimate]
    unfinished: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    called: Callable[[str], str] = optimizer_title

    @property
    def line(self) -> str:
        """The question and its answer in one line."""
        where = with_network(f"{self.question}, regime {self.regime}", self.network)
        without = ""
        if self.held_out is not None and self.unfinished:
            names = ", ".join(map(dataset_title, self.unfinished))
            without = f" Unfinished and so left out: {names}."
        return f"{where}: {self.text} {self.summary}{without}"

    @property
    def summary(self) -> str:
        """The answer alone."""
        if self.held_out is None:
            if self.setting == "carried" and len(self.unfinished) == 1:
                return "No answer: it needs a second data set, to carry the setting over from."
            names = " and ".join(map(self.called, self.lacking))
            return f"No answer yet: final runs of {names}, {SETTINGS[self.setting]}, are missing."
        loss = f"; {self.train_loss.predicate}" if self.train_loss else ""
        return f"{self.held_out.text}{loss}."


def answers(
    found: Sequence[Arm],
    questions: Mapping[str, JsonObject] | None = None,
    called: Callable[[str], str] = optimizer_title,
) -> list[Answer]:
    """Every question in every regime and with every network that the arms have.

    Args:
        found: the arms of one study, without the runs of a setting that has too few of them: a data
            set where either optimizer has none is left out of the verdict.
        questions: each one's text, first, against and setting, by its number; None are the fair
            protocol's, behind those of optimizers that are not the benchmark's.
        called: what an optimizer is called.
    """
    made = []
    by_workload = workloads(found)
    places = sorted({(workload.network, workload.regime) for workload in by_workload})
    for network, regime in places:
        these = {
            workload: arms
            for workload, arms in by_workload.items()
            if (workload.network, workload.regime) == (network, regime)
        }
        there = {name for arms in these.values() for name in arms}
        for number, asked in questions.items() if questions else _questions(there):
            if asked["setting"] == "carried" and regime in constants.protocol()["tuned_in"]:
                continue  # nothing is carried over sets where nothing is tuned
            for other in asked["against"]:
                if {asked["first"], other} <= there:
                    place = network, regime
                    made.append(_answer(number, asked, other, these, place, called))
    return made


def unasked(found: Sequence[Arm]) -> list[str]:
    """A line for each optimizer of the user's own that has nobody to be compared with."""
    there = {arm.optimizer for arm in found}
    if there & set(RIVALS):
        return []
    return [
        f"Is {name} better? No answer: it is compared with {' and '.join(RIVALS)}, and neither was "
        f"run. Add one: --optimizers {shlex.quote(name)} {RIVALS[0]}."
        for name in _yours(there)
    ]


def _yours(there: set[str]) -> list[str]:
    return sorted(name for name in there if name.partition(":")[0] not in optimizers.NAMES)


def _questions(there: set[str]) -> list[tuple[str, JsonObject]]:
    """One of every optimizer that is not the benchmark's, then the protocol's own."""
    yours: list[tuple[str, JsonObject]] = [
        (
            "yours",
            {
                "text": f"Is {name} better?",
                "first": name,
                "against": [one for one in RIVALS if one in there],
                "setting": "tuned",
            },
        )
        for name in _yours(there)
    ]
    return [*yours, *constants.protocol()["questions"].items()]


def _answer(
    number: str,
    asked: JsonObject,
    other: str,
    these: Mapping[Workload, Mapping[str, Arm]],
    place: tuple[str, str],
    called: Callable[[str], str],
) -> Answer:
    first, setting = asked["first"], asked["setting"]
    pairs: dict[str, tuple[tuple[Record, ...], tuple[Record, ...]]] = {}
    unfinished = []
    lacking: dict[str, None] = {}
    for workload, arms in these.items():
        if first in arms and other in arms:
            one, two = (getattr(arms[name], setting) for name in (first, other))
            if one and two:
                pairs[workload.dataset] = (one, two)
            else:
                unfinished.append(workload.dataset)
                lacking |= {name: None for name, runs in ((first, one), (other, two)) if not runs}
    pairs = _of_common_seeds(pairs)
    held_out = train_loss = None
    improvement: dict[str, Estimate] = {}
    if pairs:
        count = len(asked["against"])
        judged = _with_bits_alike(
            {name: both for name, pair in pairs.items() if (both := judged_pair(*pair))}
        )
        found = {name: paired.difference(*both, comparisons=count) for name, both in judged.items()}
        losses = {name: loss_difference(*pair, comparisons=count) for name, pair in pairs.items()}
        names = called(first), called(other)
        held_out = _verdict(*names, found, verdicts.HELD_OUT)
        train_loss = _verdict(*names, _alike(losses), verdicts.TRAIN_LOSS)
        improvement = _improvement(judged)
    network, regime = place
    return Answer(
        number,
        asked["text"],
        regime,
        network,
        first,
        other,
        setting,
        held_out,
        train_loss,
        improvement,
        tuple(unfinished),
        tuple(lacking),
        called,
    )


def _with_bits_alike(
    judged: Mapping[str, tuple[Runs, Runs]],
) -> dict[str, tuple[Runs, Runs]]:
    """All sets with their images' bits or none: an interval over new images needs them of all."""
    if all(each.correct is not None for both in judged.values() for each in both):
        return dict(judged)
    return {
        name: (restricted(one, one.seeds, bits=False), restricted(two, two.seeds, bits=False))
        for name, (one, two) in judged.items()
    }


def _improvement(judged: Mapping[str, tuple[Runs, Runs]]) -> dict[str, Estimate]:
    found = {name: rankings.probability_of_improvement([pair]) for name, pair in judged.items()}
    if len(judged) > 1:
        found["all"] = rankings.probability_of_improvement(list(judged.values()))
    return found


def _of_common_seeds(
    pairs: Mapping[str, tuple[tuple[Record, ...], tuple[Record, ...]]],
) -> dict[str, tuple[tuple[Record, ...], tuple[Record, ...]]]:
    """The runs of the seeds that all sets and both optimizers have: a mean over sets needs them."""
    seeds = [{one.seed for one in runs} for pair in pairs.values() for runs in pair]
    common = set.intersection(*seeds) if seeds else set()
    if not common:
        return {}

    def kept(runs: tuple[Record, ...]) -> tuple[Record, ...]:
        return tuple(one for one in runs if one.seed in common)

    return {name: (kept(one), kept(two)) for name, (one, two) in pairs.items()}


def _alike(found: Mapping[str, Difference | None]) -> dict[str, Difference]:
    return {name: each for name, each in found.items() if each is not None}


def _verdict(
    first: str,
    other: str,
    found: Mapping[str, Difference],
    measure: verdicts.Measure,
) -> Verdict | None:
    if not found:
        return None
    if len(found) == 1:
        ((name, only),) = found.items()
        made = verdicts.verdict(first, f"{other} on {dataset_title(name)}", only, measure=measure)
        return replace(made, sets={name: made})
    titled = {dataset_title(name): each for name, each in found.items()}
    made = verdicts.verdict_over_sets(first, other, titled, measure=measure)
    return replace(made, sets={name: made.sets[dataset_title(name)] for name in found})
