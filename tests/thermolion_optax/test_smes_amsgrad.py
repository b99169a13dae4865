"""SMES over the running maximum of the second moment: its equation, Padam and AMSGrad."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import oracle
import pytest
from jax import enable_x64
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from thermolion_optax import scale_by_smes, smes

STEPS, SIZE = 300, 100
# With this short a memory of v its maximum is most often an older one.
SETTINGS = {"learning_rate": 1e-3, "b2": 0.9, "eps": 1e-6}


@pytest.fixture(scope="module")
def problem():
    gradients = oracle.gradient_streams(STEPS, SIZE, seed=6)
    return {k: np.zeros(SIZE, np.float32) for k in gradients}, gradients


def run(tx, params, gradients):
    def step(carry, g):
        params, state = carry
        updates, state = tx.update(g, state, params)
        return (optax.apply_updates(params, updates), state), None

    return jax.jit(lambda p, g: jax.lax.scan(step, (p, tx.init(p)), g)[0])(params, gradients)


def distance(found, want):
    found, want = np.asarray(found, np.float64), np.asarray(want, np.float64)
    return np.linalg.norm(found - want) / np.linalg.norm(want)


def cyclic(count):
    """An exponent that goes from 1/8 to 3/8 and back every 50 steps."""
    phase = 2 * np.pi * count / 50
    cosine = np.cos(phase) if isinstance(count, int) else jnp.cos(phase)
    return 0.25 - 0.125 * cosine


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.3, 0.5, cyclic])
def test_follows_the_equation(problem, alpha):
    params, gradients = problem
    final, _ = run(smes(alpha=alpha, amsgrad=True, **SETTINGS), params, gradients)
    for kind, g in gradients.items():
        want = oracle.smes(params[kind], g, alpha=alpha, amsgrad=True, **SETTINGS)
        without = oracle.smes(params[kind], g, alpha=alpha, **SETTINGS)
        assert distance(final[kind], want) < 1e-4, kind
        if alpha != 0.0 and kind != "tiny":  # of a gradient of 1e-15 little but eps is left
            assert distance(without, want) > 0.01, kind


def test_one_half_is_optax_amsgrad_in_float64(problem):
    """In float32 optax's own bias correction is off by 1e-5: 1 - 0.999^t cancels."""
    with enable_x64(True):
        params, gradients = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), problem)
        ours = run(smes(1e-2, 0.5, amsgrad=True), params, gradients)[0]
        theirs = run(optax.amsgrad(1e-2), params, gradients)[0]
        for kind, b in theirs.items():
            assert distance(ours[kind], b) < 1e-12


@pytest.mark.parametrize("p", [0.125, 0.25, 0.5])
def test_without_eps_it_is_padam(problem, p):
    """Whose own eps stands inside the power; with Adam's bias corrections in both."""
    params, gradients = problem
    settings = {"learning_rate": 1e-3, "b1": 0.9, "b2": 0.99}
    final, _ = run(smes(alpha=p, eps=0.0, amsgrad=True, **settings), params, gradients)
    for kind, stream in gradients.items():
        theta, m, v, largest = (np.zeros(SIZE) for _ in range(4))
        for t, g in enumerate(stream.astype(np.float64), start=1):
            m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
            largest = np.maximum(largest, v / (1 - 0.99**t))
            moved = largest > 0
            direction = m[moved] / (1 - 0.9**t) / largest[moved] ** p
            theta[moved] -= 1e-3 * direction
        assert distance(final[kind], theta) < 1e-4, kind


def test_bfloat16_moments_stay_within_their_rounding(problem):
    params, gradients = problem
    kind = "drifting"
    tx = smes(alpha=cyclic, amsgrad=True, nu_dtype=jnp.bfloat16, **SETTINGS)
    final, state = run(tx, params[kind], gradients[kind])
    assert state[0].nu_max.dtype == jnp.bfloat16
    want = oracle.smes(params[kind], gradients[kind], alpha=cyclic, amsgrad=True, **SETTINGS)
    assert distance(final, want) < 1e-2
    low = jnp.asarray(gradients[kind][:3], jnp.bfloat16)
    updates, state = tx.update(low[0], tx.init(low[0]), low[0])
    assert updates.dtype == jnp.bfloat16
    state = smes(1e-3, amsgrad=True).init(low[0])
    assert state[0].nu_max.dtype == jnp.float32


def test_the_maximum_never_falls_and_takes_one_more_slot():
    params = {"w": jnp.ones((5, 3)), "b": jnp.ones(7), "none": None}
    tx = scale_by_smes(0.25, b2=0.5, amsgrad=True)
    state = tx.init(params)
    assert sum(x.size for x in jax.tree.leaves(state)) == 3 * 22 + 1
    assert len(jax.tree.leaves(scale_by_smes(0.25).init(params).nu_max)) == 0
    for size in (1.0, 3.0, 0.1, 0.0):
        _, state = tx.update(jax.tree.map(lambda p, s=size: s * p, params), state)
    # v is 0.5, 4.75, 2.38, 1.19; divided by 1 - 0.5^t the second is the largest.
    chex.assert_trees_all_close(state.nu_max, jax.tree.map(lambda p: 19 / 3 * p, params))


def test_masks_injection_and_a_mesh():
    params = {"w": jnp.linspace(-1, 1, 16), "b": jnp.ones(3)}
    tx = smes(0.1, 0.25, amsgrad=True)
    want, _ = tx.update(params, tx.init(params), params)
    masked = optax.masked(tx, {"w": True, "b": False})
    found, _ = jax.jit(masked.update)(params, masked.init(params), params)
    chex.assert_trees_all_close(found, want | {"b": params["b"]}, rtol=1e-6)
    injected = optax.inject_hyperparams(smes)(0.1, alpha=0.25, amsgrad=True)
    found, _ = jax.jit(injected.update)(params, injected.init(params), params)
    chex.assert_trees_all_close(found, want, rtol=1e-5)
    mesh = jax.make_mesh((8,), ("x",), axis_types=(AxisType.Auto,))
    sharded = params | {"w": jax.device_put(params["w"], NamedSharding(mesh, P("x")))}
    found, state = jax.jit(tx.update)(sharded, tx.init(sharded), sharded)
    chex.assert_trees_all_close(found, want, rtol=1e-6)
    assert state[0].nu_max["w"].sharding.is_equivalent_to(sharded["w"].sharding, 1)


def test_what_does_not_fit_is_named():
    for value in (1, None, jnp.array(True)):
        with pytest.raises(TypeError, match=r"smes: amsgrad is .* must be a Python bool"):
            smes(0.1, amsgrad=value)
    w = jnp.ones(3)
    for has in (False, True):
        state = scale_by_smes(amsgrad=not has).init(w)
        with pytest.raises(ValueError, match=f"initialised with amsgrad = {not has}"):
            scale_by_smes(amsgrad=has).update(w, state)
