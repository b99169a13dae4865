"""The aliases inside what optax and jax wrap around them: MultiSteps, masks, vmap, donation."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from aliases import ALIASES, GRADS, PARAMS, close, every_alias, steps
from params import slow

from thermolion_optax import smes, thermolion


@every_alias
@pytest.mark.parametrize("dtype", [jnp.bfloat16, slow(jnp.float32)])
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
    @jax.jit
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
