"""Bad input: each gets an error that names the argument, what was found, and what to do."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from thermolion_optax import (
    alignment_boost,
    phase_statistics,
    scale_by_smes,
    scale_by_snr_gate,
    smes,
    thermal_noise,
    thermolion,
)

W = jnp.ones(3)


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (thermolion, "learning_rate", -1e-3),
        (thermolion, "learning_rate", float("nan")),
        (thermolion, "b1", 1.5),
        (thermolion, "b1", 1.0),
        (thermolion, "b2", -0.1),
        (thermolion, "eps", -1e-8),
        (thermolion, "eps", np.float32(-1)),
        (thermolion, "solid_scale", -2),
        (thermolion, "boost", -0.5),
        (thermolion, "temperature", -1),
        (thermolion, "temperature_decay", 2),
        (thermolion, "weight_decay", -0.1),
        (thermolion, "exponent", float("inf")),
        (thermolion, "noise_units", "parameters"),
        (thermolion, "learning_rate", np.ones(2)),
        (thermolion, "noise_units", np.array(["parameter"])),
        (thermolion, "key", 2**40),
        (scale_by_snr_gate, "b1", 1.5),
        (scale_by_snr_gate, "eps", -1),
        (scale_by_smes, "b2", 1),
        (scale_by_smes, "b2", 0.99999999),  # 1 in float32: v-hat would be 0 / 0
        (scale_by_smes, "alpha", float("nan")),
        (alignment_boost, "boost", -1),
        (alignment_boost, "decay", 1),
        (thermal_noise, "decay", 1.1),
        (thermal_noise, "floor", -1e-9),
        (thermal_noise, "cutoff", 2),
        (lambda **kw: smes(1e-3, **kw), "alpha", float("inf")),
        (lambda **kw: smes(1e-3, **kw), "weight_decay", -1),
    ],
)
def test_values_out_of_range(make, name, value):
    with pytest.raises(ValueError, match=rf"\b{name}\b.*(must be|has 32 bits)"):
        make(**{name: value})


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (thermolion, "learning_rate", "fast"),
        (thermolion, "learning_rate", None),
        (thermolion, "b1", True),
        (thermolion, "b2", 1j),
        (thermolion, "b2", lambda count: 0.9),
        (thermolion, "gate", 0.5),
        (thermolion, "gate", jnp.ones(())),
        (thermolion, "mask", jnp.ones(())),
        (thermolion, "mask", np.ones(3, bool)),
        (thermolion, "mask", "w"),
        (thermolion, "mask", 3),
        (thermolion, "mu_dtype", "int32"),
        (thermolion, "mu_dtype", "no such dtype"),
        (thermolion, "nu_dtype", jnp.ones(())),
        (thermolion, "nu_dtype", jnp.complex64),
        (thermolion, "nu_dtype", "float16"),  # in which the squares of small gradients are 0
        (scale_by_smes, "nu_dtype", jnp.float16),
        (thermolion, "key", 0.5),
        (thermolion, "key", jnp.zeros(3, jnp.uint32)),
        (thermolion, "key", None),
        (thermolion, "normal", 3),
        (scale_by_snr_gate, "gas", 0.5),
        (scale_by_snr_gate, "solid", jnp.tanh),
        (scale_by_smes, "mu_dtype", int),
    ],
)
def test_arguments_of_the_wrong_kind(make, name, value):
    with pytest.raises(TypeError, match=rf"\b{name}\b.*must be|\b{name}\b.*takes a number"):
        make(**{name: value})


def test_traced_values_pass():
    @jax.jit
    def first_update(b1):
        tx = thermolion(b1=b1)
        return tx.update(W, tx.init(W), W)[0]

    assert first_update(1.5).shape == (3,)


def test_missing_gradient_says_both_ways_out():
    tx = alignment_boost()
    with pytest.raises(ValueError, match=r"grad=g.*decay=0\.9"):
        tx.update(W, tx.init(W))


@pytest.mark.parametrize("tx", [thermolion(), smes(1e-3, weight_decay=0.1)])
def test_missing_params_says_both_ways_out(tx):
    with pytest.raises(ValueError, match=r"params is None.*weight_decay.*weight_decay=0\.0"):
        tx.update(W, tx.init(W))


@pytest.mark.parametrize("tx", [thermolion(), smes(1e-3), scale_by_snr_gate()])
@pytest.mark.parametrize(
    ("leaf", "words"),
    [
        (jnp.ones(2, jnp.complex64), "complex.*split_real_and_imaginary"),
        (1 + 2j, "complex"),
        (jnp.ones(2, jnp.int32), "int32.*optax.masked"),
        (jnp.tanh, "must be an array"),
        ("text", "must be an array"),
    ],
)
def test_leaves_that_are_not_real_floats(tx, leaf, words):
    with pytest.raises(TypeError, match=rf"params\['odd'\] .*{words}"):
        tx.init({"odd": leaf})


def test_complex_gradients_are_refused_too():
    tx = thermolion()
    with pytest.raises(TypeError, match=r"updates.*complex"):
        tx.update(W.astype(jnp.complex64), tx.init(W), W)


@pytest.mark.parametrize("tx", [thermolion(), smes(1e-3)])
def test_mismatched_trees(tx):
    state = tx.init({"a": W, "b": W})
    with pytest.raises(ValueError, match=r"structure of the updates.*tx\.init"):
        tx.update({"a": W}, state, {"a": W, "b": W})
    with pytest.raises(ValueError, match="params does not have the structure"):
        tx.update({"a": W, "b": W}, state, {"a": W})
    with pytest.raises(ValueError, match=r"updates\['b'\] has shape \(4,\).*\(3,\)"):
        tx.update({"a": W, "b": jnp.ones(4)}, state, {"a": W, "b": W})
    with pytest.raises(ValueError, match=r"params\['b'\] has shape \(1,\).*shape \(3,\)"):
        tx.update({"a": W, "b": W}, state, {"a": W, "b": jnp.ones(1)})
    with pytest.raises(ValueError, match=r"params\['b'\] has nothing"):
        tx.update({"a": W, "b": W}, state, {"a": W, "b": None})
    with pytest.raises(ValueError, match="initialised with nothing"):
        tx.update({"a": W, "b": W}, tx.init({"a": W, "b": None}), {"a": W, "b": W})


def test_mismatched_extra_arguments():
    boost = alignment_boost()
    with pytest.raises(ValueError, match="grad does not have the structure"):
        boost.update({"a": W}, boost.init({"a": W}), grad={"b": W})
    with pytest.raises(ValueError, match=r"grad\['a'\] has shape \(2,\)"):
        boost.update({"a": W}, boost.init({"a": W}), grad={"a": jnp.ones(2)})
    noise = thermal_noise()
    with pytest.raises(ValueError, match=r"nu\['a'\] has shape \(2,\)"):
        noise.update({"a": W}, noise.init({"a": W}), nu={"a": jnp.ones(2)})


def test_extra_arguments_of_the_wrong_kind():
    boost = alignment_boost()
    with pytest.raises(TypeError, match=r"grad\['a'\] is complex"):
        boost.update({"a": W}, boost.init({"a": W}), grad={"a": W.astype(jnp.complex64)})
    own = alignment_boost(decay=0.9)
    with pytest.raises(ValueError, match=r"updates\['a'\] has shape \(4,\).*\(3,\) there"):
        own.update({"a": jnp.ones(4)}, own.init({"a": W}))


def test_a_mask_of_another_tree():
    with pytest.raises(ValueError, match="mask does not have the structure of the parameters"):
        thermolion(mask={"x": True}).init({"a": W})


@pytest.mark.parametrize("branch", ["gas", "solid"])
@pytest.mark.parametrize(
    ("returned", "words"),
    [({"z": 1.0}, "structure of the updates.*like the updates"), (jnp.ones(2), r"shape \(2,\)")],
)
def test_a_branch_that_returns_something_else(branch, returned, words):
    odd = optax.GradientTransformation(optax.init_empty_state, lambda *_: (returned, ()))
    tx = scale_by_snr_gate(**{branch: odd})
    with pytest.raises((ValueError, TypeError), match=rf"what the {branch} branch returned.*"):
        tx.update(W, tx.init(W))
    if isinstance(returned, dict):
        tx = scale_by_snr_gate(**{branch: odd})
        with pytest.raises(ValueError, match=words):
            tx.update({"w": W}, tx.init({"w": W}))


def test_a_gate_and_a_normal_that_return_something_else():
    tx = scale_by_snr_gate(gate=lambda rho: None)
    with pytest.raises(TypeError, match="gate returned None"):
        tx.update(W, tx.init(W))
    tx = thermal_noise(normal=lambda key, shape: jnp.zeros(2))
    with pytest.raises(ValueError, match=r"normal returned shape \(2,\) where \(3,\)"):
        tx.update(W, tx.init(W))


def test_a_gate_that_changes_the_shape():
    tx = scale_by_snr_gate(gate=jnp.sum)  # a scalar is fine
    tx.update(W, tx.init(W))
    tx = scale_by_snr_gate(gate=lambda r: r[:1])
    with pytest.raises(ValueError, match=r"gate returned shape \(1,\)"):
        tx.update(W, tx.init(W))


def test_telemetry_without_a_gate():
    with pytest.raises(ValueError, match=r"found no SnrGateState.*thermolion"):
        phase_statistics(optax.adam(1e-3).init(W))
    with pytest.raises(ValueError, match="grads does not have the structure"):
        phase_statistics(thermolion().init({"a": W}), {"b": W})
    with pytest.raises(ValueError, match=r"grads\['a'\] has shape \(1,\)"):
        phase_statistics(thermolion().init({"a": W}), {"a": jnp.ones(1)})
    with pytest.raises(TypeError, match=r"grads\['a'\] is complex"):
        phase_statistics(thermolion().init({"a": W}), {"a": W.astype(jnp.complex64)})
