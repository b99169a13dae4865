"""What the state tells in Flax NNX, with its wrapped states, gradients and parameters as they come.

The truth is the same training on plain dictionaries of arrays.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from thermolion_optax import (
    averaged_params,
    gradient_distortion,
    phase_statistics,
    stochastic_weight_averaging,
    thermolion,
)

X = jax.random.normal(jax.random.key(0), (10, 4))
TX = stochastic_weight_averaging(thermolion(1e-2), start_step=2)


class Network(nnx.Module):
    def __init__(self):
        self.first = nnx.Linear(4, 3, rngs=nnx.Rngs(0))
        self.last = nnx.Linear(3, 1, rngs=nnx.Rngs(1))

    def __call__(self, x):
        return self.last(jnp.maximum(self.first(x), 0.0))


def loss(model):
    return jnp.mean((model(X) - 1.0) ** 2)


def trained(steps=3):
    """The model, its optimizer and its last gradients; and the same from plain dictionaries."""
    model = Network()
    graph, state = nnx.split(model)
    params = nnx.to_pure_dict(state)
    optimizer, opt_state = nnx.Optimizer(model, TX, wrt=nnx.Param), TX.init(params)
    for _ in range(steps):
        grads = nnx.grad(loss)(model)
        optimizer.update(model, grads)
        plain = jax.grad(lambda p: loss(nnx.merge(graph, with_values(state, p))))(params)
        updates, opt_state = TX.update(plain, opt_state, params)
        params = optax.apply_updates(params, updates)
    return (model, optimizer, grads), (params, opt_state, plain)


def with_values(state, values):
    state = jax.tree.map(lambda x: x, state)
    nnx.replace_by_pure_dict(state, values)
    return state


def check_same(found, want):
    assert jax.tree.structure(found) == jax.tree.structure(want)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 1e-5, 1e-6), found, want)


def test_the_statistics_of_wrapped_states_and_gradients():
    (_, optimizer, grads), (_, opt_state, plain) = trained()
    found = phase_statistics(optimizer.opt_state, grads)
    check_same(found, phase_statistics(opt_state, plain))
    assert set(found["snr_mean"]["leaves"]) == {
        f"['{layer}']['{name}']" for layer in ("first", "last") for name in ("kernel", "bias")
    }


def test_the_distortion_of_wrapped_gradients():
    (_, _, grads), (_, _, plain) = trained()
    check_same(gradient_distortion(grads), gradient_distortion(plain))


def test_the_statistics_without_gradients():
    (_, optimizer, _), (_, opt_state, _) = trained(1)
    check_same(phase_statistics(optimizer.opt_state), phase_statistics(opt_state))


def test_the_statistics_inside_nnx_jit():
    model = Network()
    optimizer = nnx.Optimizer(model, TX, wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer):
        grads = nnx.grad(loss)(model)
        optimizer.update(model, grads)
        average = averaged_params(optimizer.opt_state, nnx.state(model, nnx.Param))
        return phase_statistics(optimizer.opt_state, grads), average

    for _ in range(3):
        found, average = step(model, optimizer)
    _, (params, opt_state, plain) = trained()
    check_same(found, phase_statistics(opt_state, plain))
    check_same(nnx.to_pure_dict(average), averaged_params(opt_state, params))


def test_a_dead_network_is_told_from_a_healthy_one():
    model = Network()
    model.first.bias[...] = jnp.full(3, -1e3)  # the activation never opens
    optimizer = nnx.Optimizer(model, TX, wrt=nnx.Param)
    grads = nnx.grad(loss)(model)
    optimizer.update(model, grads)
    dead = phase_statistics(optimizer.opt_state, grads)["zero_gradient_share"]
    assert float(dead["all"]) == pytest.approx(18 / 19)  # all but the last bias
    (_, optimizer, grads), _ = trained()
    assert phase_statistics(optimizer.opt_state, grads)["zero_gradient_share"]["all"] < 0.5


def test_averages_come_back_as_the_state_they_belong_to():
    (model, optimizer, _), (params, opt_state, _) = trained()
    average = averaged_params(optimizer.opt_state, nnx.state(model, nnx.Param))
    assert type(average) is nnx.State
    assert {type(x) for x in nnx.to_flat_state(average).leaves} == {nnx.Param}
    check_same(nnx.to_pure_dict(average), averaged_params(opt_state, params))
    before = float(model.last.bias[0])
    nnx.update(model, average)
    assert float(model.last.bias[0]) != before


def test_a_mismatch_names_the_first_path_that_differs():
    (model, optimizer, grads), _ = trained(1)
    other = nnx.grad(loss)(model)
    del other["first"]["bias"]
    with pytest.raises(ValueError, match=r"grads\['first'\]\['bias'\] is missing") as error:
        phase_statistics(optimizer.opt_state, other)
    assert len(str(error.value)) < 250
    del grads["last"]
    with pytest.raises(ValueError, match=r"grads\['last'\] is missing"):
        phase_statistics(optimizer.opt_state, grads)
    state = nnx.state(model, nnx.Param)
    state["first"]["scale"] = nnx.Param(jnp.ones(3))
    with pytest.raises(ValueError, match=r"params\['first'\]\['scale'\] is not in") as error:
        averaged_params(optimizer.opt_state, state)
    assert len(str(error.value)) < 250


def test_equinox_modules():
    eqx = pytest.importorskip("equinox", reason="equinox is in the extra `notebooks`")
    model = eqx.nn.MLP(4, 1, 3, 1, key=jax.random.key(0))
    params = eqx.filter(model, eqx.is_inexact_array)
    grads = eqx.filter_grad(lambda m: loss(jax.vmap(m)))(model)
    updates, state = TX.update(grads, TX.init(params), params)
    found = phase_statistics(state, grads)
    assert ".layers[0].weight" in found["zero_gradient_share"]["leaves"]
    assert 0 <= float(found["zero_gradient_share"]["all"]) < 1
    params = eqx.apply_updates(params, updates)
    _, state = TX.update(grads, state, params)
    average = eqx.combine(averaged_params(state, params), model)
    assert average(X[0]).shape == (1,)
