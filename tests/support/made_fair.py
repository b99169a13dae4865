"""Fair studies that never were, and their section of a report."""

import math
from dataclasses import replace

from made_records import Made

from experiments import optimizers
from experiments.analysis import summaries
from experiments.protocols import fair
from experiments.records import DataFacts
from experiments.reports.fair import section
from experiments.reports.section import Question

FACTS = DataFacts(classes=10, examples=1000, test_examples=300)


def accuracy(cell):
    """Best at a rate of 1e-3."""
    return 0.9 - 0.05 * abs(math.log10(dict(cell.learner.changed)["learning_rate"] / 1e-3))


def made(
    status=lambda cell: "ok",
    budget="full",
    names=("adamw", "thermolion"),
    sets=("digits", "semeion"),
):
    """Every run of a study, all optimizers alike."""
    resolved = {name: optimizers.resolve(name) for name in names}
    study = fair.study(list(sets), resolved, regimes=("B",), budget=budget)
    runs = Made(accuracy, status)
    runs.finish(study)
    return [replace(one, data=FACTS) for one in runs.records.values()]


def built(records):
    """The section of some records."""
    (found,) = section.build(summaries.entries(records), Question("results"))
    return found


def ours_on_digits(one, phase):
    """Whether a record is ThermoLion's on the digits, of that phase."""
    return (one.optimizer, one.dataset, one.phase) == ("thermolion", "digits", phase)
