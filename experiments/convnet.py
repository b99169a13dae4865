"""The benchmark's ConvNet in Flax NNX, initialised as PyTorch initialises it."""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import optax
from flax import nnx

from experiments import convolution

Array = jax.Array
Params = dict[str, Any]
Features = Callable[[convolution.Kernels, Array], Array]


def _uniform(fan_in: int) -> Callable[..., Array]:
    """PyTorch's default for weights *and* biases: uniform in ±1/√fan_in."""
    bound = 1 / math.sqrt(fan_in)

    def initialise(key: Array, shape: tuple[int, ...], dtype: Any, *_: Any) -> Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return initialise


def _conv(channels: int, features: int, rngs: nnx.Rngs) -> nnx.Conv:
    init = _uniform(9 * channels)
    return nnx.Conv(channels, features, (3, 3), kernel_init=init, bias_init=init, rngs=rngs)


def _dense(inputs: int, features: int, rngs: nnx.Rngs) -> nnx.Linear:
    init = _uniform(inputs)
    return nnx.Linear(inputs, features, kernel_init=init, bias_init=init, rngs=rngs)


class ConvNet(nnx.Module):
    """conv3×3→32, ReLU, pool 2, conv3×3→64, ReLU, pool 2, dense 256, ReLU, dense K.

    Args:
        channels: channels of the 32×32 images (1 for grey, 3 for RGB).
        num_classes: K, the number of logits.
        rngs: the random streams that draw the initial weights.
    """

    def __init__(self, channels: int, num_classes: int, *, rngs: nnx.Rngs):
        self.conv1 = _conv(channels, 32, rngs)
        self.conv2 = _conv(32, 64, rngs)
        self.dense1 = _dense(64 * 8 * 8, 256, rngs)
        self.dense2 = _dense(256, num_classes, rngs)

    def __call__(self, images: Array, features: Features = convolution.features) -> Array:
        """Logits (N, K) of float images (N, 32, 32, channels)."""
        kernels = convolution.Kernels(
            self.conv1.kernel[...],
            self.conv1.bias[...],
            self.conv2.kernel[...],
            self.conv2.bias[...],
        )
        x = features(kernels, images)
        x = jax.nn.relu(self.dense1(x.reshape(x.shape[0], -1)))
        return self.dense2(x)


def init_params(key: Array, channels: int, num_classes: int) -> Params:
    """Initial parameters as a plain tree: a dict of dicts of float32 arrays."""
    model = ConvNet(channels, num_classes, rngs=nnx.Rngs(params=key))
    return nnx.to_pure_dict(nnx.state(model, nnx.Param))


@functools.cache
def _structure(channels: int, num_classes: int) -> nnx.GraphDef:
    model = nnx.eval_shape(lambda: ConvNet(channels, num_classes, rngs=nnx.Rngs(0)))
    return nnx.graphdef(model)


def apply(params: Params, images: Array, features: Features = convolution.features) -> Array:
    """Logits (N, K) of float images (N, 32, 32, channels)."""
    channels = params["conv1"]["kernel"].shape[2]
    num_classes = params["dense2"]["bias"].shape[0]
    return nnx.merge(_structure(channels, num_classes), nnx.State(params))(images, features)


def loss(
    params: Params, images: Array, labels: Array, features: Features = convolution.features
) -> Array:
    """Mean cross-entropy of a batch: float images (N, 32, 32, channels), integer labels (N,)."""
    logits = apply(params, images, features)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def loss_and_gradient(params: Params, images: Array, labels: Array) -> tuple[Array, Params]:
    """`loss` and its gradient by the parameters.

    The platform is chosen around the differentiation, not inside it: a derivative taken through
    the choice would have to keep what either platform's way back needs.
    """

    def with_(features: Features) -> Callable[..., tuple[Array, Params]]:
        return jax.value_and_grad(functools.partial(loss, features=features))

    return jax.lax.platform_dependent(
        params,
        images,
        labels,
        cpu=with_(convolution.matmul_features),
        default=with_(convolution.lax_features),
    )
