"""Weight averaging against a plain mean, against PyTorch, and read through every wrapper."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import enable_x64

from thermolion_optax import averaged_params, stochastic_weight_averaging

START = np.array([1.0, -2.0, 0.5])
NOISES = np.random.default_rng(4).normal(size=(240, 3))


def trajectory(start=START, noises=NOISES, lr=0.05):
    """θ_1, θ_2, … of SGD on θ²/2 with noise, in float64."""
    path, theta = [], start
    for xi in noises:
        theta = theta - lr * (theta + xi)
        path.append(theta)
    return np.array(path)


def train(tx, params, noises=NOISES):
    @jax.jit
    def run(params):
        def body(carry, xi):
            params, state = carry
            grads = jax.tree.map(lambda p: p + xi.astype(p.dtype), params)
            updates, state = tx.update(grads, state, params)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(body, (params, tx.init(params)), jnp.asarray(noises))[0]

    return run(params)


@pytest.mark.parametrize(("start", "period"), [(1, 1), (35, 5), (240, 1), (7, 100), (100, 7)])
def test_is_the_mean_of_the_chosen_points(start, period):
    path = trajectory()
    expected = path[start - 1 :: period].mean(axis=0)
    with enable_x64(True):
        tx = stochastic_weight_averaging(optax.sgd(0.05), start, period)

        def step(carry, xi):
            params, state = carry
            updates, state = tx.update(params + xi, state, params)
            return (optax.apply_updates(params, updates), state), None

        first = jnp.asarray(START)
        (params, state), _ = jax.lax.scan(step, (first, tx.init(first)), jnp.asarray(NOISES))
        np.testing.assert_allclose(params, path[-1], rtol=1e-12)
        np.testing.assert_allclose(averaged_params(state, params), expected, rtol=1e-11)
    assert int(state.averaged) == len(path[start - 1 :: period])


def test_is_the_averaged_model_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is the independent truth here")
    from torch.optim.swa_utils import AveragedModel

    model = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(torch.tensor(START[None]))
    average, sgd = AveragedModel(model), torch.optim.SGD(model.parameters(), lr=1e-2)
    with enable_x64(True):
        tx = stochastic_weight_averaging(optax.sgd(1e-2), start_step=140, period=20)
        params = jnp.asarray(START)
        state = tx.init(params)
        update = jax.jit(tx.update)
        for step, xi in enumerate(NOISES, start=1):
            model.weight.grad = model.weight.detach() + torch.tensor(xi[None])
            sgd.step()
            if step >= 140 and step % 20 == 0:
                average.update_parameters(model)
            updates, state = update(params + xi, state, params)
            params = optax.apply_updates(params, updates)
        expected = average.module.weight.detach().numpy()[0]
        np.testing.assert_allclose(averaged_params(state, params), expected, rtol=1e-11)
    assert int(state.averaged) == 6


@settings(max_examples=25, deadline=None)
@given(start=st.integers(1, 12), period=st.integers(1, 6), steps=st.integers(0, 15))
def test_counts_and_means_for_any_schedule(start, period, steps):
    params, state = train(
        stochastic_weight_averaging(optax.sgd(0.05), start, period),
        jnp.asarray(START, jnp.float32),
        NOISES[:steps],
    )
    chosen = trajectory(noises=NOISES[:steps])[start - 1 :: period] if steps >= start else []
    assert int(state.averaged) == len(chosen)
    expected = np.mean(chosen, axis=0) if len(chosen) else params
    np.testing.assert_allclose(averaged_params(state, params), expected, rtol=1e-5, atol=1e-6)


def swa():
    return stochastic_weight_averaging(optax.sgd(0.05), 3, 2)


WRAPPERS = {
    "chain": lambda: optax.chain(optax.clip_by_global_norm(1e6), swa()),
    "inject_hyperparams": lambda: optax.inject_hyperparams(
        lambda rate: stochastic_weight_averaging(optax.sgd(rate), 3, 2)
    )(rate=0.05),
    "multi_steps": lambda: optax.MultiSteps(swa(), 1).gradient_transformation(),
    "apply_if_finite": lambda: optax.apply_if_finite(swa(), 2),
    "masked": lambda: optax.masked(swa(), {"a": True, "deep": {"b": True, "c": True}}),
    "partition": lambda: optax.partition(
        {"x": swa(), "y": swa()}, {"a": "x", "deep": {"b": "y", "c": "x"}}
    ),
    "all_at_once": lambda: optax.MultiSteps(
        optax.apply_if_finite(optax.chain(optax.masked(swa(), lambda p: True)), 2), 1
    ).gradient_transformation(),
}


def tree():
    return {"a": jnp.ones(3), "deep": {"b": jnp.full((2, 3), 2.0), "c": jnp.full(3, -1.0)}}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_is_read_through_any_wrapper(wrap):
    tx, params = wrap(), tree()
    untouched = averaged_params(tx.init(params), params)
    jax.tree.map(np.testing.assert_array_equal, untouched, params)
    bare_params, bare_state = train(swa(), params, NOISES[:12])
    params, state = train(tx, params, NOISES[:12])
    expected = averaged_params(bare_state, bare_params)
    found = jax.jit(averaged_params)(state, params)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5), found, expected)


def test_what_a_mask_leaves_out_comes_back_as_it_is():
    params = tree()
    tx = optax.masked(swa(), {"a": True, "deep": False})  # a prefix masks the whole subtree
    params, state = train(tx, params, NOISES[:5])
    found = averaged_params(state, params)
    jax.tree.map(np.testing.assert_array_equal, found["deep"], params["deep"])
    assert not np.allclose(found["a"], params["a"])


def test_integer_leaves_beside_masked_ones_come_back_as_they_are():
    params = {"w": jnp.ones(3), "steps": jnp.int32(7), "none": None}
    tx = optax.masked(swa(), {"w": True, "steps": False, "none": False})
    found = averaged_params(tx.init(params), params)
    assert found["steps"] == 7
    assert found["none"] is None


def test_vmapped_runs_have_averages_of_their_own():
    starts = jnp.stack([jnp.asarray(START), jnp.asarray(START) * 2]).astype(jnp.float32)

    def both(start):
        params, state = train(swa(), start, NOISES[:9])
        return averaged_params(state, params)

    together = jax.vmap(both)(starts)
    for i in range(2):
        np.testing.assert_allclose(together[i], both(starts[i]), rtol=1e-6)


def test_half_precision_is_averaged_in_float32_and_read_in_its_own():
    params = jnp.full(4, 1.0, jnp.bfloat16)
    tx = stochastic_weight_averaging(optax.sgd(1.0), 1)
    state, seen = tx.init(params), []
    for step in range(300):
        grads = jnp.full(4, -1.0 / 64 if step % 2 else 1.0 / 64, jnp.bfloat16)
        updates, state = tx.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        seen.append(np.asarray(params, np.float64))
    np.testing.assert_allclose(state.average, np.mean(seen, axis=0), rtol=1e-6)
    assert averaged_params(state, params).dtype == jnp.bfloat16


def test_a_state_without_an_average_is_refused():
    params = jnp.ones(2)
    with pytest.raises(ValueError, match="stochastic_weight_averaging"):
        averaged_params(optax.adam(0.1).init(params), params)


def test_a_state_of_runs_stacked_is_read_under_vmap():
    params = jnp.arange(6.0).reshape(3, 2)
    state = jax.vmap(swa().init)(params)
    with pytest.raises(ValueError, match=r"stacked as \(3,\).*jax\.vmap\(averaged_params\)"):
        averaged_params(state, params)
    np.testing.assert_array_equal(jax.vmap(averaged_params)(state, params), params)


def test_params_of_another_structure_are_refused():
    state = swa().init({"a": jnp.ones(2)})
    with pytest.raises(ValueError, match="structure"):
        averaged_params(state, {"b": jnp.ones(2)})
