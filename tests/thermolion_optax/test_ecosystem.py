"""What optax's users expect of every alias: masks, schedules, extra arguments, state by name."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from aliases import GRADS, PARAMS, close, steps

from thermolion_optax import lookahead, muadam, scale_by_muadam, smes, swats, thermolion

DECAYING = {
    "thermolion": lambda **kw: thermolion(1e-2, **kw),
    "smes": lambda **kw: smes(1e-2, **kw),
    "muadam": lambda **kw: muadam(1e-2, **kw),
    "swats": lambda **kw: swats(1e-2, switch=2, **kw),
}
each = pytest.mark.parametrize("make", DECAYING.values(), ids=DECAYING)


def only_matrices(params):
    return jax.tree.map(lambda x: x.ndim > 1, params)


@each
def test_weight_decay_may_be_a_schedule(make):
    constant, _ = steps(make(weight_decay=lambda count: 0.1), PARAMS, 4)
    close(constant, steps(make(weight_decay=0.1), PARAMS, 4)[0])
    late = make(weight_decay=lambda count: jnp.where(count == 0, 0.0, 0.1))
    first, _ = steps(late, PARAMS, 1)
    close(first, steps(make(weight_decay=0.0), PARAMS, 1)[0])
    second, _ = steps(late, PARAMS, 2)
    assert not np.allclose(second["w"], steps(make(weight_decay=0.0), PARAMS, 2)[0]["w"], atol=1e-6)


@each
def test_weight_decay_is_decoupled_and_masked(make):
    """Over several steps, SWATS's switch among them."""
    plain, masked = make(weight_decay=0.0), make(weight_decay=0.5, mask=only_matrices)
    state, masked_state = plain.init(PARAMS), masked.init(PARAMS)
    for _ in range(4):
        want, state = plain.update(GRADS, state, PARAMS)
        found, masked_state = masked.update(GRADS, masked_state, PARAMS)
        np.testing.assert_allclose(found["b"], want["b"], rtol=1e-6)
        np.testing.assert_allclose(found["w"], want["w"] - 5e-3 * PARAMS["w"], 1e-5, 1e-8)


@each
def test_decay_without_params_is_refused_and_no_decay_needs_none(make):
    tx = make(weight_decay=0.1)
    with pytest.raises(ValueError, match="params is None"):
        tx.update(GRADS, tx.init(PARAMS))
    tx = make(weight_decay=0.0)
    tx.update(GRADS, tx.init(PARAMS))


@each
def test_mu_dtype_is_that_of_the_first_moment(make):
    tx = make(mu_dtype=jnp.bfloat16)
    state = tx.init(PARAMS)
    updates, state = tx.update(GRADS, state, PARAMS)
    mu, nu = optax.tree.get(state, "mu"), optax.tree.get(state, "nu")
    assert {x.dtype for x in jax.tree.leaves(mu)} == {jnp.dtype(jnp.bfloat16)}
    assert {x.dtype for x in jax.tree.leaves((nu, updates))} == {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize(
    "tx",
    [swats(1e-2), muadam(1e-2), scale_by_muadam(), lookahead(optax.sgd(1e-2))],
    ids=["swats", "muadam", "scale_by_muadam", "lookahead"],
)
def test_extra_arguments_are_taken(tx):
    want, _ = tx.update(GRADS, tx.init(PARAMS), PARAMS)
    found, _ = tx.update(GRADS, tx.init(PARAMS), PARAMS, value=1.0, grad=GRADS)
    close(found, want)


@each
@pytest.mark.parametrize("mask", [True, False, np.True_])
def test_a_bare_boolean_mask_is_refused(make, mask):
    with pytest.raises(TypeError, match=r"mask is a bool.*static_args"):
        make(mask=mask)


@pytest.mark.parametrize("factory", [thermolion, smes, muadam, swats])
def test_a_callable_mask_under_injection_names_static_args(factory):
    tx = optax.inject_hyperparams(factory)(learning_rate=1e-3, mask=only_matrices)
    with pytest.raises(TypeError, match=r"mask.*static_args"):
        tx.init(PARAMS)
    tx = optax.inject_hyperparams(factory, static_args="mask")(
        learning_rate=1e-3, weight_decay=0.1, mask=only_matrices
    )
    tx.update(GRADS, tx.init(PARAMS), PARAMS)


def test_state_by_name_is_a_knob_or_telemetry():
    plain = thermolion().init(PARAMS)
    for name in ("eps", "temperature", "variance_floor", "floor"):
        with pytest.raises(KeyError):
            optax.tree.set(plain, **{name: 0.5})
    tx = optax.inject_hyperparams(thermolion)(temperature=0.25, eps=1e-3, weight_decay=0.0)
    state = tx.init(PARAMS)
    assert float(optax.tree.get(state, "temperature")) == 0.25
    assert float(optax.tree.get(state, "eps")) == pytest.approx(1e-3)
    cold = optax.tree.set(state, temperature=jnp.float32(0.0))
    updates, cold = tx.update(GRADS, cold, PARAMS)
    want, _ = (off := thermolion(temperature=0.0, eps=1e-3, weight_decay=0.0)).update(
        GRADS, off.init(PARAMS), PARAMS
    )
    close(updates, want, rtol=1e-5)
    assert float(optax.tree.get(cold, "telemetry_temperature")) == 0.0
