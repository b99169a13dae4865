"""What a network is to the trainers: a value of pure functions. Importing it loads no JAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from experiments.user_code import reported_as

if TYPE_CHECKING:
    import jax

Params = Any
"""A tree of float arrays, in whatever containers a network uses."""

Init = Callable[["jax.Array", int, int], Params]
Logits = Callable[[Params, "jax.Array"], "jax.Array"]
LossAndGradient = Callable[
    [Params, "jax.Array", "jax.Array", "jax.Array | None"], tuple["jax.Array", Params]
]


@dataclass(frozen=True)
class Network:
    """A network that can be trained.

    Attributes:
        name: as the caller wrote it: "convnet", "vit" or "package.module:function".
        init: `init(key, channels, num_classes)` makes the parameters, a tree of float arrays.
        logits: `logits(params, images)` of float32 images (N, 32, 32, channels) in -1 … 1: (N, K).
        loss_and_gradient: `loss_and_gradient(params, images, labels, weights)` is the batch's mean
            cross-entropy and its gradient; see `loss_and_gradient_of`, which makes one from logits.
        note: one line on what it is.
        source: of one that is imported, the first 16 hex digits of its file's sha256.
    """

    name: str
    init: Init = field(repr=False)
    logits: Logits = field(repr=False)
    loss_and_gradient: LossAndGradient = field(repr=False)
    note: str
    source: str | None = None

    def check(self, channels: int, num_classes: int) -> None:
        """Refuses a network that cannot be trained on such images, without computing anything.

        Args:
            channels: of the 32×32 images.
            num_classes: K, the logits wanted of each.

        Raises:
            ValueError: parameters that are not float arrays, logits that are not float (N, K), or
                an error of the network's own; the message names it.

        Example:
            >>> from experiments import networks
            >>> networks.resolve("vit").check(channels=3, num_classes=10)
        """
        import jax
        import jax.numpy as jnp

        owner, images = f"network {self.name!r}", (2, 32, 32, channels)

        def shapes(function: Callable[..., object], *arguments: object):
            with reported_as(f"{owner}, given images {images} of {num_classes} classes,"):
                return jax.eval_shape(function, *arguments)

        params = shapes(lambda: self.init(jax.random.key(0), channels, num_classes))
        kinds = [
            (f"params{jax.tree_util.keystr(path)} is", leaf.dtype)
            for path, leaf in jax.tree_util.tree_leaves_with_path(params)
        ]
        if not kinds:
            raise ValueError(
                f"{owner}: params hold no array, expected a tree of float arrays of init"
            )
        for place, kind in kinds:
            if not jnp.issubdtype(kind, jnp.floating):
                raise ValueError(
                    f"{owner}: {place} {kind}, expected a tree of float arrays of init"
                )
        found = shapes(self.logits, params, jax.ShapeDtypeStruct(images, jnp.float32))
        shape, kind = getattr(found, "shape", type(found).__name__), getattr(found, "dtype", "a")
        if shape != (2, num_classes) or not jnp.issubdtype(kind, jnp.floating):
            raise ValueError(
                f"{owner}: logits of images {images} is {kind} {shape}, "
                f"expected float32 (2, {num_classes}): a row an image, a logit a class"
            )


def loss_and_gradient_of(logits: Logits) -> LossAndGradient:
    """The mean cross-entropy of a batch and its gradient, from a network's logits.

        L = Σᵢ wᵢ·(log Σₖ exp zᵢₖ - zᵢ[yᵢ]),   wᵢ = 1/N without weights

    Args:
        logits: `logits(params, images)`, (N, K).

    Returns:
        `f(params, images, labels, weights=None)`: float images (N, 32, 32, channels), integer
        labels (N,), and weights (N,), the images' shares in the mean: those of a part of a batch,
        whose other parts are elsewhere, sum to less than 1.

    Example:
        >>> import jax.numpy as jnp
        >>> f = loss_and_gradient_of(lambda params, images: images[:, 0, 0] * params)
        >>> loss, gradient = f(jnp.ones(()), jnp.zeros((4, 32, 32, 2)), jnp.array([0, 1, 0, 1]))
        >>> float(loss), float(gradient)
        (0.6931471824645996, 0.0)
    """
    import jax
    import jax.numpy as jnp
    import optax

    def loss(
        params: Params, images: jax.Array, labels: jax.Array, weights: jax.Array | None = None
    ) -> jax.Array:
        each = optax.softmax_cross_entropy_with_integer_labels(logits(params, images), labels)
        return each.mean() if weights is None else jnp.sum(weights * each)

    return jax.value_and_grad(loss)
