"""What docs/migration.md says equals what: against optax, and the equations in float64."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import oracle
import pytest
from numpy.testing import assert_allclose

from thermolion_optax import muadam, smes, stochastic_weight_averaging, swats, thermolion

RATE, STEPS = 1e-2, 60
PAGE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text("utf-8")
GRADIENTS = np.random.default_rng(0).normal(0.2, 1.0, (STEPS, 40)).astype(np.float32)
START = {"kernel": jnp.linspace(-1, 1, 30).reshape(5, 6), "bias": jnp.full(10, 0.5)}
QUIET = {"temperature": 0.0, "weight_decay": 0.0}


def split(flat):
    return {"kernel": flat[..., :30].reshape(*flat.shape[:-1], 5, 6), "bias": flat[..., 30:]}


def matrices(params):
    return jax.tree.map(lambda p: p.ndim > 1, params)


def train(tx, gradients=GRADIENTS):
    def step(carry, grads):
        params, state = carry
        updates, state = tx.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), None

    run = jax.jit(lambda g: jax.lax.scan(step, (START, tx.init(START)), g)[0][0])
    return run(split(jnp.asarray(gradients)))


def assert_same(one, other):
    ours, theirs = train(one), train(other)
    jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=2e-5, atol=2e-6), ours, theirs)
    moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), ours, START)
    assert min(jax.tree.leaves(moved)) > 10 * RATE  # not equal by standing still


def assert_follows(tx, **settings):
    """The equations in float64, tensor by tensor."""
    found = train(tx)
    for name, gradients in split(GRADIENTS).items():
        want = oracle.thermolion(START[name], gradients, learning_rate=RATE, **settings)
        assert_allclose(found[name], want, rtol=2e-5, atol=2e-5)


def signum(decay):
    return optax.chain(
        optax.ema(0.9, debias=False),
        optax.scale_by_sign(),
        optax.add_decayed_weights(decay),
        optax.scale(-RATE),
    )


NEVER = {"gate": lambda rho: 0.0, "boost": 0.0, "temperature": 0.0}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (smes(RATE), optax.adam(RATE)),
        (smes(RATE, weight_decay=1e-4), optax.adamw(RATE)),
        (
            smes(RATE, weight_decay=0.1, mask=matrices),
            optax.adamw(RATE, weight_decay=0.1, mask=matrices),
        ),
        (smes(RATE, amsgrad=True), optax.amsgrad(RATE)),
        (smes(RATE, 0.0, eps=0.0), optax.chain(optax.ema(0.9), optax.scale(-RATE))),
        (thermolion(RATE, **NEVER, weight_decay=0.0), signum(0.0)),
        (
            thermolion(RATE, b1=0.95, **NEVER, weight_decay=0.1),
            optax.lion(RATE, b1=0.95, b2=0.95, weight_decay=0.1),
        ),
        (swats(RATE, switch=300), optax.adam(RATE)),
    ],
    ids=[
        "adam",
        "adamw",
        "adamw with a mask",
        "amsgrad",
        "momentum",
        "Signum",
        "lion, b1 = b2",
        "swats",
    ],
)
def test_equals_optax(ours, theirs):
    assert_same(ours, theirs)


TABLE = re.search(r"## From optax\n\n(.*?)\n\n", PAGE, re.DOTALL)[1].splitlines()[2:]
NAMES = {
    **{"optax": optax, "smes": smes, "thermolion": thermolion, "muadam": muadam, "swats": swats},
    **{"stochastic_weight_averaging": stochastic_weight_averaging, "start_step": 30, "period": 5},
    **{"η": RATE, "w": 0.1, "b": 0.9, "f": matrices},
}


def made(code):
    """What a page's expression makes, η and other letters filled in."""
    return eval(code.replace("η", str(RATE)), NAMES)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.split("|")[2].strip(" `") or "none")
def test_the_table_is_so_as_it_is_written(row):
    theirs, ours, verdict = (cell.strip() for cell in row.strip("|").split("|"))
    codes = [*re.findall(r"`(optax[^`]*)`", theirs), *re.findall(r"`([^`]*)`", ours)]
    if verdict.startswith("yes") and len(codes) == 2:
        assert_same(made(codes[1]), made(codes[0]))
    else:  # said in words: one of the tests by name, above and below
        assert not verdict.startswith("yes") or re.search(r"Signum|without bias", row)


def test_every_expression_of_the_page_is_a_transformation():
    found = re.findall(r"`((?:smes|thermolion|muadam|swats|stochastic_\w+)\(.*?\))`", PAGE)
    assert len(found) >= 10
    for code in found:
        assert callable(made(code).update)


def test_lion_at_its_defaults_is_no_setting_of_thermolion():
    ours = train(thermolion(RATE, **NEVER, weight_decay=0.0))
    theirs = train(optax.lion(RATE, weight_decay=0.0))
    assert float(jnp.abs(ours["kernel"] - theirs["kernel"]).max()) > RATE


def test_with_the_gate_at_1_it_is_adam_without_bias_correction():
    tx = thermolion(RATE, gate=lambda rho: 1.0, solid_scale=1.0, b2=0.999, **QUIET)
    found = train(tx)
    for name, gradients in split(GRADIENTS).items():
        theta, m, v = np.asarray(START[name], np.float64), 0.0, 0.0
        for g in gradients.astype(np.float64):
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            theta = theta - RATE * m / (np.sqrt(v) + 1e-8)
        assert_allclose(found[name], theta, rtol=2e-5, atol=2e-5)


def test_the_defaults_are_the_released_code():
    # Numbers known to both, in place of each one's own.
    assert_follows(
        thermolion(RATE, normal=lambda key, shape: jnp.ones(shape)), normal=lambda t: 1.0
    )
    assert_follows(thermolion(RATE, temperature=0.0))


def test_noise_units_parameter_is_equation_6():
    tx = thermolion(RATE, noise_units="parameter", normal=lambda key, shape: jnp.ones(shape))
    assert_follows(tx, noise_units="parameter", normal=lambda t: 1.0)


def test_the_noise_is_off_from_step_459():
    tx, g = thermolion(RATE), jnp.ones(1)
    step = jax.jit(lambda state: tx.update(g, state, g)[1])
    temperatures = []
    state = tx.init(g)
    for _ in range(459):
        state = step(state)
        temperatures.append(optax.tree.get(state, "telemetry_temperature"))
    assert [float(x) > 0 for x in temperatures] == [True] * 458 + [False]


def test_its_muadam_is_nesterov_adam_without_correction():
    found = train(muadam(RATE))
    for name, gradients in split(GRADIENTS).items():
        theta, m, v = np.asarray(START[name], np.float64), 0.0, 0.0
        for g in gradients.astype(np.float64):
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            theta = theta - RATE * (0.9 * m + 0.1 * g) / (np.sqrt(v) + 1e-8)
        assert_allclose(found[name], theta, rtol=2e-5, atol=2e-5)


def test_its_swa_trains_as_sgd():
    assert_same(stochastic_weight_averaging(optax.sgd(RATE), 30, 5), optax.sgd(RATE))


def test_the_step_under_a_constant_gradient():
    """4.2 learning rates at step 13, 2.8 at step 60; Adam's is 1 throughout."""

    def lengths(tx):
        g = jnp.ones(())
        return -jax.lax.scan(lambda s, _: tx.update(g, s, g)[::-1], tx.init(g), length=60)[1]

    ours = lengths(thermolion(1.0, **QUIET))
    assert int(ours.argmax()) + 1 == 13
    assert float(ours.max()) == pytest.approx(4.2, abs=0.05)
    assert float(ours[-1]) == pytest.approx(2.8, abs=0.05)
    assert_allclose(lengths(optax.adam(1.0)), 1, rtol=1e-4)


def test_defaults_that_differ_from_adamw():
    import inspect

    ours, theirs = (inspect.signature(f).parameters for f in (thermolion, optax.adamw))
    found = [(ours[n].default, theirs[n].default) for n in ("weight_decay", "b2", "b1", "eps")]
    assert found == [(1e-2, 1e-4), (0.99, 0.999), (0.9, 0.9), (1e-8, 1e-8)]
