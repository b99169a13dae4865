"""The noise as a function of key, step, leaf and element: its definition, on any layout."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from draws import noise
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from thermolion_optax import _generator, thermal_noise


def test_seeds_differ_and_every_bit_matters():
    keys = jnp.arange(1000, dtype=jnp.uint32)
    both = jax.vmap(
        lambda k: jax.vmap(lambda t: _generator.seeds(jnp.array([0, k]), t, ["w"])[0])(keys)
    )(keys)
    words = np.asarray(both).reshape(-1, 2).astype(np.uint64)
    assert np.unique((words[:, 0] << 32) | words[:, 1]).size == 1_000_000
    # Changing one bit of key or step flips every bit of the seed about half of the time.
    start = np.asarray(jax.random.bits(jax.random.key(1), (2000, 3), jnp.uint32))
    seed = jax.jit(jax.vmap(lambda x: _generator.seeds(x[:2], x[2], ["w"])[0]))
    before = np.asarray(seed(start))
    for bit in range(96):
        flip = np.zeros(3, np.uint32)
        flip[bit // 32] = 1 << bit % 32
        changed = before ^ np.asarray(seed(start ^ flip))
        share = [((changed >> b) & 1).mean(0) for b in range(32)]
        assert np.abs(np.array(share) - 0.5).max() < 6 * 0.5 / math.sqrt(2000), bit


def test_leaves_of_one_shape_can_share_their_kernel():
    """What tells two leaves apart is an argument of the kernel, not a number written into it.

    XLA compiles kernels once that differ in nothing; with many layers this is most of the time.
    """
    params = {name: jnp.zeros((64, 64)) for name in ("w", "b")}
    tx = thermal_noise()
    state = tx.init(params)
    text = jax.jit(tx.update).lower(params, state, nu=params).compile().as_text()
    for name in params:
        first, second = _generator.leaf_words(f"['{name}']")
        assert f"u32[2]{{0}} constant({{{first}, {second}}})" in text
        assert f"u32[] constant({first})" not in text
        assert f"u32[] constant({second})" not in text


def numpy_normal(s0, s1, count):
    """The scheme as its documentation has it, in NumPy, float64 at the end."""
    u = np.uint32

    def mix(x, key):
        half = (x ^ (x >> u(16))) * u(0x7FEB352D)
        x = (half ^ (half >> u(15)) ^ key) * u(0x846CA68B)
        return x ^ (x >> u(16)), half

    with np.errstate(over="ignore"):
        a, _ = mix(np.arange(count, dtype=u) * u(0x9E3779B1) + s0, s1)
        b, half = mix(a + s1, s0)
    nibbles = sum(((word >> u(4 * i)) & u(15)).astype(int) for word in (a, b) for i in range(8))
    fractions = (half >> u(16)) / 2**16 + (half & u(0xFFFF)) / 2**16
    z = (nibbles + fractions - 121) / math.sqrt(340 + 1 / 6)
    return z * (0.9905951063240052 + 0.0029683744881939147 * z**2 + 4.983378114880991e-05 * z**4)


def test_numbers_are_those_of_the_documented_scheme():
    seed = np.array([0x12345678, 0x9ABCDEF0], np.uint32)
    want = numpy_normal(seed[0], seed[1], 100_000)
    found = jax.jit(_generator.normal, static_argnums=1)(jnp.asarray(seed), (100_000,))
    np.testing.assert_allclose(found, want, rtol=5e-7, atol=1e-7)


def test_numbers_stay_the_same_between_versions():
    """Runs are repeatable: whoever changes these numbers changes everybody's results."""
    words = _generator.seeds(jnp.array([1, 2], jnp.uint32), jnp.int32(3), ["['w']"])
    assert [seed.tolist() for seed in words] == [[86576004, 4159096619]]
    assert _generator.leaf_words("['w']") == (1630840661, 3011575293)


def test_one_leaf_alone_decides_its_numbers():
    """Neither other leaves nor the grouping of its elements matter."""
    tx = thermal_noise(1.0, 1.0, floor=0.0, cutoff=0.0, key=0)
    ones = {"a": jnp.ones((3, 5)), "b": jnp.ones(15), "w": jnp.ones((2, 3))}
    zeros = jax.tree.map(jnp.zeros_like, ones)
    together = jax.jit(lambda: tx.update(zeros, tx.init(zeros), nu=ones)[0])()
    for name, x in ones.items():
        np.testing.assert_array_equal(together[name], noise(x.shape, path=name))
    np.testing.assert_array_equal(noise((4, 7)).ravel(), noise((28,)))
    np.testing.assert_array_equal(noise((28,))[:9], noise((9,)))
    assert not np.array_equal(together["a"].ravel(), together["b"])


def test_same_bits_in_jit_scan_vmap_and_on_any_sharding():
    shape, steps = (16, 8, 24), jnp.arange(4)
    want = np.stack([noise(shape, t) for t in range(4)])
    np.testing.assert_array_equal(jax.vmap(lambda t: noise(shape, t))(steps), want)
    scanned = jax.jit(lambda: jax.lax.scan(lambda _, t: (None, noise(shape, t)), None, steps)[1])
    np.testing.assert_array_equal(scanned(), want)
    mesh = jax.make_mesh((4, 2), ("x", "y"), axis_types=(jax.sharding.AxisType.Auto,) * 2)
    for spec in (P("x"), P(None, "x"), P(None, None, "y"), P("x", "y"), P(("x", "y"))):
        out = NamedSharding(mesh, spec)
        sharded = jax.jit(lambda: noise(shape, 2), out_shardings=out)()
        assert sharded.sharding.is_equivalent_to(out, 3)
        np.testing.assert_array_equal(sharded, want[2])
