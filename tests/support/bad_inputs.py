"""Values that nobody should pass, and every public function that builds a transformation."""

import decimal
import fractions
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax

import thermolion_optax

VALUES = {
    "None": None,
    "text": "fast",
    "no text": "",
    "bytes": b"fast",
    "[]": [],
    "[0.5]": [0.5],
    "()": (),
    "{}": {},
    "dict": {"w": 0.5},
    "dict of text": {"w": "yes"},
    "dict of booleans": {"w": True},
    "set": {0.5},
    "frozenset": frozenset([True]),
    "range": range(3),
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "-1": -1,
    "-0.5": -0.5,
    "0": 0,
    "1": 1,
    "2": 2,
    "2.5": 2.5,
    "10**400": 10**400,
    "-10**5000": -(10**5000),
    "10**10": 10**10,
    "1e39": 1e39,
    "1j": 1j,
    "True": True,
    "False": False,
    "object": object(),
    "ellipsis": ...,
    "Fraction": fractions.Fraction(-1, 2),
    "Decimal": decimal.Decimal("NaN"),
    "returns None": lambda *_: None,
    "returns text": lambda *_: "fast",
    "returns a set": lambda *_: {0.5},
    "returns 1j": lambda *_: 1j,
    "returns shape (5,)": lambda *_: jnp.ones(5),
    "an optimizer's factory": optax.sgd,
    "an optimizer": optax.sgd(0.1),
    "a dtype": jnp.float32,
    "np text": np.array("fast"),
    "np shape (2,)": np.full(2, 0.5),
    "np nan": np.float32("nan"),
    "np -1.0": np.float64(-1),
    "np -1": np.int64(-1),
    "np 2**40": np.int64(2**40),
    "np bool": np.True_,
    "np complex": np.complex64(0.5),
    "np date": np.datetime64("2024-01-01"),
    "np object": np.array(None),
    "jnp nan": jnp.array(jnp.nan),
    "jnp inf": jnp.array(jnp.inf),
    "jnp -1.0": jnp.array(-1.0),
    "jnp -1": jnp.array(-1),
    "jnp 2.5": jnp.array(2.5),
    "jnp bool": jnp.array(True),
    "jnp complex": jnp.array(0.5 + 0j),
    "jnp shape (2,)": jnp.full(2, 0.5),
    "jnp shape (0,)": jnp.zeros(0),
    "jnp bfloat16 nan": jnp.array(jnp.nan, jnp.bfloat16),
    "jnp float8": jnp.array(0.5, jnp.float8_e4m3fn),
    "two typed keys": jax.random.split(jax.random.key(0)),
    "ShapeDtypeStruct": jax.ShapeDtypeStruct((), jnp.float32),
}

# What a factory needs besides the argument in question.
NEEDED = {
    "lookahead": {"inner": optax.sgd(0.1)},
    "stochastic_weight_averaging": {"inner": optax.sgd(0.1), "start_step": 1},
    "graft": {"direction": optax.scale_by_sign(), "magnitude": optax.identity()},
    "smes": {"learning_rate": 0.1},
}
READERS = ("apply_updates_stochastic", "averaged_params", "gradient_distortion", "phase_statistics")


def public_functions():
    names = [n for n in thermolion_optax.__all__ if n[0].islower()]
    return {n: getattr(thermolion_optax, n) for n in names}


def factories():
    return {n: f for n, f in public_functions().items() if n not in READERS}


def build(name, **given):
    return factories()[name](**(NEEDED.get(name, {}) | given))


def arguments():
    """(factory, argument) for every argument of every public transformation."""
    return [(n, a) for n, f in factories().items() for a in inspect.signature(f).parameters]


def live(tx, params):
    """Traces the transformation's whole life on ``params``: init, and two updates."""

    def life(params):
        state = tx.init(params)
        for _ in range(2):
            updates, state = tx.update(params, state, params, grad=params)
        return updates, state

    return jax.eval_shape(life, params)
