"""Quantiles found by counting, against NumPy's, and what they cost on a mesh."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from params import slow

from thermolion_optax import _quantiles, phase_statistics, thermolion
from thermolion_optax._quantiles import quantiles

SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
RATIOS = st.one_of(
    st.floats(0, 2.0**100, width=32, allow_subnormal=False), st.sampled_from([0.0, 0.25, 1.0, 3.0])
)


@settings(max_examples=60, deadline=None)
@given(*(hnp.arrays(np.float32, shape, elements=RATIOS) for shape in [(5,), (2, 3), ()]))
def test_they_are_numpys(a, b, c):
    together = np.concatenate([a, b.ravel(), c[None]])
    want = [np.quantile(x.astype(np.float64), SHARES) for x in (a, b, c, together)]
    tiny = np.finfo(np.float32).tiny  # below which sums may be taken for 0
    np.testing.assert_allclose(quantiles([a, b, c], SHARES), want, rtol=1e-6, atol=tiny)


@pytest.mark.parametrize("shape", [(), (1,), (4, 3, 2), (1001,)])
@pytest.mark.parametrize("most", [_quantiles._COUNTED_IN_32_BITS, 0])
def test_any_shape_and_either_width_of_count(shape, most, monkeypatch):
    monkeypatch.setattr(_quantiles, "_COUNTED_IN_32_BITS", most)
    x = np.random.default_rng(0).gamma(1, size=shape).astype(np.float32)
    found = quantiles.__wrapped__([jnp.asarray(x)], SHARES)  # compiled for this width
    for row in found:
        np.testing.assert_allclose(row, np.quantile(x.astype(np.float64), SHARES), rtol=1e-6)


def test_an_infinity_above_a_whole_rank_takes_no_part():
    x = jnp.array([1.0, 2.0, 3.0, 4.0, jnp.inf])
    with jax.debug_nans(True):
        assert quantiles([x], (0.5, 0.75, 1.0))[0].tolist() == [3.0, 4.0, np.inf]


def test_infinities_stay_and_a_nan_spoils_all():
    x = jnp.array([jnp.inf, 1.0, jnp.inf, 2.0])
    one, spoilt, together = quantiles([x, jnp.array([jnp.nan])], (0.0, 0.25, 1.0))
    assert one.tolist() == [1.0, 1.75, np.inf]
    assert np.isnan([spoilt, together]).all()


def test_under_vmap_and_shard_map_each_has_its_own():
    x = jnp.arange(24.0).reshape(8, 3)
    want = np.quantile(x, 0.25, axis=1)
    np.testing.assert_allclose(jax.vmap(lambda r: quantiles([r], (0.25,))[0, 0])(x), want)
    mesh = jax.make_mesh((8,), ("x",), axis_types=(AxisType.Auto,))
    mapped = jax.shard_map(
        lambda r, whole: quantiles([r, whole], (0.25,))[:2].T,
        mesh=mesh,
        in_specs=(P("x"), P()),
        out_specs=P("x"),
    )
    np.testing.assert_allclose(mapped(x, x)[:, 0], want)
    np.testing.assert_allclose(mapped(x, x)[:, 1], np.quantile(x, 0.25))


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=lambda kind: kind.name)
@pytest.mark.parametrize("jitted", [True, slow(False)])
def test_statistics_of_parameters_on_a_mesh_are_those_of_one_device(kind, jitted):
    mesh = jax.make_mesh((4,), ("x",), axis_types=(kind,), devices=jax.devices()[:4])
    rng = np.random.default_rng(1)
    layout = {"rows": P("x"), "columns": P(None, "x"), "whole": P()}
    grads = {name: jnp.asarray(rng.normal(size=(8, 4)), jnp.float32) for name in layout}
    tx = thermolion(1e-2)
    statistics = jax.jit(phase_statistics) if jitted else phase_statistics

    def seen(grads):
        _, state = jax.jit(tx.update)(grads, tx.init(grads), grads)
        return statistics(state, grads)

    placed = {n: jax.device_put(g, NamedSharding(mesh, layout[n])) for n, g in grads.items()}
    with jax.set_mesh(mesh):
        found = seen(placed)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), found, seen(grads))


def test_no_device_gathers_a_sharded_leaf():
    mesh = jax.make_mesh((8,), ("x",), axis_types=(AxisType.Auto,))
    params = jax.device_put(jnp.ones((1024, 64)), NamedSharding(mesh, P("x")))
    compiled = jax.jit(phase_statistics).lower(thermolion().init(params)).compile()
    piece = params.nbytes / 8
    assert compiled.memory_analysis().temp_size_in_bytes < 5 * piece < params.nbytes


def test_no_rank_is_promoted():
    arrays = [jnp.ones((4, 3)), jnp.ones(3)]
    with jax.numpy_rank_promotion("raise"):
        found = jax.jit(lambda x: quantiles(x, (0.25, 0.75)))(arrays)
    np.testing.assert_array_equal(found, 1)
