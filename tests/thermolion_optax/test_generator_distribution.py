"""The noise's distribution: exactly, by convolution, and as it is drawn."""

import functools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import noise
from scipy import stats

from thermolion_optax import _generator


def moments_of_the_sum(highest):
    """E[(nibbles + d + e - 121)^k], k = 0 to ``highest``, in exact arithmetic."""

    def add(x, y):
        return [
            sum(math.comb(k, j) * x[j] * y[k - j] for j in range(k + 1)) for k in range(highest + 1)
        ]

    powers, half = range(highest + 1), Fraction(1, 2)
    nibble = [sum(Fraction(2 * v - 15, 2) ** k for v in range(16)) / 16 for k in powers]
    uniform = [(half ** (k + 1) - (-half) ** (k + 1)) / (k + 1) for k in powers]
    return functools.reduce(add, [nibble] * 16 + [uniform] * 2)


def test_constants_give_the_moments_of_a_normal_number():
    m = moments_of_the_sum(40)
    assert m[2] == 340 + Fraction(1, 6)
    assert pytest.approx(math.sqrt(m[2]), rel=1e-15) == _generator._STD
    assert float(m[4] / m[2] ** 2) - 3 == pytest.approx(-0.0755, abs=5e-5)
    c = [Fraction(x) for x in (_generator._C1, _generator._C3, _generator._C5)]
    z = {k: float(m[k] / m[2] ** (k // 2)) for k in range(0, 41, 2)}

    def moment(power):
        poly = [Fraction(1)]
        for _ in range(power):
            poly = [
                sum(poly[i - j] * c[j] for j in range(3) if 0 <= i - j < len(poly))
                for i in range(len(poly) + 2)
            ]
        return sum(float(x) * z[power + 2 * i] for i, x in enumerate(poly))

    assert [moment(2), moment(4), moment(6)] == pytest.approx([1, 3, 15], rel=1e-13)
    assert moment(8) == pytest.approx(104.972, abs=1e-3)


@pytest.fixture(scope="module")
def exact():
    """What ideal bits would give: points, the density and the distribution function there.

    Sixteen convolutions give the weights of the sums of nibbles. Two uniform fractions make the
    density of z linear between them, and the polynomial bends the axis.
    """
    weights = functools.reduce(np.convolve, [np.ones(16) / 16] * 16)
    parts = 256
    z = np.arange(-121 * parts, 121 * parts + 1) / parts
    line = np.interp(z, np.arange(-121, 122), np.pad(weights, 1))
    steps = (line[1:] + line[:-1]) / (2 * parts)
    z /= _generator._STD
    c1, c3, c5 = _generator._C1, _generator._C3, _generator._C5
    n = z * (c1 + z**2 * (c3 + c5 * z**2))
    density = line * _generator._STD / (c1 + z**2 * (3 * c3 + 5 * c5 * z**2))
    return n, density, np.concatenate([[0], np.cumsum(steps)])


def test_density_is_the_normal_one(exact):
    n, density, _ = exact
    error = np.abs(density / stats.norm.pdf(n) - 1)
    for sigma, worst in ((1, 2e-4), (2, 9e-4), (3, 0.0018), (4, 0.0041), (4.5, 0.016), (5, 0.056)):
        assert 0.9 * worst < error[np.abs(n) <= sigma].max() < worst, sigma


def test_distribution_function_is_the_normal_one(exact):
    n, _, cdf = exact
    assert cdf[-1] == pytest.approx(1, abs=1e-12)
    assert np.abs(cdf - stats.norm.cdf(n)).max() < 1.1e-5
    # The lower tail, where the distribution function has its full relative precision.
    for sigma, share in ((2, 1.000), (3, 1.001), (4, 0.996), (4.5, 0.975), (5, 0.913)):
        assert np.interp(-sigma, n, cdf) / stats.norm.cdf(-sigma) == pytest.approx(share, abs=5e-4)
    assert 7.94 < n[-1] < 7.95


def counts_between(edges, millions):
    """How many of the draws of so many steps of a leaf of a million fall into each cell."""
    draw = jax.jit(lambda steps: jax.lax.map(lambda t: noise((1_000_000,), t, key=11), steps))
    below = np.zeros(len(edges), np.int64)
    for first in range(0, millions, 10):
        x = np.sort(np.asarray(draw(jnp.arange(first, first + 10))), axis=None)
        below += np.searchsorted(x, edges.astype(np.float32))
    return np.diff(below, prepend=0, append=millions * 10**6)


def test_a_thousand_equally_likely_cells():
    counts = counts_between(stats.norm.ppf(np.arange(1, 1000) / 1000), millions=100)
    assert counts.sum() == 10**8
    assert stats.chisquare(counts).pvalue > 1e-4


def test_density_as_drawn(exact):
    """In 400 cells of a fiftieth sigma: as computed above, and within 1 % of the normal one."""
    n, _, cdf = exact
    edges = np.linspace(-4, 4, 401)
    counts = counts_between(edges, 20)
    expected = counts.sum() * np.diff(np.interp(edges, n, cdf), prepend=0, append=1)
    assert stats.chisquare(counts, expected).pvalue > 1e-4
    normal = counts.sum() * np.diff(stats.norm.cdf(edges))
    assert (np.abs(counts[1:-1] - normal) < 0.01 * normal + 5 * np.sqrt(normal)).all()


def test_the_parts_of_a_number_are_independent():
    """The two fractions come from one word, and that between the rounds of another."""
    seed = jnp.array([0x12345678, 0x9ABCDEF0], jnp.uint32)
    a, b, between = (np.asarray(x) for x in _generator._words(seed, (2**21,)))
    nibbles = sum(((word >> (4 * i)) & 15).astype(int) for word in (a, b) for i in range(8))
    parts = {
        "d": between >> 28,
        "e": (between >> 12) & 15,
        "low bits of d": (between >> 16) & 15,
        "low bits of e": between & 15,
        "d + e": ((between >> 16) + (between & 0xFFFF)) >> 13,
        "sum": np.searchsorted(np.quantile(nibbles, np.arange(1, 12) / 12), nibbles),
        "first of a": a >> 28,
        "last of a": a & 15,
        "first of b": b >> 28,
        "last of b": b & 15,
    }
    parts = {name: part.astype(np.intp) for name, part in parts.items()}
    same = ({"d", "d + e"}, {"e", "d + e"})
    for i, one in enumerate(parts):
        for other in list(parts)[i + 1 :]:
            if {one, other} in same or ("sum" in (one, other) and " of " in one + other):
                continue  # of which one is made of the other
            table = np.bincount(16 * parts[one] + parts[other], minlength=256).reshape(16, 16)
            table = table[table.sum(1) > 0][:, table.sum(0) > 0]
            assert 1e-5 < stats.chi2_contingency(table).pvalue < 1 - 1e-5, (one, other)
