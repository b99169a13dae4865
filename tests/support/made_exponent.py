"""Records of an exponent study whose runs never were."""

import math
import zlib
from dataclasses import replace

from made_records import Made, rate

from experiments import optimizers
from experiments.protocols import exponent
from experiments.protocols.exponent import constants
from experiments.records import DataFacts

ALPHAS = constants.protocol()["alphas"]


class Judged(Made):
    """α fits as e^(-1-2α) and its validation loss exceeds its train loss by 0.1 + α at the end.

    Where 90 % of the pixels are 0, α = ½ gains two points held out, and α = ¾ one, on all others.
    """

    def run(self, cells):
        super().run(cells)
        for cell in cells:
            name = cell.learner.optimizer
            alpha = ALPHAS.get(name, 0.25)
            noise = (zlib.crc32(f"{name}{cell.seed}{cell.task.title}".encode()) % 100 - 50) / 1e4
            loss = math.exp(-1 - 2 * alpha + noise)
            bonus = 0.02 * (alpha == 0.5) + 0.01 * (alpha == 0.75) if cell.task.sparsity else 0.0
            self.records[cell] = replace(
                self.records[cell],
                fingerprint=f"{zlib.crc32(cell.task.title.encode()):08x}",
                data=DataFacts(classes=10, sparsity=cell.task.sparsity or None),
                train_loss=[1.0, 0.4, loss],
                train_accuracy=0.95,
                validation_accuracy=[0.5, 0.6, self.accuracy(cell)],
                validation_loss=[1.1, 0.5 + alpha, loss + 0.1 + alpha],
                test_accuracy=0.8 + bonus - 0.01 * alpha + noise if cell.reads_test else None,
            )


def records_of(budget="full", names=exponent.OPTIMIZERS, sets=("fashion_mnist", "digits")):
    """A whole study in regime B, every rate the worse the further it is from 1e-3."""
    resolved = {name: optimizers.resolve(name) for name in names}
    study = exponent.study(list(sets), resolved, budget=budget, regimes=("B",))

    def accuracy(cell):
        return 0.8 - abs(math.log10(rate(cell) / 1e-3)) / 10

    found = Judged(accuracy)
    found.run_all(study)
    return list(found.records.values())


def carried_by_fashion_mnist():
    """The same, but on the digits α = ½ ends where 0 does; on Fashion-MNIST a factor e below."""

    def alike(one):
        half = one.dataset == "digits" and one.optimizer == "scaled_smes:alpha=0.5"
        if not (half and one.phase == "final" and not one.data.sparsity):
            return one
        return replace(one, train_loss=[1.0, 0.4, math.exp(-1 + one.seed % 3 / 1e3)])

    return [alike(one) for one in records_of()]
