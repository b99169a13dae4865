"""The compiled update in a training step: what it stores beside its arguments."""

import jax
import jax.numpy as jnp
import optax
import pytest

from thermolion_optax import alignment_boost, scale_by_snr_gate, smes, thermal_noise, thermolion

LARGE = {name: jnp.ones((300, 301)) for name in "abc"}
HALF = {name: x.astype(jnp.bfloat16) for name, x in LARGE.items()}
COMPOSED = optax.chain(
    scale_by_snr_gate(gas=optax.chain(alignment_boost(), thermal_noise()), solid=optax.scale(2.0)),
    optax.add_decayed_weights(0.01),
    optax.scale_by_learning_rate(1e-3),
)


@pytest.mark.parametrize(
    ("tx", "params"),
    {
        "noise on": (thermolion(), LARGE),
        "noise off": (thermolion(temperature=0.0), LARGE),
        "composed": (COMPOSED, LARGE),
        "smes, alpha 1/2": (smes(1e-3), LARGE),
        "smes, alpha 1/4": (smes(1e-3, 0.25), LARGE),
        "smes, amsgrad": (smes(1e-3, 0.25, amsgrad=True), LARGE),
        "bfloat16, moments in float32": (thermolion(mu_dtype=jnp.float32), HALF),
    }.values(),
)
def test_nothing_of_a_parameters_size_is_stored_for_the_time_of_an_update(tx, params):
    def step(params, state, grads):
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    lowered = jax.jit(step, donate_argnums=(0, 1)).lower(params, tx.init(params), params)
    used = lowered.compile().memory_analysis().temp_size_in_bytes
    assert used < 10_000 < params["a"].nbytes
