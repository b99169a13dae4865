"""The noise as a random number generator: its distribution, its independence, its definition."""

import functools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from scipy import stats

from thermolion_optax import _generator, thermal_noise

N = 2**20
# The greatest of N standard normal numbers passes 5.3; 6.5 is passed once in ten thousand tests.
WORST_OF_N = 6.5


@functools.partial(jax.jit, static_argnums=0, static_argnames="path")
def noise(shape, step=0, key=0, path="w"):
    """The transformation's standard normal numbers for one leaf at one (0-based) step."""
    tx = thermal_noise(1.0, 1.0, floor=0.0, cutoff=0.0, key=key)
    state = tx.init({path: jnp.zeros(shape)})._replace(count=jnp.asarray(step, jnp.int32))
    return tx.update({path: jnp.zeros(shape)}, state, nu={path: jnp.ones(shape)})[0][path]


def leaf_streams(shape, count):
    """Those of many leaves at one step, named as layers are, float64, shape (count, *shape)."""
    paths = [f"['layer{i}']['w']" for i in range(count)]
    words = jnp.stack(_generator.seeds(jnp.zeros(2, jnp.uint32), jnp.int32(0), paths))
    return np.asarray(jax.vmap(lambda s: _generator.normal(s, shape))(words), np.float64)


def streams(shape, steps=(0,), keys=(0,), path="w"):
    """Those of several steps and keys, float64, shape (keys, steps, *shape)."""
    one = jax.vmap(jax.vmap(lambda k, t: noise(shape, t, k, path=path), (None, 0)), (0, None))
    return np.asarray(jax.jit(one)(jnp.asarray(keys), jnp.asarray(steps)), np.float64)


@pytest.fixture(scope="module")
def sums():
    """Exact weights of the 241 sums of sixteen nibbles, out of 16^16."""
    weights = [1]
    for _ in range(16):
        weights = [
            sum(weights[i - j] for j in range(16) if 0 <= i - j < len(weights))
            for i in range(len(weights) + 15)
        ]
    assert sum(weights) == 16**16
    return weights


def exact_moments(sums, highest):
    """E[(sum + d - 120.5)^k] for even k, d uniform on [0, 1), in exact arithmetic."""
    ends = [Fraction(2 * k - 241, 2) for k in range(241)]
    return {
        k: sum(w * ((a + 1) ** (k + 1) - a ** (k + 1)) for w, a in zip(sums, ends, strict=True))
        / (16**16 * (k + 1))
        for k in range(2, highest + 1, 2)
    }


def test_constants_give_the_moments_of_a_normal_number(sums):
    m = exact_moments(sums, 40)
    assert m[2] == Fraction(16 * 255, 12) + Fraction(1, 12)
    assert pytest.approx(math.sqrt(m[2]), rel=1e-15) == _generator._STD
    c = [Fraction(x) for x in (_generator._C1, _generator._C3, _generator._C5)]
    z = {k: float(m[k] / m[2] ** (k // 2)) for k in m}

    def moment(power):
        poly = [Fraction(1)]
        for _ in range(power):
            poly = [
                sum(poly[i - j] * c[j] for j in range(3) if 0 <= i - j < len(poly))
                for i in range(len(poly) + 2)
            ]
        return sum(float(x) * z[power + 2 * i] for i, x in enumerate(poly))

    assert [moment(2), moment(4), moment(6)] == pytest.approx([1, 3, 15], rel=1e-13)
    assert moment(8) == pytest.approx(105, rel=3e-4)


def test_distribution_function_is_the_normal_one(sums):
    """What ideal bits would give: the scheme's own distance to the normal distribution."""
    edges = (np.arange(242) - 120.5) / _generator._STD
    below = np.cumsum([0, *sums], dtype=object)
    z = np.linspace(edges[0], edges[-1], 200_001)
    n = z * (_generator._C1 + z**2 * (_generator._C3 + _generator._C5 * z**2))
    cdf = np.interp(z, edges, (below / 16**16).astype(float))
    assert np.abs(cdf - stats.norm.cdf(n)).max() < 6e-5
    # The lower tail, where the distribution function has its full relative precision.
    for sigma, tolerance in ((2, 0.001), (3, 0.002), (4, 0.01), (4.5, 0.03), (5, 0.1)):
        share = np.interp(-sigma, n, cdf) / stats.norm.cdf(-sigma)
        assert abs(share - 1) < tolerance, sigma
    assert 7.8 < n[-1] < 8


@pytest.fixture(scope="module")
def forty_million():
    """Power sums, extremes and tail counts over 40 steps of a leaf of a million elements."""
    limits = (2.0, 3.0, 3.5, 4.0, 4.5)

    @jax.jit
    def summary(steps):
        def one(t):
            x = noise((1000, 1000), t, key=7)
            powers = jnp.stack([(x**k).sum(1).astype(jnp.float32) for k in range(1, 7)])
            tails = jnp.array([[(x > c).sum(), (x < -c).sum()] for c in limits])
            return powers, tails

        return jax.lax.map(one, steps)

    powers, tails = jax.device_get(summary(jnp.arange(40)))
    return 40 * 10**6, powers.astype(np.float64).sum((0, 2)), limits, tails.sum(0)


def test_moments_to_the_sixth(forty_million):
    n, sums, _, _ = forty_million
    normal = [1, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0, 10395]
    for k, total in enumerate(sums, start=1):
        error = math.sqrt((normal[2 * k] - normal[k] ** 2) / n)
        assert abs(total / n - normal[k]) < 4 * error, k


def test_tails_to_four_and_a_half_sigma(forty_million):
    n, _, limits, counts = forty_million
    for sigma, (above, below) in zip(limits, counts, strict=True):
        expected = n * stats.norm.sf(sigma)
        allowed = 4 * math.sqrt(expected) + (0.03 if sigma > 4 else 0.01) * expected
        assert abs(above - expected) < allowed, sigma
        assert abs(below - expected) < allowed, sigma


@pytest.mark.parametrize(
    ("shape", "steps", "keys"),
    [((1_000_000,), 1, 1), ((1,), 1_000_000, 1), ((1,), 1, 1_000_000), ((10, 10), 100, 100)],
    ids=["elements", "steps", "keys", "all"],
)
def test_kolmogorov_smirnov_at_a_million(shape, steps, keys):
    x = streams(shape, np.arange(steps), np.arange(keys)).ravel()
    assert x.size == 1_000_000
    assert stats.kstest(x, "norm").pvalue > 0.001


def test_kolmogorov_smirnov_over_leaves():
    """A hundred elements of ten thousand leaves, named as layers are."""
    x = leaf_streams((100,), 10_000)
    assert stats.kstest(x.ravel(), "norm").pvalue > 0.001
    assert abs(np.corrcoef(x[:, 0], np.arange(10_000))[0, 1]) < 0.05
    assert np.abs(np.corrcoef(x.T) - np.eye(100)).max() < 5.5 / math.sqrt(10_000)


def largest_correlation(x, y):
    """The greatest correlation of x with y shifted by any lag, in standard errors."""
    products = np.fft.ifft(np.fft.fft(x) * np.conj(np.fft.fft(y))).real
    if x is y:
        products = products[1:]
    return np.abs(products).max() / (x.std() * y.std() * math.sqrt(x.size))


VIEWS = {"values": lambda x: x, "squares": lambda x: x**2 - 1, "signs": np.sign}


@pytest.mark.parametrize("view", VIEWS)
def test_neighbours_steps_keys_and_leaves_are_independent_at_every_lag(view):
    f = VIEWS[view]
    base = f(np.asarray(noise((N,)), np.float64))
    others = {
        "neighbours": base,
        "next step": f(np.asarray(noise((N,), step=1), np.float64)),
        "step 256 on": f(np.asarray(noise((N,), step=256), np.float64)),
        "next key": f(np.asarray(noise((N,), key=1), np.float64)),
        "key, high bit": f(
            np.asarray(noise((N,), key=jnp.array([1 << 31, 0], jnp.uint32)), np.float64)
        ),
        "next leaf": f(np.asarray(noise((N,), path="w2"), np.float64)),
        "step and key swapped": f(np.asarray(noise((N,), step=1, key=1), np.float64)),
    }
    for name, other in others.items():
        assert largest_correlation(base, other) < WORST_OF_N, name


@pytest.mark.parametrize("along", ["steps", "keys", "leaves"])
def test_no_linear_relation_among_many_streams(along):
    """256 streams of 16,384: all pairs, and the spectrum of their correlation matrix."""
    if along == "leaves":
        x = leaf_streams((2**14,), 256)
    else:
        x = streams((2**14,), **{along: np.arange(256)}).reshape(256, -1)
    correlation = np.corrcoef(x)
    assert np.abs(correlation - np.eye(256)).max() < 6 / 2**7
    spread = math.sqrt(256 / 2**14)
    values = np.linalg.eigvalsh(correlation)  # Marchenko-Pastur: (1 ± spread)^2
    assert (1 - spread) ** 2 - 0.02 < values[0]
    assert values[-1] < (1 + spread) ** 2 + 0.02


@pytest.mark.parametrize("lag", [1, 2, 64, 1024])
def test_pairs_fill_the_plane_evenly(lag):
    """A chi-squared test of 32 x 32 equally likely cells for pairs at a distance."""
    cell = (stats.norm.cdf(noise((N,), step=3)) * 32).astype(int)
    counts = np.bincount(cell[:-lag] * 32 + cell[lag:], minlength=1024)
    assert 0.0005 < stats.chisquare(counts).pvalue < 0.9995


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
    z = (nibbles + (half >> u(8)) / 2**24 - 120.5) / math.sqrt(4081 / 12)
    return z * (0.9905907710602437 + 0.002969548044600109 * z**2 + 4.990630754834197e-05 * z**4)


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


@pytest.mark.parametrize("limit", [16, 50, 144, 2**32])
@pytest.mark.parametrize("shape", [(), (0, 3), (40,), (3, 6, 3), (16, 16), (5, 1, 7, 9), (2,) * 8])
def test_elements_are_numbered_apart_in_leaves_of_any_size(shape, limit, monkeypatch):
    """With the limit of a word lowered, no two elements share number and seed words."""
    monkeypatch.setattr(_generator, "_WORD", limit)
    parts = jax.jit(lambda: _generator._number(shape, jnp.uint32(5), jnp.uint32(9)))()
    whole = np.stack([np.broadcast_to(p, shape).ravel() for p in parts])
    assert np.unique(whole, axis=1).shape[1] == math.prod(shape)


def test_rows_of_a_huge_leaf_are_independent(monkeypatch):
    """Were only one seed word changed from row to row, rows would be rotations of each other."""
    monkeypatch.setattr(_generator, "_WORD", 2**16)
    x = np.asarray(noise((32, 2**16)), np.float64)
    assert abs(x.var() - 1) < 0.005
    for row in x[1:]:
        assert largest_correlation(x[0], row) < WORST_OF_N


def test_leaves_beyond_a_word_can_be_traced():
    for shape in ((2**20, 2**14), (3, 2**33), (2**33,), (2**17, 2, 2**17)):
        traced = jax.eval_shape(
            lambda s, shape=shape: _generator.normal(s, shape), jnp.zeros(2, jnp.uint32)
        )
        assert traced.shape == shape
