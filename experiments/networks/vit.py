"""A small vision transformer in Flax NNX: 16 patches, width 128, two pre-norm blocks.

A second kind of network, of about the ConvNet's cost a step, to learn whether an answer found on
the one holds on the other. Matrix products alone, so that XLA runs it fast in a loop on CPUs, too.

Source: Dosovitskiy et al. 2020 (arXiv 2010.11929), with the mean of the patches in place of a class
token, as Zhai et al. 2021 (arXiv 2106.04560) and Beyer et al. 2022 (arXiv 2205.01580) have it.
"""

import functools

import jax
import jax.numpy as jnp
from flax import nnx

from experiments.networks import network
from experiments.networks.network import Params

Array = jax.Array

PATCH, WIDTH, HEADS, HIDDEN = 8, 128, 4, 512
TOKENS = (32 // PATCH) ** 2

# Images that go forward and back together on a CPU: few enough for its cache.
CHUNK = 64


class Block(nnx.Module):
    """x + attention(norm(x)), then x + MLP(norm(x))."""

    def __init__(self, *, rngs: nnx.Rngs):
        self.norm1 = nnx.LayerNorm(WIDTH, rngs=rngs)
        self.qkv = nnx.Linear(WIDTH, 3 * WIDTH, rngs=rngs)
        self.out = nnx.Linear(WIDTH, WIDTH, rngs=rngs)
        self.norm2 = nnx.LayerNorm(WIDTH, rngs=rngs)
        self.mlp1 = nnx.Linear(WIDTH, HIDDEN, rngs=rngs)
        self.mlp2 = nnx.Linear(HIDDEN, WIDTH, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        """Tokens (n·TOKENS, WIDTH), those of an image one after another, to the same."""
        x = x + self.out(_attention(self.qkv(self.norm1(x))))
        return x + self.mlp2(jax.nn.gelu(self.mlp1(self.norm2(x))))


class VisionTransformer(nnx.Module):
    """Patches → linear embedding + learned positions → two blocks → norm → mean → logits.

    Kernels are drawn by LeCun's rule (normal, cut at two deviations, variance 1/fan-in), positions
    from a normal law cut likewise of deviation 0.02; biases are 0.

    Args:
        channels: channels of the 32×32 images.
        num_classes: K, the number of logits.
        rngs: its stream `params` draws the initial weights.
    """

    def __init__(self, channels: int, num_classes: int, *, rngs: nnx.Rngs):
        positions = nnx.initializers.truncated_normal(0.02)
        self.embed = nnx.Linear(PATCH * PATCH * channels, WIDTH, rngs=rngs)
        self.positions = nnx.Param(positions(rngs.params(), (TOKENS, WIDTH)))
        self.block1 = Block(rngs=rngs)
        self.block2 = Block(rngs=rngs)
        self.norm = nnx.LayerNorm(WIDTH, rngs=rngs)
        self.head = nnx.Linear(WIDTH, num_classes, rngs=rngs)

    def __call__(self, images: Array) -> Array:
        """Logits (N, K) of float images (N, 32, 32, channels)."""
        n = images.shape[0]
        x = self.embed(_patches(images)).reshape(n, TOKENS, WIDTH) + self.positions[...]
        x = self.block2(self.block1(x.reshape(n * TOKENS, WIDTH)))
        return self.head(self.norm(x).reshape(n, TOKENS, WIDTH).mean(1))


def _patches(images: Array) -> Array:
    """Each patch as a row: (n·TOKENS, PATCH·PATCH·channels)."""
    n, height, width, channels = images.shape
    x = images.reshape(n, height // PATCH, PATCH, width // PATCH, PATCH, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n * TOKENS, PATCH * PATCH * channels)


def _attention(qkv: Array) -> Array:
    """softmax(q·kᵀ/√d)·v within each image and head, d = WIDTH/HEADS."""
    q, k, v = (x.reshape(-1, TOKENS, HEADS, WIDTH // HEADS) for x in jnp.split(qkv, 3, axis=-1))
    scores = jnp.einsum("nihd,njhd->nhij", q, k) / (WIDTH // HEADS) ** 0.5
    return jnp.einsum("nhij,njhd->nihd", jax.nn.softmax(scores), v).reshape(-1, WIDTH)


def init(key: Array, channels: int, num_classes: int) -> Params:
    """Initial parameters as a plain tree: dicts of float32 arrays.

    Example:
        >>> params = init(jax.random.key(0), channels=3, num_classes=10)
        >>> sum(leaf.size for leaf in jax.tree.leaves(params))
        424842
    """
    model = VisionTransformer(channels, num_classes, rngs=nnx.Rngs(params=key))
    return nnx.to_pure_dict(nnx.state(model, nnx.Param))


@functools.cache
def _structure(channels: int, num_classes: int) -> nnx.GraphDef:
    model = nnx.eval_shape(lambda: VisionTransformer(channels, num_classes, rngs=nnx.Rngs(0)))
    return nnx.graphdef(model)


def logits(params: Params, images: Array) -> Array:
    """Logits (N, K) of float images (N, 32, 32, channels)."""
    structure = _structure(images.shape[-1], params["head"]["bias"].shape[0])
    return nnx.merge(structure, nnx.State(params))(images)


_whole = network.loss_and_gradient_of(logits)


def loss_and_gradient(
    params: Params, images: Array, labels: Array, weights: Array | None = None
) -> tuple[Array, Params]:
    """As `network.loss_and_gradient_of` makes it; on a CPU in chunks that fit its cache."""
    n = images.shape[0]
    if weights is None:
        weights = jnp.full(n, 1 / n, jnp.float32)
    chunked = _chunked if n > CHUNK else _whole
    return jax.lax.platform_dependent(params, images, labels, weights, cpu=chunked, default=_whole)


def _chunked(params: Params, images: Array, labels: Array, weights: Array) -> tuple[Array, Params]:
    n = images.shape[0]
    chunks = -(-n // CHUNK)
    size = -(-n // chunks)  # the chunks as even as can be; what fills the last one weighs nothing

    def chunk(x: Array) -> Array:
        x = jnp.pad(x, ((0, chunks * size - n), *((0, 0),) * (x.ndim - 1)))
        return x.reshape(chunks, size, *x.shape[1:])

    def add(
        total: tuple[Array, Params], part: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, Params], None]:
        return jax.tree.map(jnp.add, total, _whole(params, *part)), None

    nothing = (jnp.zeros(()), jax.tree.map(jnp.zeros_like, params))
    return jax.lax.scan(add, nothing, (chunk(images), chunk(labels), chunk(weights)))[0]
