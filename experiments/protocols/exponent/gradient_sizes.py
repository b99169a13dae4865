"""The size of a data set's gradients where pixels are set to 0, for `exponent.json`.

    python -m experiments.protocols.exponent.gradient_sizes fashion_mnist digits

Sizes without sparsity are the fair protocol's; `fair.gradient_size` says what a size is.
"""

from __future__ import annotations

import sys

from experiments import datasets
from experiments.protocols.exponent import constants
from experiments.protocols.fair import constants as fair
from experiments.protocols.fair.gradient_size import gradient_size


def main(names: list[str]) -> None:
    """Prints the size of every set's gradients at every sparsity, three digits of it."""
    budgets = constants.protocol()["budgets"].values()
    shares = sorted({share for one in budgets for share in one["sparse"]["shares"]})
    for name in names:
        limit = fair.protocol()["limit"]
        dense = datasets.load_splits(name, limit=limit, with_test=False).train
        for share in [0.0, *shares]:
            train = datasets.with_sparsity(dense, share)
            size = gradient_size(train.images, train.labels, train.num_classes)
            print(f'{train.name} "{share:g}": {size:.3g}', flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
