"""Trees, states and extra arguments that fit no update, for every public function."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from bad_inputs import build, factories

W = jnp.ones(2)
GOOD = {"w": W, "b": jnp.ones(3)}
# What stands in place of a good leaf, and of a good tree.
LEAVES = {
    "None": None,
    "MaskedNode": optax.MaskedNode(),
    "text": "fast",
    "Python int": 1,
    "Python bool": True,
    "complex number": 1j,
    "10**400": 10**400,
    "int32": jnp.ones(2, jnp.int32),
    "bool": jnp.ones(2, bool),
    "complex64": jnp.ones(2, jnp.complex64),
    "float8": jnp.ones(2, jnp.float8_e4m3fn),
    "typed keys": jax.random.split(jax.random.key(0)),
    "shape (3,)": jnp.ones(3),
    "shape ()": jnp.ones(()),
    "shape (2, 1)": jnp.ones((2, 1)),
    "shape (0,)": jnp.ones(0),
    "Python float": 1.0,
    "np text": np.array(["a", "b"]),
    "np object": np.array([None, W], dtype=object),
    "set": {1.0, 2.0},
    "function": jnp.tanh,
    "dict": {"x": W},
    "list": [W],
    "ShapeDtypeStruct": jax.ShapeDtypeStruct((2,), jnp.float32),
}
TREES = {
    "None": None,
    "text": "fast",
    "number": 1.0,
    "array": W,
    "{}": {},
    "list": list(GOOD.values()),
    "tuple": tuple(GOOD.values()),
    "a leaf less": {"w": W},
    "a leaf more": GOOD | {"extra": W},
    "another name": {"w": W, "bias": jnp.ones(3)},
    "unsortable names": {"w": W, 1: W},
    "set": {1.0},
    "function": jnp.tanh,
    "an optimizer": optax.sgd(0.1),
    "leaf of another leaf's shape": {"w": jnp.ones(3), "b": W},
} | {f"leaf {name}": GOOD | {"w": leaf} for name, leaf in LEAVES.items()}


def transformation(name):
    extra = {"weight_decay": 0.1} if name in ("smes", "muadam", "swats") else {}
    return build(name, **extra)


def states():
    """Of every transformation and of optax's, and what is no state."""
    own = {name: transformation(name).init(GOOD) for name in factories()}
    optaxs = {
        "adam": optax.adam(0.1).init(GOOD),
        "scale_by_adam": optax.scale_by_adam().init(GOOD),
        "chain of 3": optax.chain(*[optax.identity()] * 3).init(GOOD),
        "chain of 2": optax.chain(*[optax.identity()] * 2).init(GOOD),
        "masked": optax.masked(optax.adam(0.1), {"w": True, "b": False}).init(GOOD),
    }
    nothing = {"None": None, "()": (), "{}": {}, "text": "fast", "number": 1.0, "params": GOOD}
    other = {
        f"{name} of other parameters": transformation(name).init({"x": W}) for name in factories()
    }
    return own | optaxs | nothing | other
