"""What every baseline must do in any optax pipeline; their equations are tested one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from baselines import assert_trees_close, each, gradient, params_of, train
from jax.sharding import PartitionSpec as P

from thermolion_optax import lookahead, muadam, stochastic_weight_averaging, swats


@each
def test_scan_under_jit_is_the_plain_loop(make):
    tx, params = make(), params_of()
    expected = train(tx, params, 5)
    state = tx.init(params)
    for step in range(5):
        updates, state = tx.update(gradient(params, step), state, params)
        params = optax.apply_updates(params, updates)
    assert_trees_close((params, state), expected, rtol=1e-5, atol=1e-6)


@each
def test_vmap_over_the_learning_rate_is_one_run_each(make):
    params, rates = params_of(), jnp.array([0.0, 1e-3, 0.1])

    def end(rate):
        return train(make(rate), params)[0]

    together, alone = jax.vmap(end)(rates), jax.jit(end)
    for i, rate in enumerate(rates):
        mine = jax.tree.map(lambda x, i=i: x[i], together)
        assert_trees_close(mine, alone(rate), rtol=1e-5, atol=1e-6)


@each
def test_sharded_runs_of_their_own_are_the_plain_runs(make):
    """jax.shard_map checks which values vary between devices, the optimizer's state too."""
    mesh, spec = jax.sharding.Mesh(np.array(jax.devices()[:2]), ("runs",)), P("runs")
    rates = jnp.array([0.01, 0.1])

    def one(rates, starts):
        return train(make(rates[0]), starts[0])[0][None]

    starts = jnp.arange(6.0).reshape(2, 3)
    run = jax.shard_map(one, mesh=mesh, in_specs=(spec, spec), out_specs=spec)
    found = jax.jit(run)(rates, starts)
    for i in range(2):
        assert_trees_close(found[i], train(make(rates[i]), starts[i])[0], rtol=1e-5, atol=1e-6)


def test_a_scan_carries_swats_where_one_leaf_alone_is_a_devices_own():
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:2]), ("x",))
    specs = {"split": P("x"), "whole": P()}
    params = {"split": jnp.arange(4.0), "whole": jnp.ones(3)}
    tx = swats(0.01, switch=3)

    def run(params):
        def step(carry, _):
            params, state = carry
            updates, state = tx.update(jax.tree.map(jnp.sin, params), state, params)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, (params, tx.init(params)), length=5)[0][0]

    found = jax.jit(jax.shard_map(run, mesh=mesh, in_specs=(specs,), out_specs=specs))(params)
    assert_trees_close(found, jax.jit(run)(params), rtol=1e-6)


@each
def test_inject_hyperparams_changes_nothing_and_takes_schedules(make):
    params = params_of()
    plain, _ = train(make(0.01), params)
    injected, _ = train(optax.inject_hyperparams(make)(learning_rate=0.01), params)
    assert_trees_close(injected, plain)
    schedule = optax.linear_schedule(0.1, 0.0, 10)
    assert_trees_close(
        train(optax.inject_hyperparams(make)(learning_rate=schedule), params)[0],
        train(make(schedule), params)[0],
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("factory", "arguments", "static"),
    [
        (muadam, {"learning_rate": 0.01, "b1": 0.8, "b2": 0.95, "eps": 1e-6}, ()),
        (swats, {"learning_rate": 0.01, "b1": 0.8, "b2": 0.95, "eps": 1e-6, "switch": 4}, ()),
        (swats, {"learning_rate": 0.01, "switch": "criterion", "tolerance": 1e-3}, ()),
        (lookahead, {"inner": optax.sgd(0.1), "sync_period": 3, "slow_step_size": 0.8}, ()),
        (
            stochastic_weight_averaging,
            {"inner": optax.sgd(0.1), "start_step": 2, "period": 3},
            (),
        ),
    ],
)
def test_every_number_may_be_injected(factory, arguments, static):
    params = params_of()
    plain, _ = train(factory(**arguments), params)
    tx = optax.inject_hyperparams(factory, static_args=static)(**arguments)
    assert_trees_close(train(tx, params)[0], plain, rtol=1e-5, atol=1e-6)


@each
def test_masked_leaves_are_passed_on(make):
    params = {"w": jnp.ones((2, 2)), "b": jnp.ones(2)}
    tx = optax.masked(make(), {"w": True, "b": False})
    grads = {"w": jnp.ones((2, 2)), "b": jnp.full(2, 7.0)}
    updates, _ = tx.update(grads, tx.init(params), params)
    np.testing.assert_array_equal(updates["b"], grads["b"])
    alone = make()
    expected, _ = alone.update(grads["w"], alone.init(params["w"]), params["w"])
    np.testing.assert_allclose(updates["w"], expected, rtol=1e-6)


@each
def test_partition_is_each_group_alone(make):
    params = {"w": jnp.array([1.0, 2.0]), "b": jnp.array([3.0])}
    tx = optax.partition({"w": make(0.1), "b": make(0.01)}, {"w": "w", "b": "b"})
    result, _ = train(tx, params)
    for name, rate in (("w", 0.1), ("b", 0.01)):
        assert_trees_close(result[name], train(make(rate), params[name])[0], rtol=1e-5, atol=1e-6)


@each
def test_multi_steps_of_equal_gradients_is_one_step(make):
    params = params_of()
    tx = optax.MultiSteps(make(), every_k_schedule=2).gradient_transformation()
    accumulated, _ = train(tx, params, repeats=2)
    assert_trees_close(accumulated, train(make(), params)[0], rtol=1e-5, atol=1e-6)


@each
def test_apply_if_finite_survives_a_bad_gradient(make):
    params = params_of()
    tx = optax.apply_if_finite(make(), 3)
    params, state = train(tx, params, 3)
    bad = jax.tree.map(lambda p: p * jnp.nan, params)
    updates, after = jax.jit(tx.update)(bad, state, params)
    assert all(bool(jnp.all(u == 0)) for u in jax.tree.leaves(updates))
    assert_trees_close(after.inner_state, state.inner_state)
