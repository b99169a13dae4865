"""The size of a data set's gradients, which SMES's learning rate and eps are stated in.

    python -m experiments.protocols.fair.gradient_size digits fashion_mnist PATH/gtsrb32.npz

s = median of √v̂ over all parameters, v̂ being AdamW's bias-corrected second moment after its first
epoch at its default settings (batches of 128, seed 101, the ConvNet). The numbers printed stand in
`fair.json`, so that they are the same for everybody.
"""

from __future__ import annotations

import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments import datasets, networks, optimizers
from experiments.protocols.fair import constants
from experiments.training.step import batch_loss_and_gradient, both


def gradient_size(images: np.ndarray, labels: np.ndarray, num_classes: int) -> float:
    """The median of √v̂ after one epoch of AdamW.

    Args:
        images: uint8 (N, 32, 32, C).
        labels: integers (N,).
        num_classes: K.
    """
    seed = constants.protocol()["seeds"]["tune"][0]
    batch = constants.protocol()["regimes"]["B"]["batch_size"]
    init_key, order_key, noise_key = (
        jax.random.fold_in(jax.random.key(seed), use) for use in range(3)
    )
    network, adamw = networks.resolve("convnet"), optimizers.resolve("adamw")
    steps = -(-len(labels) // batch)
    tx, _ = both(adamw.build(adamw.hyperparameters, noise_key, steps, steps))
    params = network.init(init_key, images.shape[-1], num_classes)
    state = tx.init(params)

    @jax.jit
    def step(params, state, images, labels):
        _, grads = batch_loss_and_gradient(network, params, images, labels)
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    order = np.asarray(jax.random.permutation(order_key, len(labels)))
    for start in range(0, len(labels), batch):
        rows = order[start : start + batch]
        params, state = step(params, state, images[rows], labels[rows])
    nu = optax.tree.get(state, "nu")
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
