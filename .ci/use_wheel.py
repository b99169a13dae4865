"""Uses the installed wheel as a stranger would: no extras, no checkout on the path."""

from pathlib import Path

import jax
import jax.numpy as jnp
import optax

import thermolion_optax
from thermolion_optax import phase_statistics, smes, thermolion

installed = Path(thermolion_optax.__file__)
assert "site-packages" in installed.parts, f"not the wheel, but {installed}"
assert (installed.parent / "py.typed").exists(), "py.typed is missing from the wheel"
try:
    import experiments
except ImportError:
    experiments = None
assert experiments is None, "the wheel carries the experiments package"


def loss(w):
    return jnp.sum((w - 3.0) ** 2)


for tx in (thermolion(0.05), smes(0.1, alpha=0.25)):
    w = jnp.zeros(4)
    state = tx.init(w)

    @jax.jit
    def step(w, state, tx=tx):
        updates, state = tx.update(jax.grad(loss)(w), state, w)
        return optax.apply_updates(w, updates), state

    for _ in range(200):
        w, state = step(w, state)
    assert loss(w) < 0.05, f"loss {loss(w)} after 200 steps"

tx = thermolion()
_, state = tx.update(jnp.ones(4), tx.init(jnp.ones(4)), jnp.ones(4))
assert 0.99 < float(phase_statistics(state)["snr_mean"]["all"]) < 1.01
print(f"wheel {thermolion_optax.__name__} works: jax {jax.__version__}, optax {optax.__version__}")
