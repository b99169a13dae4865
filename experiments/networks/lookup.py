"""A network by name, or a user's own by its import path.

    convnet                                 one of NAMES
    my_package.my_module:my_network         your own

Your own is a function of no arguments that returns the pair (init, logits) or an object with these
two attributes; or such a pair or object itself:

    def my_network():
        def init(key, channels, num_classes): ...     # -> a tree of float arrays
        def logits(params, images): ...               # (N, 32, 32, channels) -> (N, num_classes)
        return init, logits

An object may bring `loss_and_gradient(params, images, labels, weights)`, too, where it knows a
faster way than differentiating its logits. Importing this loads no JAX; resolving does.
"""

import importlib
import inspect
from collections.abc import Mapping

from experiments import user_code
from experiments.networks.network import (
    Init,
    Logits,
    LossAndGradient,
    Network,
    loss_and_gradient_of,
)

# Modules of `experiments.networks` with `init`, `logits` and, where they know a faster way,
# `loss_and_gradient`; and what each is, to be listed without importing it.
NOTES: Mapping[str, str] = {
    "convnet": "The benchmark's ConvNet in Flax NNX, initialised as PyTorch initialises it",
    "vit": "A small vision transformer in Flax NNX: 16 patches, width 128, two pre-norm blocks",
}
NAMES: tuple[str, ...] = tuple(NOTES)


def check_name(spec: str) -> None:
    """Refuses what is neither one of `NAMES` nor an import path; imports nothing.

    Raises:
        ValueError: it is neither; the message names the likely one.
    """
    if spec.strip() not in NAMES and ":" not in spec:
        raise ValueError(
            f"network {spec.strip()!r} is unknown; {user_code.nearest(spec.strip(), NAMES)}, "
            "or your own as package.module:function"
        )


def resolve(spec: str) -> Network:
    """The network of that name or import path.

    Args:
        spec: one of `NAMES`, or "package.module:function".

    Raises:
        ValueError: an unknown name, a module that cannot be imported, or an attribute that gives
            no `init` and `logits`.

    Example:
        >>> resolve("convnet").note
        "The benchmark's ConvNet in Flax NNX, initialised as PyTorch initialises it"
    """
    spec = spec.strip()
    owner = f"network {spec!r}"
    check_name(spec)
    if spec in NAMES:
        found, source = importlib.import_module(f"experiments.networks.{spec}"), None
        note = NOTES[spec]
    else:
        module_name, _, attribute = spec.partition(":")
        documented = user_code.load(module_name, attribute, owner, NAMES)
        found, source = _made(documented, owner), user_code.fingerprint(module_name)
        note = (inspect.getdoc(documented) or spec).splitlines()[0].rstrip(".")
    init, logits, differentiated = _parts(found, owner)
    return Network(
        name=spec,
        init=init,
        logits=logits,
        loss_and_gradient=differentiated or loss_and_gradient_of(logits),
        note=note,
        source=source,
    )


def _is_network(found: object) -> bool:
    pair = isinstance(found, tuple) and len(found) == 2
    return pair or (hasattr(found, "init") and hasattr(found, "logits"))


def _made(found: object, owner: str) -> object:
    """What a user's attribute is, or returns when it is called."""
    if _is_network(found) and not inspect.isclass(found):
        return found
    if not callable(found):
        raise ValueError(
            f"{owner} is {found!r}, expected a function of no arguments that returns "
            "(init, logits), or an object with these attributes"
        )
    with user_code.reported_as(f"{owner}, called without arguments,"):
        return found()


def _parts(found: object, owner: str) -> tuple[Init, Logits, LossAndGradient | None]:
    """Its init, logits and own loss_and_gradient or None, all of them callable."""
    if not _is_network(found):
        raise ValueError(
            f"{owner} returned {found!r}, expected (init, logits), or an object with these "
            "attributes"
        )
    if isinstance(found, tuple):
        parts = {"init": found[0], "logits": found[1]}
    else:
        names = ("init", "logits", "loss_and_gradient")
        parts = {name: getattr(found, name) for name in names if hasattr(found, name)}
    for name, part in parts.items():
        if not callable(part):
            raise ValueError(f"{owner}: {name} is {part!r}, expected a function")
    return parts["init"], parts["logits"], parts.get("loss_and_gradient")
