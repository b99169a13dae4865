"""The noise as a random number generator: what its numbers are like, and their independence."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import WORST_OF_N, N, largest_correlation, leaf_streams, noise, streams
from scipy import stats

# Statistics of millions of numbers, which nothing but a change of the generator changes.
pytestmark = pytest.mark.slow


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
