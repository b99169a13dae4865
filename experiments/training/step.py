"""What every trainer shares: the keys of a run, the order of an epoch, and one step."""

from typing import NamedTuple

import jax
import optax
from jax.typing import ArrayLike

from experiments.networks import Network
from experiments.networks.network import Params
from experiments.optimizers.types import Pair
from experiments.optimizers.user_optimizer import check_built
from experiments.training.evaluation import normalise

Array = jax.Array
State = tuple[Params, optax.OptState]


class Keys(NamedTuple):
    """One key a use, so that optimizers compared at one seed meet the same weights and batches.

    Attributes:
        init: of the initial weights.
        order: of the order of the images, see `epoch_keys`.
        noise: of the optimizer.
        probe: of the batches that the gradient's noise is measured on.
    """

    init: Array
    order: Array
    noise: Array
    probe: Array


def keys(seed: ArrayLike) -> Keys:
    """The keys of a run.

    Args:
        seed: unsigned integer scalar; may be traced.
    """
    root = jax.random.key(seed)
    return Keys(*(jax.random.fold_in(root, use) for use in range(4)))


def epoch_keys(order: Array, epochs: int) -> Array:
    """A key for each epoch's order, (epochs,), from `Keys.order`."""
    return jax.random.split(order, epochs)


def epoch_order(key: Array, images: int) -> Array:
    """The order in which an epoch takes the images, (images,): batches are cut from it in turn."""
    return jax.random.permutation(key, images)


def both(built: object) -> Pair:
    """The optimizer and its `eval_params`, from whichever of the two forms `build` returned."""
    found = check_built(built, "build")
    # Asked first, for it is itself a tuple of two.
    if isinstance(found, optax.GradientTransformation):
        return found, lambda opt_state, params: params
    return found


def step(
    network: Network,
    tx: optax.GradientTransformation,
    state: State,
    images: Array,
    labels: Array,
    weights: Array | None = None,
    axis: str | None = None,
) -> tuple[State, Array, Params]:
    """The state after a batch, the batch's loss, and its gradient.

    Args:
        network: what is trained.
        tx: the optimizer.
        state: the parameters, and the optimizer's state.
        images: uint8 (N, 32, 32, channels).
        labels: integers (N,).
        weights: (N,), what each image counts in the batch's mean; None is 1/N.
        axis: inside `jax.shard_map`, the mesh axis whose devices have a part of the batch each,
            and all the same parameters. The optimizer gets it as extra argument `axis`, so that
            one whose update is dear, such as Muon, can share it.
    """
    params, opt_state = state
    loss, grads = batch_loss_and_gradient(network, params, images, labels, weights, axis)
    tx = optax.with_extra_args_support(tx)
    updates, opt_state = tx.update(grads, opt_state, params, axis=axis)
    return (optax.apply_updates(params, updates), opt_state), loss, grads


def batch_loss_and_gradient(
    network: Network,
    params: Params,
    images: Array,
    labels: Array,
    weights: Array | None = None,
    axis: str | None = None,
) -> tuple[Array, Params]:
    """The loss of a batch of uint8 images, and its gradient; arguments as of `step`."""
    found = network.loss_and_gradient(params, normalise(images), labels, weights)
    return found if axis is None else jax.lax.psum(found, axis)
