"""Notes that the reports of several studies share."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.arms import Arm, lost_by_tuning
from experiments.protocols.fair import constants as fair
from experiments.reports.labels import optimizer_title
from experiments.reports.table import EDGE
from experiments.reports.workload_titles import workload_title

AT_EDGE = f"{EDGE}: the best rate is the outermost that was tried; a better one may lie beyond."

OWN_TEST = (
    "A test set of a set's own stays as published: near-duplicates are kept apart among the parts "
    "that were cut here, and images of it may be near-duplicates of train or validation."
)


def budget_note(budget: str) -> list[str]:
    """The first note of every study below its full budget."""
    return [] if budget == "full" else [f"The budget is {budget}: nothing here is an answer."]


def closing_notes(found: Sequence[Arm]) -> list[str]:
    """What the tables of every study with tuned arms need beside them."""
    margins = fair.protocol()["margins"]
    notes = [
        f"Differences within ±{margins['accuracy_points']:g} point of held-out accuracy and "
        f"±{margins['train_loss_percent']:g} % of train loss count as none; a run that diverged "
        "counts as chance, and a train loss below what float32 resolves (1.2e-7) as that.",
        "Over several data sets a change of train loss is the geometric mean of their ratios.",
        *edge_note(found),
    ]
    if any("gtsrb" in arm.workload.dataset for arm in found):
        notes.append(
            "Intervals take the test images for independent. GTSRB has several frames of one sign, "
            "near-duplicates, so its intervals over new images are rather too narrow."
        )
    notes += [
        f"{optimizer_title(arm.optimizer)} on {workload_title(arm.workload)}: its untuned "
        f"default is better on validation, too, than what tuning chose ({100 * default:.1f} "
        f"against {100 * tuned:.1f} %, means over the final seeds): the choice was made on two "
        "seeds."
        for arm, tuned, default in lost_by_tuning(found)
    ]
    for arm in found:
        readings = max((one.test_readings or 1 for one in [*arm.tuned, *arm.default]), default=1)
        if readings > 1:
            notes.append(
                f"{optimizer_title(arm.optimizer)} on {workload_title(arm.workload)}: the "
                f"test images have judged {readings} versions of its file, its grid or its "
                "network, and who chose this one by them has flattered it."
            )
    return [*notes, *part_notes(found)]


def edge_note(found: Sequence[Arm]) -> list[str]:
    """What the mark of an outermost rate means, where a table has it."""
    if not any(arm.at_edge for arm in found):
        return []
    return [AT_EDGE]


def part_notes(found: Sequence[Arm]) -> list[str]:
    """How the parts to train, tune and judge on were cut."""
    rules = {one.data.rule for arm in found for one in arm.ledger[:1] if one.data.rule}
    own = any(rule.partition("test: the set's own.")[1] for rule in rules)
    return [
        *(f"Parts: {rule}" for rule in sorted(rules)),
        *([OWN_TEST] if own else []),
    ]
