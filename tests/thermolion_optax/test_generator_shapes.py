"""The noise's element numbers: leaves of any size, beyond a word, and of symbolic shape."""

import functools
import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from draws import WORST_OF_N, largest_correlation
from jax import export
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from params import slow

import thermolion_optax as to
from thermolion_optax import _generator

SEED = jnp.array([0x12345678, 0x9ABCDEF0], jnp.uint32)
HUGE = [
    (2**31,),
    (2**32,),
    (2**33,),
    (2**18, 2**13),
    (80, 8192, 28672),
    (2**17, 2, 2**17),
    (3, 2**33),
    (1, 2**32),
    (0, 2**33),
]


@pytest.mark.parametrize("dtype", [jnp.uint32, jnp.uint64])
@pytest.mark.parametrize("shape", [(), (0, 3), (40,), (3, 6, 3), (16, 16), (5, 1, 7, 9), (2,) * 8])
def test_elements_are_numbered_in_row_major_order(shape, dtype):
    with jax.enable_x64(True):
        found = _generator._row_major(shape, dtype)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.arange(math.prod(shape)).reshape(shape))


@pytest.mark.parametrize("shape", [(2**33,), (2, 2**32), (2**20, 2**13), (3, 2**31, 1, 5)])
def test_elements_beyond_a_word_are_numbered_in_two(shape):
    """At the crossing of 2^32, and the last ones of all; what is not asked for is not computed."""

    @functools.partial(jax.jit, static_argnums=0)
    def window(place):
        cut = tuple(slice(i, i + 1) for i in place)
        low, high = _generator._number(shape)
        return low[cut].ravel()[0], high[cut].ravel()[0]

    for number in (0, 2**32 - 1, 2**32, 2**32 + 1, math.prod(shape) - 1):
        place = tuple(int(i) for i in np.unravel_index(number, shape))
        assert [int(x) for x in window(place)] == [number % 2**32, number // 2**32]


def test_first_word_of_a_huge_leaf_has_the_numbers_of_a_small_one():
    huge = jax.jit(lambda s: _generator.normal(s, (2**33,))[:1000])(SEED)
    np.testing.assert_array_equal(huge, jax.jit(lambda s: _generator.normal(s, (1000,)))(SEED))


@pytest.mark.parametrize("shape", [(32, 2**32), (2**37,)], ids=["many axes", "one axis"])
def test_numbers_do_not_repeat_beyond_a_word(shape):
    """Were only one seed word changed from word to word, the parts would be rotations."""
    if len(shape) == 1:  # every 2^32 elements, as far as a second word goes here
        cut = [slice(k * 2**32, k * 2**32 + 2**16) for k in range(6)]
        x = jax.jit(lambda s: jnp.stack([_generator.normal(s, shape)[c] for c in cut]))(SEED)
    else:
        x = jax.jit(lambda s: _generator.normal(s, shape)[:, : 2**16])(SEED)
    x = np.asarray(x, np.float64)
    assert abs(x.var() - 1) < 0.005
    for row in x[1:]:
        assert largest_correlation(x[0], row) < WORST_OF_N


def test_a_huge_leaf_is_computed_where_it_lies():
    """Each of eight devices numbers its own eighth and keeps nothing else."""
    mesh = jax.make_mesh((8,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
    out = NamedSharding(mesh, P("x"))
    program = jax.jit(lambda s: _generator.normal(s, (2**33,)), out_shardings=out)
    memory = program.lower(SEED).compile().memory_analysis()
    assert memory.output_size_in_bytes == 4 * 2**33 // 8
    assert memory.temp_size_in_bytes < 1e6


SGD = optax.sgd(1e-3)
TRANSFORMATIONS = {
    "thermolion": to.thermolion(1e-3, weight_decay=0.1),
    "thermolion, parameter units": to.thermolion(1e-3, noise_units="parameter"),
    "thermolion, noise off": to.thermolion(1e-3, temperature=0.0),
    "scale_by_snr_gate": to.scale_by_snr_gate(),
    "alignment_boost": to.alignment_boost(decay=0.9),
    "thermal_noise": to.thermal_noise(),
    "smes": to.smes(1e-3),
    "smes, amsgrad": to.smes(1e-3, amsgrad=True),
    "muadam": to.muadam(1e-3),
    "swats": to.swats(1e-3),
    "lookahead": to.lookahead(SGD),
    "stochastic_weight_averaging": to.stochastic_weight_averaging(SGD, 1),
    "graft": to.graft(to.scale_by_smes(), optax.identity()),
    "normalize_distortion": to.normalize_distortion(0.5),
}
# As they are, each is a part of one above under a name of its own.
PARTS = {"scale_by_smes", "scale_by_muadam"}
FUNCTIONS = {
    "phase_statistics": (
        "thermolion",
        lambda params, state: to.phase_statistics(state, params)["snr_quantiles"]["all"],
    ),
    "averaged_params": (
        "stochastic_weight_averaging",
        lambda params, state: to.averaged_params(state, params),
    ),
    "apply_updates_stochastic": (
        "thermal_noise",
        lambda params, state: to.apply_updates_stochastic(
            jax.tree.map(lambda p: p.astype(jnp.bfloat16), params), params, 0
        ),
    ),
    "gradient_distortion": (
        "thermal_noise",
        lambda params, state: to.gradient_distortion(params),
    ),
}


def init_and_update(tx, params):
    updates, state = tx.update(params, tx.init(params), params)
    return optax.apply_updates(params, updates), state


def test_every_public_function_is_here():
    tried = {name.split(",")[0] for name in TRANSFORMATIONS} | PARTS | set(FUNCTIONS)
    public = {name for name in to.__all__ if inspect.isfunction(getattr(to, name))}
    assert tried == public


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_transformations_trace_on_huge_leaves(name):
    tx = TRANSFORMATIONS[name]
    for shape in HUGE:
        params = {"w": jax.ShapeDtypeStruct(shape, jnp.float32)}
        found, _ = jax.eval_shape(functools.partial(init_and_update, tx), params)
        assert found["w"].shape == shape


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_trace_on_huge_leaves(name):
    tx, function = TRANSFORMATIONS[FUNCTIONS[name][0]], FUNCTIONS[name][1]
    for shape in HUGE:
        params = {
            "w": jax.ShapeDtypeStruct(shape, jnp.float32),
            "b": jax.ShapeDtypeStruct((3,), "f4"),
        }
        found = jax.eval_shape(lambda p: function(p, tx.init(p)), params)
        assert jax.tree.leaves(found)


@pytest.mark.parametrize("dims", [slow("n, 3"), slow("3, n"), slow("n"), "n, m, 2"])
@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_exported_with_a_symbolic_shape(name, dims):
    """One exported program serves every size, with the numbers of the concrete shape."""
    step = jax.jit(functools.partial(init_and_update, TRANSFORMATIONS[name]))
    shape = export.symbolic_shape(dims)
    exported = export.export(step)({"w": jax.ShapeDtypeStruct(shape, jnp.float32)})
    for n in (1, 7):
        concrete = tuple(d if isinstance(d, int) else n for d in shape)
        params = {
            "w": jnp.cos(jnp.arange(math.prod(concrete), dtype=jnp.float32)).reshape(concrete)
        }
        want, found = step(params)[0]["w"], exported.call(params)[0]["w"]
        np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dims", [slow("n, 3"), "n, m, 2"])
def test_statistics_exported_with_a_symbolic_shape(dims):
    tx = to.thermolion()

    @jax.jit
    def statistics(params):
        _, state = tx.update(params, tx.init(params), params)
        return to.phase_statistics(state, params)

    shape = export.symbolic_shape(dims)
    leaves = {"w": jax.ShapeDtypeStruct(shape, jnp.float32), "b": jax.ShapeDtypeStruct((3,), "f4")}
    exported = export.export(statistics)(leaves)
    for n in (1, 7):
        concrete = tuple(d if isinstance(d, int) else n for d in shape)
        w = jnp.cos(jnp.arange(math.prod(concrete), dtype=jnp.float32)).reshape(concrete)
        params = {"w": w, "b": jnp.ones(3)}
        close = functools.partial(np.testing.assert_allclose, rtol=1e-5)
        jax.tree.map(close, exported.call(params), statistics(params))


@pytest.mark.parametrize("constraint", [(), ("n <= 4096",)], ids=["two words", "one word"])
def test_noise_of_a_symbolic_shape_is_the_same_to_the_bit(constraint):
    shape = export.symbolic_shape("n, 5", constraints=constraint)
    program = jax.jit(lambda s, x: _generator.normal(s, x.shape))
    exported = export.export(program)(SEED, jax.ShapeDtypeStruct(shape, jnp.float32))
    for n in (1, 1000):
        x = jnp.zeros((n, 5))
        np.testing.assert_array_equal(exported.call(SEED, x), program(SEED, x))
