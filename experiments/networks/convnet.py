"""The benchmark's ConvNet in Flax NNX, initialised as PyTorch initialises it.

Source: the ThermoLion paper (arXiv 2512.01881), section 4, as its released benchmark runs it.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
from flax import nnx

from experiments.networks import convolution, network
from experiments.networks.network import Params

Array = jax.Array
Features = Callable[[convolution.Kernels, Array], Array]


class ConvNet(nnx.Module):
    """conv3×3→32, ReLU, pool 2, conv3×3→64, ReLU, pool 2, dense 256, ReLU, dense K.

    Args:
        channels: channels of the 32×32 images (1 for grey, 3 for RGB).
        num_classes: K, the number of logits.
        rngs: its stream `params` draws the initial weights.
    """

    def __init__(self, channels: int, num_classes: int, *, rngs: nnx.Rngs):
        zeros: Any = {
            "kernel_init": nnx.initializers.zeros,
            "bias_init": nnx.initializers.zeros,
            "rngs": rngs,
        }
        self.conv1 = nnx.Conv(channels, 32, (3, 3), **zeros)
        self.conv2 = nnx.Conv(32, 64, (3, 3), **zeros)
        self.dense1 = nnx.Linear(64 * 8 * 8, 256, **zeros)
        self.dense2 = nnx.Linear(256, num_classes, **zeros)
        nnx.update(self, _initial(nnx.to_pure_dict(nnx.state(self)), rngs.params()))

    def __call__(self, images: Array, features: Features = convolution.features) -> Array:
        """Logits (N, K) of float images (N, 32, 32, channels)."""
        first, second = (nnx.to_pure_dict(nnx.state(layer)) for layer in (self.conv1, self.conv2))
        kernels = convolution.Kernels(
            first["kernel"], first["bias"], second["kernel"], second["bias"]
        )
        x = features(kernels, images)
        x = jax.nn.relu(self.dense1(x.reshape(x.shape[0], -1)))
        return self.dense2(x)


def _initial(zeros: Params, key: Array) -> Params:
    """PyTorch's default: each weight *and* bias of a layer uniform in ±1/√fan_in.

    All leaves are cut from one draw: a generator each took seven more seconds to compile.
    """
    unit = jax.random.uniform(key, (sum(x.size for x in jax.tree.leaves(zeros)),), minval=-1)
    taken = 0
    params: Params = {}
    for layer, leaves in zeros.items():
        bound = 1 / math.sqrt(math.prod(leaves["kernel"].shape[:-1]))
        params[layer] = {}
        for name, leaf in leaves.items():
            params[layer][name] = bound * unit[taken : taken + leaf.size].reshape(leaf.shape)
            taken += leaf.size
    return params


def init(key: Array, channels: int, num_classes: int) -> Params:
    """Initial parameters as a plain tree: a dict of dicts of float32 arrays.

    Example:
        >>> params = init(jax.random.key(0), channels=3, num_classes=10)
        >>> sum(leaf.size for leaf in jax.tree.leaves(params))
        1070794
    """
    model = ConvNet(channels, num_classes, rngs=nnx.Rngs(params=key))
    return nnx.to_pure_dict(nnx.state(model, nnx.Param))


@functools.cache
def _structure(channels: int, num_classes: int) -> nnx.GraphDef:
    model = nnx.eval_shape(lambda: ConvNet(channels, num_classes, rngs=nnx.Rngs(0)))
    return nnx.graphdef(model)


def logits(params: Params, images: Array, features: Features = convolution.features) -> Array:
    """Logits (N, K) of float images (N, 32, 32, channels)."""
    channels = params["conv1"]["kernel"].shape[2]
    num_classes = params["dense2"]["bias"].shape[0]
    return nnx.merge(_structure(channels, num_classes), nnx.State(params))(images, features)


def loss_and_gradient(
    params: Params, images: Array, labels: Array, weights: Array | None = None
) -> tuple[Array, Params]:
    """As `network.loss_and_gradient_of` makes it, by the platform's fastest convolutions.

    The platform is chosen around the differentiation, not inside it: a derivative taken through
    the choice would have to keep what either platform's backward pass needs.
    """

    def differentiate(features: Features) -> network.LossAndGradient:
        return network.loss_and_gradient_of(functools.partial(logits, features=features))

    return jax.lax.platform_dependent(
        params,
        images,
        labels,
        weights,
        cpu=differentiate(convolution.matmul_features),
        default=differentiate(convolution.lax_features),
    )
