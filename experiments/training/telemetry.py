"""What is measured of a run beside its curves: the gradient's signal and noise, and the gate."""

import jax
import jax.numpy as jnp

from experiments.networks import Network
from experiments.networks.network import Params
from experiments.training.inputs import Telemetry
from experiments.training.step import State, batch_loss_and_gradient
from thermolion_optax import SnrGateState, phase_statistics

Array = jax.Array
BATCHES = 8


def measure(
    network: Network,
    state: State,
    images: Array,
    labels: Array,
    batch_size: int,
    key: Array,
    what: Telemetry,
) -> dict[str, Array]:
    """Float scalars by name, of the parameters and the optimizer's state as they stand.

    Where the optimizer has a gate: `snr_mean`, `gate_mean` (the mean λ of the tanh gate) and
    `noise_std` of `phase_statistics`, which cost next to nothing. With "all" also `gradient_snr`,
    which knows of no optimizer: that of a batch's gradient over the disjoint batches that ``key``
    draws, the norm of the gradient's mean over the root of its variance, summed over all
    parameters, the mean freed of its own variance.

    Args:
        network: what is trained.
        state: the parameters and the optimizer's state.
        images: uint8 (N, 32, 32, C).
        labels: integers (N,).
        batch_size: of the run; at most N / 2.
        key: of the batches.
        what: "gate" or "all".
    """
    params, opt_state = state
    found = {}
    nodes = jax.tree.leaves(opt_state, is_leaf=lambda x: isinstance(x, SnrGateState))
    if any(isinstance(one, SnrGateState) for one in nodes):
        phases = phase_statistics(opt_state)
        names = ("snr_mean", "gate_mean", "noise_std")
        found |= {name: phases[name]["all"] for name in names}
    if what == "all":
        found["gradient_snr"] = _gradient_snr(network, params, images, labels, batch_size, key)
    return found


def _gradient_snr(
    network: Network, params: Params, images: Array, labels: Array, batch_size: int, key: Array
) -> Array:
    count = min(BATCHES, len(labels) // batch_size)
    if count < 2:
        raise ValueError(
            f"a batch of {batch_size} is more than half of the {len(labels)} training images: the "
            "gradient's noise needs two batches to be measured"
        )
    rows = jax.random.permutation(key, len(labels))[: count * batch_size]

    def add(sums: tuple[Params, Array], batch: Array) -> tuple[tuple[Params, Array], None]:
        _, gradient = batch_loss_and_gradient(network, params, images[batch], labels[batch])
        total, squares = sums
        return (jax.tree.map(jnp.add, total, gradient), squares + _square(gradient)), None

    start = jax.tree.map(jnp.zeros_like, params), jnp.zeros(())
    (total, squares), _ = jax.lax.scan(add, start, rows.reshape(count, batch_size))
    of_mean = _square(jax.tree.map(lambda x: x / count, total))
    noise = (squares - count * of_mean) / (count - 1)
    return jnp.sqrt(jnp.maximum(of_mean - noise / count, 0.0) / noise)


def _square(tree: Params) -> Array:
    return sum((jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(tree)), jnp.zeros(()))
