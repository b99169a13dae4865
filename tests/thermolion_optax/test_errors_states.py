"""Whose state it is, where trees first differ, and numbers that can only be read outside of jit."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from thermolion_optax import (
    averaged_params,
    lookahead,
    muadam,
    normalize_distortion,
    scale_by_muadam,
    scale_by_snr_gate,
    smes,
    stochastic_weight_averaging,
    swats,
    thermal_noise,
    thermolion,
)

W = jnp.ones(3)
DEEP = {f"layer{i}": {"kernel": jnp.ones((2, 3)), "bias": W} for i in range(30)}


@pytest.mark.parametrize(
    ("tx", "other", "words"),
    [
        (thermolion(), optax.adam(1e-3), r"thermolion: state is a tuple of \(ScaleByAdamState"),
        (smes(0.1), optax.sgd(0.1), r"smes: state is .*the tuple of its 3 parts' states"),
        (smes(0.1), thermolion(), "smes: state is a SnrGateState, but must be a SmesState"),
        (muadam(0.1), swats(0.1), "muadam: state is a SwatsState"),
        (
            thermolion(lambda count: 0.1),
            thermolion(0.1),
            "thermolion: state is an EmptyState.*count",
        ),
        (smes(0.1, weight_decay=lambda c: 0.1), smes(0.1), "smes: state is an EmptyState.*count"),
        (
            smes(0.1, weight_decay=lambda c: 0.1),
            smes(0.1, weight_decay=lambda c: 0.1, mask=lambda p: True),
            "smes: state is a MaskedState.*count",
        ),
        (thermolion(noise_units="parameter"), thermolion(), "must be a ParameterNoiseState"),
        (swats(0.1), optax.adam(0.1), "swats: state is .*must be a SwatsState"),
        (lookahead(smes(0.1)), smes(0.1), "lookahead: state is .*must be a LookaheadState"),
        (normalize_distortion(lambda c: 1.0), normalize_distortion(), "must be a NormalizeDist"),
        (thermal_noise(), optax.identity(), "thermal_noise: state is an EmptyState"),
    ],
)
def test_another_transformations_state_is_named(tx, other, words):
    with pytest.raises(TypeError, match=words):
        tx.update(W, other.init(W), W)


@pytest.mark.parametrize("learning_rate", [0.1, optax.constant_schedule(0.1)], ids=["0.1", "f"])
def test_a_state_may_come_back_in_numpys_arrays(learning_rate):
    for alias in (thermolion, smes, muadam, swats):
        tx = alias(learning_rate, weight_decay=learning_rate)
        state = tx.init(W)
        want, _ = tx.update(W, state, W)
        found, _ = tx.update(W, jax.tree.map(np.asarray, state), W)
        np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("tx", [thermolion(), smes(0.1), muadam(0.1), swats(0.1)])
def test_the_first_difference_of_a_deep_tree_is_one_line(tx):
    less = DEEP | {"layer7": {"kernel": jnp.ones((2, 3))}}
    with pytest.raises(ValueError, match=r"\['layer7'\]\['bias'\] is not in the updates") as error:
        tx.update(less, tx.init(DEEP), DEEP)
    assert len(str(error.value)) < 300
    with pytest.raises(ValueError, match=r"params\['layer7'\]\['bias'\] is missing") as error:
        tx.update(DEEP, tx.init(DEEP), less)
    assert len(str(error.value)) < 300
    assert error.value.__cause__ is None


def test_a_list_is_no_dictionary_and_a_tree_no_leaf():
    tx = thermolion()
    with pytest.raises(ValueError, match=r"params\['a'\] is a list, but a dict in the updates"):
        tx.update({"a": {"b": W}}, tx.init({"a": {"b": W}}), {"a": [W]})
    with pytest.raises(ValueError, match=r"params\['a'\] is a dict, but an array in the updates"):
        tx.update({"a": W}, tx.init({"a": W}), {"a": {"b": W}})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("b1", jnp.array(-1.0)),
        ("b2", jnp.array(1.0)),
        ("temperature", jnp.array(jnp.nan)),
        ("eps", jnp.array(-jnp.inf, jnp.bfloat16)),
        ("learning_rate", jnp.array(-1)),
        ("exponent", 10**400),
        ("solid_scale", 2**31),
        ("solid_scale", 1e39),
    ],
)
def test_numbers_that_can_be_read_are_judged(name, value):
    with pytest.raises(ValueError, match=rf"thermolion: {name} = .*must be"):
        thermolion(**{name: value})


def test_traced_numbers_pass_and_so_do_good_jax_scalars():
    def first(b1):
        tx = thermolion(b1=b1)
        return tx.update(W, tx.init(W), W)[0]

    assert jax.jit(first)(-1.0).shape == (3,)
    np.testing.assert_allclose(first(jnp.float32(0.9)), jax.jit(first)(0.9), rtol=1e-6)


def test_big_floats_pass_where_they_are_finite():
    with jax.enable_x64(True):
        thermolion(1e39)


@pytest.mark.parametrize("make", [thermolion, smes, muadam, swats])
def test_schedules_must_return_one_number(make):
    for returned, error in ((jnp.ones(2), ValueError), (None, TypeError), ("a", TypeError)):
        for name in ("learning_rate", "weight_decay"):
            tx = make(**({"learning_rate": 0.1} | {name: lambda count, r=returned: r}))
            with pytest.raises(error, match=rf"what the schedule {name} returned (is|has)"):
                jax.eval_shape(lambda w, tx=tx: tx.update(w, tx.init(w), w), W)


def test_the_part_has_its_own_name():
    with pytest.raises(ValueError, match=r"^scale_by_muadam: b1"):
        scale_by_muadam(b1=2.0)
    with pytest.raises(ValueError, match=r"^muadam: b1"):
        muadam(b1=2.0)


@pytest.mark.parametrize("flag", ["yes", {"w"}, 1, None, jnp.ones(3, bool)])
def test_leaves_of_a_mask_are_booleans(flag):
    given = {"w": flag}
    kind = ValueError if flag is None else TypeError
    for mask in (given, lambda params: given):
        with pytest.raises(kind, match=r"thermolion: .*mask.*"):
            thermolion(mask=mask).init({"w": W})


@pytest.mark.parametrize("wrap", [lookahead, lambda tx: stochastic_weight_averaging(tx, 1)])
def test_parameters_of_another_shape_are_refused_by_the_wrappers(wrap):
    tx = wrap(optax.sgd(0.1))
    with pytest.raises(ValueError, match=r"params\['w'\] has shape \(2,\).*initialised"):
        tx.update({"w": W}, tx.init({"w": W}), {"w": jnp.ones(2)})


def test_an_average_of_another_shape_is_refused():
    state = stochastic_weight_averaging(optax.sgd(0.1), 1).init({"w": W})
    with pytest.raises(ValueError, match=r"averaged_params: params\['w'\] has shape \(1, 3\)"):
        averaged_params(state, {"w": W[None]})


def test_lookahead_takes_python_floats():
    tx = lookahead(optax.sgd(0.5), sync_period=1)
    updates, _ = tx.update({"w": 1.0}, tx.init({"w": 2.0}), {"w": 2.0})
    assert float(updates["w"]) == pytest.approx(-0.25)


def test_masked_updates_decay_no_more():
    tx = thermolion(weight_decay=0.1)
    grads = {"a": W, "b": optax.MaskedNode()}
    updates, _ = tx.update(grads, tx.init({"a": W, "b": W}), {"a": W, "b": W})
    assert isinstance(updates["b"], optax.MaskedNode)
    assert updates["a"].shape == (3,)


def test_a_root_of_none_is_refused():
    tx = scale_by_snr_gate()
    with pytest.raises(TypeError, match="updates is None"):
        tx.update(None, tx.init(W), W)
    with pytest.raises(TypeError, match="params is None"):
        tx.init(None)
