"""The aliases where people train: Flax, equinox, orbax checkpoints, several devices."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from thermolion_optax import phase_statistics, smes, thermolion

ALIASES = {"thermolion": thermolion(1e-2), "smes": smes(1e-2, weight_decay=0.01)}
every_alias = pytest.mark.parametrize("tx", ALIASES.values(), ids=ALIASES)
X = jax.random.normal(jax.random.key(0), (10, 4))
Y = X @ jnp.array([[0.3], [-0.2], [0.1], [0.25]])


def same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@every_alias
def test_flax_nnx_optimizer(tx):
    from flax import nnx

    model = nnx.Linear(4, 1, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)

    def loss(model):
        return jnp.mean((model(X) - Y) ** 2)

    @nnx.jit
    def step(model, optimizer):
        value, grads = nnx.value_and_grad(loss)(model)
        optimizer.update(model, grads)
        return value

    losses = [float(step(model, optimizer)) for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]
    if tx is ALIASES["thermolion"]:
        statistics = phase_statistics(optimizer.opt_state)
        assert set(statistics["snr_mean"]["leaves"])
        assert 0 < statistics["snr_mean"]["all"] < 2.4


@every_alias
def test_flax_train_state(tx):
    from flax.training.train_state import TrainState

    params = {"w": jnp.zeros((4, 1))}
    state = TrainState.create(apply_fn=lambda p, x: x @ p["w"], params=params, tx=tx)

    @jax.jit
    def step(state):
        loss, grads = jax.value_and_grad(lambda p: jnp.mean((state.apply_fn(p, X) - Y) ** 2))(
            state.params
        )
        return state.apply_gradients(grads=grads), loss

    losses = []
    for _ in range(40):
        state, loss = step(state)
        losses.append(float(loss))
    assert losses[-1] < 0.5 * losses[0]


@every_alias
def test_equinox_model(tx):
    eqx = pytest.importorskip("equinox", reason="equinox is in the extra `notebooks`")
    model = eqx.nn.MLP(4, 1, 8, 1, activation=jnp.tanh, key=jax.random.key(0))
    state = tx.init(eqx.filter(model, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(model, state):
        loss, grads = eqx.filter_value_and_grad(lambda m: jnp.mean((jax.vmap(m)(X) - Y) ** 2))(
            model
        )
        updates, state = tx.update(grads, state, eqx.filter(model, eqx.is_inexact_array))
        return eqx.apply_updates(model, updates), state, loss

    losses = []
    for _ in range(40):
        model, state, loss = step(model, state)
        losses.append(float(loss))
    assert losses[-1] < 0.5 * losses[0]


@every_alias
def test_an_unfiltered_equinox_model_gets_a_clear_error(tx):
    eqx = pytest.importorskip("equinox", reason="equinox is in the extra `notebooks`")
    model = eqx.nn.MLP(4, 1, 8, 1, key=jax.random.key(0))
    with pytest.raises(TypeError, match=r"activation.*eqx\.filter"):
        tx.init(model)


@every_alias
def test_an_orbax_checkpoint_goes_on_bit_for_bit(tx, tmp_path):
    ocp = pytest.importorskip("orbax.checkpoint", reason="orbax is in the extra `test`")

    @jax.jit
    def step(params, state):
        updates, state = tx.update(jax.tree.map(jnp.cos, params), state, params)
        return optax.apply_updates(params, updates), state

    params = {"w": jnp.linspace(-1, 1, 12).reshape(3, 4), "b": jnp.zeros(4)}
    run = params, tx.init(params)
    for _ in range(3):
        run = step(*run)
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "step", run)
        checkpointer.wait_until_finished()
        restored = checkpointer.restore(tmp_path / "step", jax.tree.map(jnp.zeros_like, run))
    same(restored, run)
    for _ in range(3):
        run, restored = step(*run), step(*restored)
    same(restored, run)


@every_alias
def test_eight_devices_give_the_updates_of_one(tx):
    params = {"w": jnp.linspace(-1, 1, 64 * 16).reshape(64, 16), "b": jnp.zeros(16)}
    grads = jax.tree.map(lambda p: jnp.cos(40 * p), params)
    mesh = Mesh(np.array(jax.devices()[:8]), ("x",))
    layout = {
        "w": NamedSharding(mesh, PartitionSpec("x")),
        "b": NamedSharding(mesh, PartitionSpec()),
    }
    spread = jax.device_put(params, layout)
    state = tx.init(spread)
    moments = state[0]
    assert moments.mu["w"].sharding == moments.nu["w"].sharding == layout["w"]
    one_state, update = tx.init(params), jax.jit(tx.update)
    spread_grads = jax.device_put(grads, layout)
    for _ in range(3):
        one, one_state = update(grads, one_state, params)
        many, state = update(spread_grads, state, spread)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-6), one, many)
