"""Parameters and state on meshes of 1, 2, 4 and 8 devices: same updates, no gathering."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from params import slow

from thermolion_optax import scale_by_snr_gate, smes, thermal_noise, thermolion

SHAPES = {"kernel": (64, 48), "bias": (48,), "scale": (), "conv": (3, 3, 16, 24)}
LAYOUTS = {
    "data-parallel": {},
    "fsdp": {"kernel": P("x"), "bias": P("x"), "conv": P(None, None, "x")},
    "tensor-parallel": {"kernel": P(None, "x"), "bias": P("x"), "conv": P(None, None, None, "x")},
}
STEPS = 3


def tree(seed):
    rng = np.random.default_rng(seed)
    return {k: jnp.asarray(rng.normal(0, 0.1, s), jnp.float32) for k, s in SHAPES.items()}


def mesh_of(devices, kind=AxisType.Auto):
    return jax.make_mesh((devices,), ("x",), axis_types=(kind,), devices=jax.devices()[:devices])


def place(values, mesh, layout):
    return {
        k: jax.device_put(v, NamedSharding(mesh, LAYOUTS[layout].get(k, P())))
        for k, v in values.items()
    }


def make_step(tx):
    def step(params, state, grads):
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    return jax.jit(step)


def train(tx, mesh=None, layout="data-parallel"):
    """Parameters and state after three steps; on one device where there is no mesh."""
    put = (lambda t: t) if mesh is None else (lambda t: place(t, mesh, layout))
    params, step = put(tree(0)), make_step(tx)
    state = tx.init(params)
    for i in range(STEPS):
        params, state = step(params, state, put(tree(i + 1)))
    return params, state


def assert_equal(found, wanted):
    """The same state bit for bit, and the same parameters, which every step rounds.

    Until JAX 0.12 bit for bit, too. Since then its CPU compiler joins the last product and sum
    into one instruction, or not, by the size of a device's part: each step may round once more or
    less (optax.lion on the same meshes does the same).
    """
    jax.tree.map(np.testing.assert_array_equal, found[1], wanted[1])
    roundings = STEPS if jax.__version_info__ >= (0, 12) else 0
    for name, p in found[0].items():
        ulp = np.spacing(np.abs(wanted[0][name]).max())
        np.testing.assert_allclose(p, wanted[0][name], rtol=0, atol=roundings * ulp)


def assert_laid_out_like(moments, params):
    for name, p in params.items():
        assert moments[name].sharding.is_equivalent_to(p.sharding, p.ndim), name


def collectives(text, *, rare=False):
    """Kinds of collectives in a compiled program, with the sizes of what they return.

    Those of a branch that is not taken while numbers are finite only if ``rare``.
    """
    text = "\n".join(line for line in text.splitlines() if ("/cond/branch_" in line) is rare)
    found = re.findall(
        r"= (\S.*?) (all-gather|all-reduce|all-to-all|collective-permute|reduce-scatter"
        r"|collective-broadcast)(?:-start)?\(",
        text,
    )
    shapes = [(kind, re.findall(r"\w+\[([\d,]*)\]", type_)) for type_, kind in found]
    return [(kind, dims) for kind, all_dims in shapes for dims in all_dims]


def test_the_search_for_collectives_finds_them():
    mesh = mesh_of(8)
    sharded = jax.device_put(jnp.ones((8, 4)), NamedSharding(mesh, P("x")))
    gather = jax.jit(lambda x: x + 1, out_shardings=NamedSharding(mesh, P()))
    assert collectives(gather.lower(sharded).compile().as_text()) == [("all-gather", "8,4")]
    total = jax.jit(jnp.sum).lower(sharded).compile().as_text()
    assert collectives(total) == [("all-reduce", "")]


NOISE_FREE = {
    "thermolion": lambda: thermolion(1e-2, temperature=0.0),
    **{f"smes, alpha {a}": lambda a=a: smes(1e-2, a) for a in (0.0, 0.25, 0.3, 0.5, 1.0)},
    "gate": lambda: scale_by_snr_gate(),
}
AUTO, EXPLICIT = AxisType.Auto, AxisType.Explicit
MESHES = [
    slow(1, "fsdp", AUTO),
    slow(2, "fsdp", EXPLICIT),
    (4, "tensor-parallel", EXPLICIT),
    (8, "fsdp", AUTO),
    slow(8, "data-parallel", AUTO),
    slow(8, "tensor-parallel", AUTO),
]
name_of = lambda value: getattr(value, "name", str(value))  # noqa: E731


@pytest.fixture(scope="module")
def on_one_device():
    txs = {name: make() for name, make in NOISE_FREE.items()} | {"noisy": thermolion(1e-2)}
    return {name: jax.device_get(train(tx)) for name, tx in txs.items()}


@pytest.mark.parametrize(("devices", "layout", "kind"), MESHES, ids=name_of)
def test_updates_are_one_devices(devices, layout, kind, on_one_device):
    """The elementwise part; and moments and steps keep the parameters' layout."""
    mesh = mesh_of(devices, kind)
    tx = NOISE_FREE["thermolion"]()
    with jax.set_mesh(mesh):
        params, state = train(tx, mesh, layout)
        text = make_step(tx).lower(params, state, params).compile().as_text()
    assert collectives(text) == []
    assert_equal((params, state), on_one_device["thermolion"])
    for slot in (state[0].mu, state[0].nu):
        assert_laid_out_like(slot, params)


@pytest.mark.parametrize("name", [name for name in NOISE_FREE if name != "thermolion"])
def test_the_gate_and_smes_do_the_same(name, on_one_device):
    mesh = mesh_of(8)
    params, state = train(NOISE_FREE[name](), mesh, "fsdp")
    assert_equal((params, state), on_one_device[name])
    assert_laid_out_like((state if name == "gate" else state[0]).mu, params)


@pytest.mark.parametrize(("devices", "layout", "kind"), MESHES, ids=name_of)
def test_noise_differs_by_the_rounding_of_a_mean_only(devices, layout, kind, on_one_device):
    """And all that the devices tell each other is one number for each sharded tensor."""
    mesh, tx = mesh_of(devices, kind), thermolion(1e-2)
    with jax.set_mesh(mesh):
        params = place(tree(0), mesh, layout)
        state = jax.jit(tx.init)(params)
        step = make_step(tx).lower(params, state, params).compile()
        for i in range(STEPS):
            params, state = step(params, state, place(tree(i + 1), mesh, layout))
    want, want_state = on_one_device["noisy"]
    # The moments do not depend on the noise; sigma is a sum of positives, in another order.
    jax.tree.map(np.testing.assert_array_equal, state[0].mu, want_state[0].mu)
    for name, p in params.items():
        np.testing.assert_allclose(p, want[name], rtol=1e-6, atol=1e-8)
        noise_free = on_one_device["thermolion"][0][name]
        assert np.abs(p - noise_free).max() > 1e-5, name
    found = collectives(step.as_text())
    assert len(found) <= len(LAYOUTS[layout])
    assert all(kind == "all-reduce" and dims == "" for kind, dims in found), found
    assert bool(found) == (devices > 1 and bool(LAYOUTS[layout]))
    # Where a moment has overflowed, each device's part of the mean, at most three numbers.
    for _, dims in collectives(step.as_text(), rare=True):
        assert math.prod(int(size) for size in dims.split(",") if size) <= 3 * devices


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", [AUTO, EXPLICIT], ids=name_of)
@pytest.mark.parametrize("init", ["eager", "jitted", "jitted in a mesh"])
def test_state_is_laid_out_like_the_parameters_from_init_on(layout, kind, init):
    mesh = jax.make_mesh((4, 2), ("x", "y"), axis_types=(kind,) * 2)
    params = place(tree(0), mesh, layout)
    tx = thermolion(mu_dtype=jnp.bfloat16)
    if init == "jitted in a mesh":
        with jax.set_mesh(mesh):
            state = jax.jit(tx.init)(params)
    else:
        state = (tx.init if init == "eager" else jax.jit(tx.init))(params)
    for slot in (state[0].mu, state[0].nu):
        assert_laid_out_like(slot, params)


def test_shard_map_with_replicated_parameters(on_one_device):
    """Data-parallel by hand: every device averages the gradient and makes the same update."""
    tx, mesh = thermolion(1e-2), mesh_of(8)
    params = tree(0)

    def step(params, state, parts):
        grads = jax.tree.map(lambda g: jax.lax.pmean(g[0], "x"), parts)
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    whole, split = P(), P("x")
    init = jax.jit(jax.shard_map(tx.init, mesh=mesh, in_specs=whole, out_specs=whole))
    mapped = jax.jit(
        jax.shard_map(step, mesh=mesh, in_specs=(whole, whole, split), out_specs=(whole, whole))
    )
    state = init(params)
    for i in range(STEPS):
        # Eight parts whose mean is the gradient exactly: g + d and g - d four times each.
        parts = jax.tree.map(lambda g: jnp.stack([2 * g, 0 * g] * 4), tree(i + 1))
        params, state = mapped(params, state, parts)
    want, _ = on_one_device["noisy"]
    for name, p in params.items():
        np.testing.assert_allclose(p, want[name], rtol=1e-6, atol=1e-8)


def test_pieces_of_a_manually_sharded_leaf_as_documented():
    """Mean and numbers are the piece's own; a key folded with the axis index parts the noise."""
    mesh, scale = mesh_of(4), jnp.repeat(jnp.array([1.0, 4.0, 9.0, 16.0]), 5000)
    zeros = jnp.zeros_like(scale)

    def noise(fold):
        def piece(u, v):
            key = jax.random.key(3)
            key = jax.random.fold_in(key, jax.lax.axis_index("x")) if fold else key
            tx = thermal_noise(1.0, 1.0, floor=0.0, cutoff=0.0, key=key)
            return tx.update(u, tx.init(u), nu=v)[0]

        mapped = jax.shard_map(piece, mesh=mesh, in_specs=P("x"), out_specs=P("x"))
        return np.asarray(jax.jit(mapped)(zeros, scale)).reshape(4, 5000)

    same, apart = noise(fold=False), noise(fold=True)
    for i, row in enumerate(same):
        np.testing.assert_allclose(row, same[0] * (i + 1), rtol=1e-6)
    correlation = np.corrcoef(apart) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(5000)
    np.testing.assert_allclose(apart.std(1), [1, 2, 3, 4], rtol=0.05)
