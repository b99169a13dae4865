"""The size of a data set's gradients, which SMES's learning rate and eps are stated in.

    python -m experiments.protocols.fair.gradient_size digits fashion_mnist PATH/gtsrb32.npz

s = median of √v̂ over all parameters, v̂ being AdamW's bias-corrected second moment after its first
epoch at its default settings (batches of 128, seed 101, the ConvNet). The numbers printed stand in
`fair.json`, so that they are the same for everybody.
"""

from __future__ import annotations

import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments import datasets, networks, optimizers
from experiments.protocols.fair import constants
from experiments.training import step as shared


def gradient_size(images: np.ndarray, labels: np.ndarray, num_classes: int) -> float:
    """The median of √v̂ after one epoch of AdamW.

    Args:
        images: uint8 (N, 32, 32, C).
        labels: integers (N,).
        num_classes: K.
    """
    seed = constants.protocol()["seeds"]["tune"][0]
    batch = constants.protocol()["regimes"]["B"]["batch_size"]
    keys = shared.keys(seed)
    network, adamw = networks.resolve("convnet"), optimizers.resolve("adamw")
    steps = -(-len(labels) // batch)
    tx, _ = shared.both(adamw.build(adamw.hyperparameters, keys.noise, steps, steps))
    params = network.init(keys.init, images.shape[-1], num_classes)
    state = params, tx.init(params)
    step = jax.jit(functools.partial(shared.step, network, tx))
    order = np.asarray(shared.epoch_order(keys.order, len(labels)))
    for start in range(0, len(labels), batch):
        rows = order[start : start + batch]
        state, _, _ = step(state, images[rows], labels[rows])
    nu = optax.tree.get(state[1], "nu")
    b2 = adamw.space.defaults["b2"]
    flat = jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(nu)])
    return float(jnp.median(jnp.sqrt(flat / (1 - b2**steps))))


def main(names: list[str]) -> None:
    """Prints the size of every set's gradients, three digits of it."""
    limit = constants.protocol()["limit"]
    for name in names:
        train = datasets.load_splits(name, limit=limit, with_test=False).train
        size = gradient_size(train.images, train.labels, train.num_classes)
        print(f'"{train.name}": {size:.3g}')


if __name__ == "__main__":
    main(sys.argv[1:])
