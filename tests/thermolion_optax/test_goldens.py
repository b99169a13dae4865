"""Numbers that must not move: fifty updates of each optimizer, as they came out when committed.

On the JAX that made them to 4 ulp. Another's compiler rounds in other places, each update's sum at
the size that the parameters have on the way: there, fifty half ulps of the largest are allowed.

To make them anew after a change that is meant: python tests/thermolion_optax/test_goldens.py
"""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from thermolion_optax import smes, thermolion

FILE = Path(__file__).with_suffix(".json")
SHAPES = {"kernel": (3, 3, 2, 4), "bias": (4,), "scale": ()}
OPTIMIZERS = {
    "thermolion": thermolion(1e-2),
    "thermolion without noise": thermolion(1e-2, temperature=0.0),
    "smes": smes(1e-2),
    "smes at a quarter": smes(1e-2, 0.25),
}


def after_fifty(tx):
    """The parameters after fifty updates by gradients of very different sizes."""
    random = np.random.default_rng(0)

    def draw(size=1.0):
        return {k: jnp.asarray(random.normal(size=s) * size, "float32") for k, s in SHAPES.items()}

    params = draw()
    state, update = tx.init(params), jax.jit(tx.update)
    for _ in range(50):
        updates, state = update(draw(10.0 ** random.integers(-4, 2)), state, params)
        params = optax.apply_updates(params, updates)
    return {name: np.asarray(leaf) for name, leaf in params.items()}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_updates_give_what_they_gave(name):
    goldens = json.loads(FILE.read_text())
    for leaf, found in after_fifty(OPTIMIZERS[name]).items():
        wanted = np.array([float.fromhex(x) for x in goldens[name][leaf]], np.float32)
        if jax.__version__ == goldens["jax"]:
            np.testing.assert_array_max_ulp(found.ravel(), wanted, maxulp=4)
        else:
            largest = max(1, np.abs(wanted).max())  # they start near 1
            np.testing.assert_allclose(
                found.ravel(), wanted, rtol=0, atol=25 * np.spacing(np.float32(largest))
            )


if __name__ == "__main__":
    made = {"jax": jax.__version__} | {
        name: {
            leaf: [float(x).hex() for x in array.ravel()] for leaf, array in after_fifty(tx).items()
        }
        for name, tx in OPTIMIZERS.items()
    }
    FILE.write_text(json.dumps(made, indent=0) + "\n")
