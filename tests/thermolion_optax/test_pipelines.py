"""The aliases in optax pipelines: the contract that optax asks of a contributed optimizer."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from thermolion_optax import smes, thermolion

ALIASES = {
    "thermolion": lambda **kw: thermolion(**({"learning_rate": 1e-3} | kw)),
    "smes": lambda **kw: smes(**({"learning_rate": 1e-2} | kw)),
}
every_alias = pytest.mark.parametrize("make", ALIASES.values(), ids=ALIASES)
PARAMS = {"w": jnp.array([[1.0, -2.0], [0.5, 3.0]]), "b": jnp.array([0.1, -0.1, 0.0])}
GRADS = jax.tree.map(lambda p: jnp.cos(3 * p), PARAMS)


def steps(tx, params, count, grad_of=lambda p: jax.tree.map(jnp.cos, p), **extra):
    @jax.jit
    def step(params, state):
        updates, state = tx.update(grad_of(params), state, params, **extra)
        return optax.apply_updates(params, updates), state

    state = tx.init(params)
    for _ in range(count):
        params, state = step(params, state)
    return params, state


def close(a, b, rtol=1e-6, atol=1e-8):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=atol), a, b)


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


@every_alias
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float32])
def test_multi_steps_equals_the_mean_gradient(make, dtype):
    params = jax.tree.map(lambda x: x.astype(dtype), PARAMS)
    tx = optax.MultiSteps(make(), every_k_schedule=2)
    state = tx.init(params)
    first, second = GRADS, jax.tree.map(lambda g: 3 * g, GRADS)

    def cast(g):
        return jax.tree.map(lambda x: x.astype(dtype), g)

    updates, state = jax.jit(tx.update)(cast(first), state, params)
    close(updates, jax.tree.map(jnp.zeros_like, params))
    updates, state = jax.jit(tx.update)(cast(second), state, params)
    inner = make()
    mean = cast(jax.tree.map(lambda g: 2 * g, GRADS))
    want, _ = inner.update(mean, inner.init(params), params)
    low = dtype == jnp.bfloat16
    close(
        jax.tree.map(lambda x: x.astype(jnp.float32), updates),
        jax.tree.map(lambda x: x.astype(jnp.float32), want),
        rtol=2e-2 if low else 1e-5,  # bfloat16 has 8 bits, and the mean is rounded once more
    )


@every_alias
def test_map_params_finds_both_slots(make):
    tx = make()
    state = tx.init(PARAMS)
    marked = optax.tree.map_params(tx, lambda x: x + 1, state)
    changed = jax.tree.map(lambda a, b: bool(np.any(a != b)), state, marked)
    assert sum(jax.tree.leaves(changed)) == 2 * len(jax.tree.leaves(PARAMS))


@every_alias
def test_apply_if_finite_protects_and_the_run_goes_on(make):
    tx = optax.apply_if_finite(make(), max_consecutive_errors=3)
    clean, _ = steps(tx, PARAMS, 3, lambda p: GRADS)
    params, state = PARAMS, tx.init(PARAMS)
    bad = jax.tree.map(lambda g: g.at[..., 0].set(jnp.nan), GRADS)
    update = jax.jit(tx.update)
    for g in (GRADS, bad, GRADS, bad, GRADS):
        updates, state = update(g, state, params)
        params = optax.apply_updates(params, updates)
    close(params, clean)


@every_alias
def test_nonfinite_gradients_pass_through_but_not_to_count_and_key(make):
    tx = make()
    for value in (jnp.nan, jnp.inf, -jnp.inf):
        state = tx.init(PARAMS)
        bad = jax.tree.map(lambda g, v=value: g.at[..., 0].set(v), GRADS)
        updates, state = tx.update(bad, state, PARAMS)
        assert not bool(jnp.isfinite(updates["b"][0]))
        assert all(bool(jnp.all(x == 1)) for _, x in optax.tree.get_all_with_path(state, "count"))
        keys = optax.tree.get_all_with_path(state, "key")
        assert all(bool(jnp.all(k == jnp.array([0, 0], jnp.uint32))) for _, k in keys)


@every_alias
def test_optax_lookahead_and_schedule_free_wrap_it(make):
    look = optax.lookahead(make(), sync_period=3, slow_step_size=0.5)
    pair = optax.LookaheadParams.init_synced(PARAMS)
    state = look.init(pair)
    for _ in range(4):
        updates, state = look.update(jax.tree.map(jnp.cos, pair.fast), state, pair)
        pair = optax.apply_updates(pair, updates)
    assert not np.allclose(pair.slow["w"], PARAMS["w"])

    free = optax.contrib.schedule_free(make(), learning_rate=1e-2)
    params, state = steps(free, PARAMS, 30, jax.grad(lambda p: jnp.sum(p["w"] ** 2)))
    averaged = optax.contrib.schedule_free_eval_params(state, params)
    assert float(jnp.sum(averaged["w"] ** 2)) < float(jnp.sum(PARAMS["w"] ** 2))


@every_alias
def test_one_compilation_serves_a_sweep(make):
    names = ["learning_rate", "b1", "b2", "eps", "weight_decay"]
    if make is ALIASES["thermolion"]:
        names += ["solid_scale", "boost", "temperature", "temperature_decay", "exponent"]
    else:
        names += ["alpha"]
    traces = []

    @jax.jit
    def train(settings):
        traces.append(1)
        return steps(make(**settings), PARAMS, 4)[0]

    for scale in (0.1, 0.5, 0.9):
        settings = {name: scale if name != "learning_rate" else scale * 0.01 for name in names}
        close(train(settings), steps(make(**settings), PARAMS, 4)[0], rtol=1e-4, atol=1e-5)
    assert len(traces) == 1


def test_vmap_over_seeds_equals_a_loop_over_seeds():
    def train(key):
        return steps(thermolion(0.01, key=key), PARAMS, 5)[0]

    seeds = jnp.arange(3)
    batched = jax.jit(jax.vmap(train))(seeds)
    for i in range(3):
        close(jax.tree.map(lambda x, i=i: x[i], batched), train(i), rtol=1e-5)
    assert not np.allclose(batched["w"][0], batched["w"][1], atol=1e-7)


@every_alias
def test_donated_buffers_are_free_for_the_taking(make):
    key = jax.random.PRNGKey(7)
    tx = thermolion(1e-3, key=key) if make is ALIASES["thermolion"] else make()
    step = jax.jit(
        lambda p, s: (lambda u, s: (optax.apply_updates(p, u), s))(*tx.update(GRADS, s, p)),
        donate_argnums=(0, 1),
    )
    params, state = jax.tree.map(jnp.copy, PARAMS), tx.init(PARAMS)
    for _ in range(3):
        params, state = step(params, state)
    np.testing.assert_array_equal(key, jax.random.PRNGKey(7))  # the caller's key lives on


@every_alias
@pytest.mark.parametrize("where", ["alias", "gas", "solid"])
def test_masked_leaves_pass_through(make, where):
    from thermolion_optax import alignment_boost, scale_by_snr_gate, thermal_noise

    only_matrices = {"w": True, "b": False}
    if where == "alias":
        tx = optax.masked(make(weight_decay=0.0), only_matrices)
        whole = make(weight_decay=0.0)
        u, _ = tx.update(GRADS, tx.init(PARAMS), PARAMS)
        want, _ = whole.update(GRADS, whole.init(PARAMS), PARAMS)
        np.testing.assert_array_equal(u["b"], GRADS["b"])
        np.testing.assert_allclose(u["w"], want["w"], rtol=1e-6)
        return
    parts = {"gas": alignment_boost(0.5), "solid": thermal_noise(1.0)}
    masked = scale_by_snr_gate(**{where: optax.masked(parts[where], only_matrices)})
    full, none = scale_by_snr_gate(**{where: parts[where]}), scale_by_snr_gate()
    u, a, b = (tx.update(GRADS, tx.init(PARAMS))[0] for tx in (masked, full, none))
    np.testing.assert_array_equal(u["w"], a["w"])
    np.testing.assert_array_equal(u["b"], b["b"])
    assert not np.allclose(a["b"], b["b"])


@every_alias
def test_partition_gives_each_group_its_own(make):
    tx = optax.partition({"ours": make(), "sgd": optax.sgd(0.1)}, {"w": "ours", "b": "sgd"})
    u, _ = tx.update(GRADS, tx.init(PARAMS), PARAMS)
    alone = make()
    want, _ = alone.update({"w": GRADS["w"]}, alone.init({"w": PARAMS["w"]}), {"w": PARAMS["w"]})
    np.testing.assert_allclose(u["w"], want["w"], rtol=1e-6)
    np.testing.assert_allclose(u["b"], -0.1 * GRADS["b"], rtol=1e-6)


@every_alias
@pytest.mark.parametrize(
    "params", [jnp.float32(2.0), {}, {"a": None, "b": jnp.ones(2)}, {"a": jnp.zeros((0, 3))}, ()]
)
def test_unusual_trees_work(make, params):
    tx = make()
    state = tx.init(params)
    for _ in range(2):
        updates, state = jax.jit(tx.update)(params, state, params)
        chex.assert_trees_all_equal_shapes_and_dtypes(updates, params)
    assert all(bool(jnp.all(jnp.isfinite(x))) for x in jax.tree.leaves((updates, state)))


def test_params_may_be_left_out_where_nothing_decays():
    for tx in (thermolion(weight_decay=0.0), smes(1e-3)):
        updates, _ = tx.update(GRADS, tx.init(PARAMS))
        assert float(jnp.abs(updates["w"]).max()) > 0


def test_a_line_search_may_pass_its_own_grad():
    tx = thermolion()
    other = jax.tree.map(lambda g: -g, GRADS)
    a, _ = tx.update(GRADS, tx.init(PARAMS), PARAMS, grad=other, value=1.0)
    b, _ = tx.update(GRADS, tx.init(PARAMS), PARAMS)
    close(a, b)
