"""The aliases in optax pipelines: the contract that optax asks of a contributed optimizer."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from aliases import GRADS, PARAMS, close, every_alias, steps

from thermolion_optax import smes, thermolion


@every_alias
def test_takes_extra_arguments_and_compiles_once(make):
    tx = make()
    traces = []

    @jax.jit
    def step(params, state):
        traces.append(1)
        updates, state = tx.update(GRADS, state, params, value=1.0, unheard_of=2)
        return optax.apply_updates(params, updates), state

    params, state = PARAMS, tx.init(PARAMS)
    for _ in range(3):
        params, state = step(params, state)
    assert len(traces) == 1


def parabola(p):
    return jnp.sum((p - jnp.array([1.0, -1.0, 1.0])) ** 2)


def rosenbrock(p):
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def matrix_parabola(p):
    return jnp.sum((p - jnp.array([[3.0, -2.0], [1.0, 4.0]])) ** 2)


def mixed(p):
    return parabola(p[0]) + jnp.sum((p[1] - jnp.array([[1.0, 0.0], [-1.0, 1.0]])) ** 2)


@every_alias
@pytest.mark.parametrize(
    ("loss", "start", "goal"),
    [
        (parabola, [-1.0, 10.0, 1.0], [1.0, -1.0, 1.0]),
        (rosenbrock, [0.0, 0.0], [1.0, 1.0]),
        (matrix_parabola, np.zeros((2, 2)), [[3.0, -2.0], [1.0, 4.0]]),
        (mixed, (np.zeros(3), np.zeros((2, 2))), ([1.0, -1.0, 1.0], [[1.0, 0.0], [-1.0, 1.0]])),
    ],
    ids=["parabola", "rosenbrock", "matrix", "mixed"],
)
def test_converges(make, loss, start, goal):
    tx = make()
    as_tree = isinstance(start, tuple)
    start = tuple(map(jnp.asarray, start)) if as_tree else jnp.asarray(start)

    def step(carry, _):
        params, state = carry
        updates, state = tx.update(jax.grad(loss)(params), state, params)
        return (optax.apply_updates(params, updates), state), None

    (params, _), _ = jax.jit(lambda c: jax.lax.scan(step, c, None, length=30_000))(
        (start, tx.init(start))
    )
    goal = tuple(map(np.asarray, goal)) if as_tree else np.asarray(goal)
    close(params, goal, rtol=3e-2, atol=3e-2)


@pytest.mark.parametrize(
    ("factory", "settings"),
    [
        (thermolion, {"learning_rate": 1e-3}),
        (thermolion, {"learning_rate": 1e-3, "noise_units": "parameter", "key": 4}),
        (smes, {"learning_rate": 1e-2, "alpha": 0.3, "weight_decay": 0.1}),
    ],
)
def test_injected_hyperparameters_change_nothing(factory, settings):
    plain = factory(**settings)
    injected = optax.inject_hyperparams(factory)(**settings)
    a, _ = steps(plain, PARAMS, 5)
    b, state = steps(injected, PARAMS, 5)
    close(a, b, rtol=1e-5, atol=1e-6)
    state.hyperparams["learning_rate"] = jnp.asarray(0.0)
    updates, _ = injected.update(GRADS, state, b)
    if "noise_units" not in settings:
        close(updates, jax.tree.map(jnp.zeros_like, b))


def test_injection_takes_gate_mask_and_dtypes_as_static_arguments():
    static = ("mask", "gate", "mu_dtype", "nu_dtype")
    make = optax.inject_hyperparams(thermolion, static_args=static)
    settings = {
        "gate": lambda r: r / (1 + r),
        "mask": lambda p: jax.tree.map(lambda x: x.ndim > 1, p),
        "mu_dtype": jnp.bfloat16,
        "nu_dtype": jnp.float32,
    }
    a, _ = steps(make(**settings), PARAMS, 3)
    b, _ = steps(thermolion(**settings), PARAMS, 3)
    close(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "value"), [("gate", jnp.tanh), ("mu_dtype", jnp.float32)])
def test_injection_without_static_arguments_says_what_to_do(name, value):
    tx = optax.inject_hyperparams(thermolion)(**{name: value})
    with pytest.raises(TypeError, match=f"{name} .*static_args"):
        tx.init(PARAMS)


@every_alias
def test_a_constant_schedule_equals_the_scalar(make):
    a, _ = steps(make(learning_rate=lambda count: 1e-2), PARAMS, 10)
    b, _ = steps(make(learning_rate=1e-2), PARAMS, 10)
    close(a, b)


@pytest.mark.parametrize("name", ["boost", "temperature"])
def test_schedules_get_the_zero_based_step(name):
    seen = thermolion(**{name: lambda count: jnp.where(count == 1, 0.9, 0.1)})
    params, state = PARAMS, seen.init(PARAMS)
    for value in (0.1, 0.9, 0.1):
        fixed = thermolion(**{name: value})
        want, _ = fixed.update(GRADS, state, params)
        updates, state = seen.update(GRADS, state, params)
        close(updates, want)


@every_alias
@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
def test_updates_have_the_dtype_of_adamws(make, dtype):
    for p_dtype, g_dtype in [(dtype, dtype), (jnp.float32, dtype), (dtype, jnp.float32)]:
        for mu_dtype in (None, jnp.float32):
            params = jax.tree.map(lambda x, d=p_dtype: x.astype(d), PARAMS)
            grads = jax.tree.map(lambda x, d=g_dtype: x.astype(d), GRADS)
            dtypes = []
            for tx in (make(mu_dtype=mu_dtype), optax.adamw(1e-3, mu_dtype=mu_dtype)):
                updates, _ = tx.update(grads, tx.init(params), params)
                dtypes.append(jax.tree.map(lambda u: u.dtype, updates))
            assert dtypes[0] == dtypes[1], (p_dtype, g_dtype, mu_dtype)


@every_alias
def test_slots_have_the_dtypes_asked_for(make):
    low = jax.tree.map(lambda x: x.astype(jnp.bfloat16), PARAMS)
    state = make().init(low)[0]
    assert {x.dtype for x in jax.tree.leaves(state.mu)} == {jnp.dtype(jnp.bfloat16)}
    assert {x.dtype for x in jax.tree.leaves(state.nu)} == {jnp.dtype(jnp.float32)}
    state = make(mu_dtype="float32", nu_dtype="bfloat16").init(PARAMS)[0]
    assert {x.dtype for x in jax.tree.leaves(state.mu)} == {jnp.dtype(jnp.float32)}
    assert {x.dtype for x in jax.tree.leaves(state.nu)} == {jnp.dtype(jnp.bfloat16)}


@every_alias
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_state_keeps_its_type_under_cond(make, dtype):
    with jax.enable_x64(dtype == "float64"):
        tx = make()
        params = jnp.array([-1.0, 10.0, 1.0], dtype)
        state = tx.init(params)

        @jax.jit
        def step(go, params, state):
            updates, state = jax.lax.cond(
                go,
                lambda: tx.update(params * 2, state, params),
                lambda: (jnp.zeros_like(params), state),
            )
            return optax.apply_updates(params, updates), state

        for go in (True, False, True):
            params, new_state = step(go, params, state)
            chex.assert_trees_all_equal_shapes_and_dtypes(state, new_state)
            state = new_state
        assert params.dtype == jnp.dtype(dtype)
        assert bool(jnp.all(jnp.isfinite(params)))
