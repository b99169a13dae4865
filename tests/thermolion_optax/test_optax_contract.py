"""What optax asks of its own optimizers, asked of every public transformation."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from bad_inputs import factories
from params import slow

import thermolion_optax as lion

NEEDED = {
    "graft": {"direction": optax.scale_by_adam(), "magnitude": optax.trace(0.9)},
    "lookahead": {"inner": optax.adamw(1e-2), "sync_period": 2},
    "stochastic_weight_averaging": {"inner": optax.adamw(1e-2), "start_step": 1},
    "smes": {"learning_rate": 1e-2, "weight_decay": 1e-2},
    "muadam": {"weight_decay": 1e-2},
    "swats": {"weight_decay": 1e-2, "switch": 2},
}
FACTORIES = factories()
each = pytest.mark.parametrize("name", FACTORIES)
PARAMS = [jnp.full((2, 3), -1.0, jnp.float32), jnp.ones((2, 5, 2))]
GRADS = jax.tree.map(jnp.negative, PARAMS)
WRAPPERS = {
    "chain": lambda tx: optax.chain(optax.clip_by_global_norm(1.0), tx),
    "named_chain": lambda tx: optax.named_chain(("clip", optax.clip(1.0)), ("own", tx)),
    "masked": lambda tx: optax.masked(tx, [True, False], mask_compatible_extra_args=True),
    "partition": lambda tx: optax.partition({"a": tx, "b": optax.set_to_zero()}, ["a", "b"]),
    "apply_if_finite": lambda tx: optax.apply_if_finite(tx, 3),
    "MultiSteps": lambda tx: optax.MultiSteps(tx, 2),
    "conditionally_transform": lambda tx: optax.conditionally_transform(tx, lambda step: step > 0),
    "with_extra_args_support": optax.with_extra_args_support,
}


def build(name, factory=None):
    return (factory or FACTORIES[name])(**NEEDED.get(name, {}))


def update_of(tx):
    """The update with a gradient beside it, as alignment_boost wants it outside the gate."""
    return lambda grads, state, params: tx.update(grads, state, params, grad=grads, unexpected=1)


def abstract(tree):
    """Shapes, dtypes and weak types."""
    return jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), tree)


@each
def test_init_of_abstract_shapes_is_that_of_arrays(name):
    tx = build(name)
    shapes = jax.eval_shape(lambda x: x, PARAMS)
    found, want = jax.eval_shape(tx.init, shapes), tx.init(PARAMS)
    assert abstract(found) == abstract(want)
    assert abstract(jax.jit(tx.init)(PARAMS)) == abstract(want)


@each
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_updates_have_the_gradients_dtype_and_the_state_is_stable(name, dtype):
    with jax.enable_x64(dtype == "float64"):
        tx = build(name)
        params = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, dtype), PARAMS)
        state = jax.eval_shape(tx.init, params)
        updates, new = jax.eval_shape(update_of(tx), params, state, params)
        assert abstract(updates) == abstract(params)
        assert abstract(new) == abstract(state)


@each
@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_the_state_is_stable_in_every_wrapper(name, wrap):
    tx = wrap(build(name))
    state = jax.eval_shape(tx.init, PARAMS)
    updates, new = jax.eval_shape(update_of(tx), PARAMS, state, PARAMS)
    assert [u.shape for u in updates] == [p.shape for p in PARAMS]
    assert abstract(new) == abstract(state)


@each
def test_a_second_step_compiles_nothing(name):
    tx, traces = build(name), []

    @jax.jit
    def step(params, state):
        traces.append(1)
        updates, state = update_of(tx)(GRADS, state, params)
        return optax.apply_updates(params, updates), state

    step(*step(PARAMS, tx.init(PARAMS)))
    assert len(traces) == 1


@each
def test_injected_hyperparameters_change_nothing(name):
    tx, injected = build(name), build(name, optax.inject_hyperparams(FACTORIES[name]))
    want, state = jax.jit(update_of(tx))(GRADS, jax.jit(tx.init)(PARAMS), PARAMS)
    found, other = jax.jit(update_of(injected))(GRADS, jax.jit(injected.init)(PARAMS), PARAMS)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    assert jax.tree.structure(other.inner_state) == jax.tree.structure(state)


@each
@pytest.mark.parametrize("dtype", ["bfloat16", slow("float32")])
def test_accumulated_gradients_wait_for_the_last(name, dtype):
    tx = optax.MultiSteps(build(name), every_k_schedule=4)
    params = jnp.array([1.0, 2.0], dtype)
    updates, _ = jax.jit(update_of(tx))(2 * params, jax.jit(tx.init)(params), params)
    np.testing.assert_array_equal(updates, jnp.zeros(2, dtype))


@each
def test_map_params_changes_no_state_in_vain(name):
    tx = build(name)
    state = tx.init(PARAMS)
    same = optax.tree.map_params(tx, lambda x: x, state)
    assert jax.tree.structure(same) == jax.tree.structure(state)
    jax.tree.map(np.testing.assert_array_equal, same, state)


def test_map_params_takes_a_tree_as_mask():
    for name in ("thermolion", "smes", "muadam", "swats"):
        tx = FACTORIES[name](1e-2, weight_decay=0.1, mask=[True, False])
        state = tx.init(PARAMS)
        same = optax.tree.map_params(tx, lambda x: x, state)
        assert jax.tree.structure(same) == jax.tree.structure(state)


@pytest.mark.parametrize(
    "tx",
    [
        lion.thermolion(optax.cosine_decay_schedule(0.1, 2000), weight_decay=0.0),
        lion.smes(0.1),
        lion.smes(0.03, alpha=0.0),
        lion.muadam(0.03),
        lion.swats(0.1),
        lion.lookahead(optax.adam(0.1)),
        lion.stochastic_weight_averaging(optax.adam(0.1), 1000),
        optax.chain(lion.graft(optax.scale_by_adam(), optax.identity()), optax.scale(-0.05)),
        optax.chain(lion.normalize_distortion(), lion.alignment_boost(decay=0.9), optax.sgd(0.05)),
    ],
)
def test_a_parabola_is_solved(tx):
    target = (jnp.array([1.0, -1.0, 2.0]), jnp.array([[1.0, 0.0], [-1.0, 1.0]]))
    start = jax.tree.map(jnp.zeros_like, target)

    def step(carry, _):
        params, state = carry
        grads = jax.tree.map(lambda p, t: 2 * (p - t), params, target)
        updates, state = tx.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), None

    (params, _), _ = jax.lax.scan(step, (start, tx.init(start)), length=2000)
    jax.tree.map(lambda p, t: np.testing.assert_allclose(p, t, 3e-2, 3e-2), params, target)


def positional(function):
    kinds = inspect.signature(function).parameters.values()
    return [p.name for p in kinds if p.kind is not inspect.Parameter.KEYWORD_ONLY]


def test_arguments_stand_in_adamws_order():
    first = list(inspect.signature(optax.adamw).parameters)[:4]
    assert first == ["learning_rate", "b1", "b2", "eps"]
    for alias in (lion.thermolion, lion.muadam, lion.swats):
        assert positional(alias) == first
    assert positional(lion.smes) == ["learning_rate", "alpha", "b1", "b2", "eps"]
    for scale in (lion.scale_by_snr_gate, lion.scale_by_muadam):
        assert positional(scale) == list(inspect.signature(optax.scale_by_adam).parameters)[:3]
    assert positional(lion.scale_by_smes) == ["alpha", "b1", "b2", "eps"]


def test_what_both_have_has_one_name():
    adamw = set(inspect.signature(optax.adamw).parameters)
    for alias in (lion.thermolion, lion.smes, lion.muadam, lion.swats):
        shared = {"learning_rate", "b1", "b2", "eps", "weight_decay", "mask", "mu_dtype"}
        assert shared <= adamw & set(inspect.signature(alias).parameters)
