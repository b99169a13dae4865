"""What every baseline makes of unusual input: low precision, zeros, empty trees, nonsense."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from baselines import assert_finite, assert_trees_close, each, gradient, params_of, train
from params import slow

from thermolion_optax import averaged_params, lookahead, muadam, stochastic_weight_averaging, swats


@each
@pytest.mark.parametrize("param_dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("grad_dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("rate", [1e-3, jnp.float32(1e-3)], ids=["python", "array"])
def test_updates_have_the_dtype_of_adamw(make, param_dtype, grad_dtype, rate):
    params = params_of(param_dtype)
    grads = jax.tree.map(lambda p: jnp.full(p.shape, 1e-3, grad_dtype), params)

    def dtypes(tx):
        updates, _ = jax.eval_shape(tx.update, grads, tx.init(params), params)
        return jax.tree.map(lambda u: u.dtype, updates)

    assert dtypes(make(rate)) == dtypes(optax.adamw(rate))


@each
@pytest.mark.parametrize("dtype", ["float16", slow("bfloat16")])
def test_half_precision_follows_float32(make, dtype):
    # Gradients of 1e-4: their squares are below float16's smallest number.
    params = jax.tree.map(lambda p: p.astype(dtype), params_of())
    half, full = make(), make()
    half_state = half.init(params)
    wide = jax.tree.map(lambda p: p.astype(jnp.float32), params)
    full_state = full.init(wide)
    half_update, full_update = jax.jit(half.update), jax.jit(full.update)
    for step in range(5):
        grads = jax.tree.map(lambda p, s=step: jnp.full(p.shape, 1e-4 * (s + 1), dtype), params)
        updates, half_state = half_update(grads, half_state, params)
        wide_grads = jax.tree.map(lambda g: g.astype(jnp.float32), grads)
        wide_updates, full_state = full_update(wide_grads, full_state, wide)
        if step < 2:  # before lookahead's first return, which rounds to the half's own grid
            assert_trees_close(updates, wide_updates, rtol=0.02, atol=1e-6)
        params = optax.apply_updates(params, updates)
        wide = optax.apply_updates(wide, wide_updates)
    assert_finite(params)
    assert_trees_close(params, wide, rtol=0.02, atol=0.02)


@each
@pytest.mark.parametrize("dtype", ["float16", slow("float32")])
def test_zero_gradients_give_zero_steps(make, dtype):
    params = params_of(dtype)
    zeros = jax.tree.map(jnp.zeros_like, params)
    tx = optax.inject_hyperparams(make)(learning_rate=0.1)
    state, update = tx.init(params), jax.jit(tx.update)
    for _ in range(7):
        updates, state = update(zeros, state, params)
        assert all(bool(jnp.all(u == 0)) for u in jax.tree.leaves(updates))
    assert_finite(state)


@pytest.mark.parametrize("factory", [muadam, swats])
@pytest.mark.parametrize("eps", [0.0, jnp.float16(0.0)], ids=["python", "array"])
def test_eps_of_zero_never_divides_by_zero(factory, eps):
    params = {"a": jnp.zeros(2, jnp.float16)}
    tx = factory(0.1, eps=eps)
    state = tx.init(params)
    for grads in ({"a": jnp.zeros(2, jnp.float16)}, {"a": jnp.array([1.0, 0.0], jnp.float16)}) * 3:
        updates, state = tx.update(grads, state, params)
        assert_finite(updates)
        assert updates["a"][1] == 0


@each
def test_empty_trees_pass(make):
    tx = make()
    for tree in ({}, (), {"frozen": None}):
        updates, _ = tx.update(tree, tx.init(tree), tree)
        assert jax.tree.leaves(updates) == []


@each
def test_unsuitable_leaves_are_named(make):
    tx = make()
    with pytest.raises(TypeError, match=r"\['w'\].*complex"):
        tx.init({"w": jnp.ones(2, jnp.complex64)})
    good = {"w": jnp.ones(2)}
    with pytest.raises(TypeError, match=r"updates\['w'\].*complex"):
        tx.update({"w": jnp.ones(2, jnp.complex64)}, tx.init(good), good)
    with pytest.raises(TypeError, match=r"\['n'\].*int32"):
        tx.init({"n": jnp.arange(3)})


@each
def test_state_is_found_by_tree_map_params(make):
    tx, params = make(), params_of()
    state = tx.init(params)
    doubled = optax.tree.map_params(tx, lambda leaf: leaf * 2, state)
    assert jax.tree.structure(doubled) == jax.tree.structure(state)


@each
def test_params_and_state_may_both_be_donated(make):
    tx, params = make(), params_of()
    state = tx.init(params)

    def step(params, state):
        updates, state = tx.update(gradient(params, 0), state, params)
        return optax.apply_updates(params, updates), state

    # What a step leaves as it is would be deleted with the donated state.
    expected = jax.tree.map(np.array, step(params, state))
    donated = jax.jit(step, donate_argnums=(0, 1))(params, state)
    assert_trees_close(donated, expected, rtol=1e-5, atol=1e-6)


BAD = [
    (muadam, (-1.0,), {}, "learning_rate"),
    (muadam, (float("nan"),), {}, "learning_rate"),
    (muadam, (0.1,), {"b1": 1.0}, "b1"),
    (muadam, (0.1,), {"b2": -0.1}, "b2"),
    (muadam, (0.1,), {"eps": -1e-8}, "eps"),
    (swats, (float("inf"),), {}, "learning_rate"),
    (swats, (0.1,), {"b1": 1.5}, "b1"),
    (swats, (0.1,), {"b2": 1.0}, "b2"),
    (swats, (0.1,), {"eps": -1.0}, "eps"),
    (swats, (0.1,), {"tolerance": -1.0}, "tolerance"),
    (swats, (0.1,), {"switch": 0}, "switch"),
    (swats, (0.1,), {"switch": 2.5}, "switch"),
    (swats, (0.1,), {"switch": "loss"}, "switch"),
    (lookahead, (optax.sgd(0.1),), {"sync_period": 0}, "sync_period"),
    (lookahead, (optax.sgd(0.1),), {"sync_period": 2.0}, "sync_period"),
    (lookahead, (optax.sgd(0.1),), {"slow_step_size": 1.1}, "slow_step_size"),
    (stochastic_weight_averaging, (optax.sgd(0.1), 0), {}, "start_step"),
    (stochastic_weight_averaging, (optax.sgd(0.1), 1, 0), {}, "period"),
]


@pytest.mark.parametrize(("factory", "args", "kwargs", "name"), BAD)
def test_nonsense_is_refused_by_the_callers_name(factory, args, kwargs, name):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        factory(*args, **kwargs)


@pytest.mark.parametrize("factory", [lookahead, lambda x: stochastic_weight_averaging(x, 1)])
@pytest.mark.parametrize("inner", [None, 0.1, optax.sgd])
def test_an_inner_that_is_no_optimizer_is_refused(factory, inner):
    with pytest.raises(TypeError, match="inner"):
        factory(inner)


@pytest.mark.parametrize(
    "tx", [lookahead(optax.sgd(0.1)), stochastic_weight_averaging(optax.sgd(0.1), 1)]
)
def test_missing_params_are_named(tx):
    with pytest.raises(ValueError, match=r"update\(grads, state, params\)"):
        tx.update(jnp.ones(2), tx.init(jnp.ones(2)))


BASELINES = {
    "lookahead": lookahead(optax.sgd(0.1)),
    "stochastic_weight_averaging": stochastic_weight_averaging(optax.sgd(0.1), 1),
    "muadam": muadam(0.1),
    "swats": swats(0.1),
}


@pytest.mark.parametrize("name", BASELINES)
def test_gradients_of_other_parameters_are_refused_by_name(name):
    tx, params = BASELINES[name], {"w": jnp.ones(2), "b": jnp.ones(1)}
    state = tx.init(params)
    with pytest.raises(ValueError, match=rf"{name}: updates\['w'\] has shape \(3,\)"):
        tx.update({"w": jnp.ones(3), "b": jnp.ones(1)}, state, params)
    with pytest.raises(ValueError, match=rf"{name}: .* does not have the structure"):
        tx.update({"w": jnp.ones(2)}, state, params)


def test_extra_arguments_reach_the_inner_optimizer():
    params = jnp.array([1.0, 2.0])
    for wrap in (lookahead, lambda tx: stochastic_weight_averaging(tx, 1)):
        tx = wrap(optax.polyak_sgd())
        updates, _ = tx.update(2 * params, tx.init(params), params, value=jnp.sum(params**2))
        assert bool(jnp.all(updates != 0))


def test_averages_of_a_lookahead_inside_are_found():
    tx = stochastic_weight_averaging(lookahead(muadam(0.01), 2), 1)
    params, state = train(tx, params_of(), 4)
    assert_finite(averaged_params(state, params))
