"""ThermoLion against the equations in float64, and at its exact special cases."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import oracle
import pytest
from params import slow

from thermolion_optax import phase_statistics, scale_by_snr_gate, thermal_noise, thermolion

STEPS, SIZE = 650, 500


@pytest.fixture(scope="module")
def problem():
    gradients = oracle.gradient_streams(STEPS, SIZE)
    rng = np.random.default_rng(1)
    params = {k: rng.normal(0, 0.1, SIZE).astype(np.float32) for k in gradients}
    return params, gradients


def run(tx, params, gradients):
    """Parameters after all gradients, one scan, jitted."""

    def step(carry, g):
        params, state = carry
        updates, state = tx.update(g, state, params)
        return (optax.apply_updates(params, updates), state), None

    return jax.jit(lambda p, g: jax.lax.scan(step, (p, tx.init(p)), g)[0])(params, gradients)


def unit_noise(params, steps, key):
    """xi of every step and leaf: the transformation's noise at a standard deviation of one."""
    tx = thermal_noise(1.0, 1.0, floor=0.0, cutoff=0.0, key=key)
    zeros, ones = jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.ones_like, params)

    def step(state, _):
        xi, state = tx.update(zeros, state, nu=ones)
        return state, xi

    return jax.lax.scan(step, tx.init(params), None, length=steps)[1]


@pytest.fixture(scope="module")
def noise(problem):
    return unit_noise(problem[0], STEPS, 3)


def assert_follows(final, params, gradients, tolerance=1e-4, xi=None, **settings):
    for name, start in params.items():
        normal = None if xi is None else lambda t, x=xi[name]: x[t - 1]
        want = oracle.thermolion(start, gradients[name], normal=normal, **settings)
        error = np.linalg.norm(np.asarray(final[name], np.float64) - want)
        moved = np.linalg.norm(want - start)
        assert moved > 0
        assert error < tolerance * moved, (name, error / moved)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"eps": 1e-3, "weight_decay": 0.1},
        {"eps": 1e-12, "b1": 0.95, "b2": 0.98},
        {"exponent": 0.3},
        {"exponent": 0.8, "eps": 1e-2, "solid_scale": 1.0},
        {"boost": 0.0, "weight_decay": 0.0, "learning_rate": 1e-2},
        {"temperature": 3.0, "temperature_decay": 0.98, "boost": 1.0},
    ],
    ids=lambda s: ",".join(f"{k}={v}" for k, v in s.items()) or "defaults",
)
def test_follows_the_equations_with_noise_on_then_off(problem, noise, settings):
    params, gradients = problem
    final, _ = run(thermolion(**settings, key=3), params, gradients)
    assert_follows(final, params, gradients, xi=noise, **settings)


def test_follows_equation_six_to_the_letter(problem):
    params, gradients = problem
    final, _ = run(thermolion(noise_units="parameter", key=5), params, gradients)
    xi = unit_noise(params, STEPS, 5)
    assert_follows(final, params, gradients, xi=xi, noise_units="parameter")


def test_follows_the_equations_with_a_gate_of_the_users(problem):
    params, gradients = problem
    final, _ = run(thermolion(gate=lambda r: r / (1 + r), temperature=0.0), params, gradients)
    assert_follows(final, params, gradients, gate=lambda r: r / (1 + r))


def test_traced_hyperparameters_follow_the_equations_too(problem):
    params, gradients = problem
    settings = {"learning_rate": 3e-3, "b1": 0.85, "b2": 0.97, "eps": 1e-6, "solid_scale": 1.5}
    settings |= {"boost": 0.25, "temperature": 0.5, "temperature_decay": 0.995, "exponent": 0.4}

    @jax.jit
    def train(settings, params, gradients):
        return run(thermolion(**settings, key=2), params, gradients)[0]

    final = train(settings | {"weight_decay": 0.03}, params, gradients)
    xi = unit_noise(params, STEPS, 2)
    assert_follows(final, params, gradients, xi=xi, weight_decay=0.03, **settings)


def test_the_noise_of_equation_six_does_not_depend_on_the_learning_rate():
    params = jnp.zeros(1000)
    grads = jnp.linspace(-1, 1, 1000)

    @jax.jit
    def change(learning_rate):
        tx = thermolion(learning_rate, noise_units="parameter", weight_decay=0.0)
        return tx.update(grads, tx.init(params), params)[0]

    quiet = thermolion(0.1, temperature=0.0, weight_decay=0.0)
    step, _ = quiet.update(grads, quiet.init(params), params)
    at_zero = change(0.0)
    assert float(jnp.std(at_zero)) > 1e-3
    np.testing.assert_allclose(change(0.1) - step, at_zero, rtol=1e-4, atol=1e-7)
    schedule = thermolion(lambda count: 0.0 * count, noise_units="parameter", weight_decay=0.0)
    scheduled, _ = schedule.update(grads, schedule.init(params), params)
    np.testing.assert_allclose(scheduled, at_zero, rtol=1e-6)


def test_noise_ends_at_step_459_with_the_defaults():
    tx = thermolion(0.0)
    params = jnp.ones(3)

    def step(state, _):
        _, state = tx.update(params, state, params)
        return state, state[0].gas[1].telemetry_temperature

    _, temperature = jax.lax.scan(step, tx.init(params), None, length=460)
    np.testing.assert_allclose(temperature[:458], 0.99 ** np.arange(1, 459), rtol=1e-4)
    assert temperature[457] > 0
    assert temperature[458] == 0  # the 459th update
    assert temperature[459] == 0


def test_gate_zero_is_signum(problem):
    params, gradients = problem
    ours = thermolion(1e-2, gate=lambda r: 0.0, boost=0.0, temperature=0.0, weight_decay=0.0)
    signum = optax.chain(
        optax.ema(0.9, debias=False), optax.scale_by_sign(), optax.scale_by_learning_rate(1e-2)
    )
    a, b = run(ours, params, gradients)[0], run(signum, params, gradients)[0]
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_gate_one_is_adam_without_bias_correction_times_the_solid_scale(problem):
    params, gradients = problem
    tx = scale_by_snr_gate(0.9, 0.99, 1e-8, gate=lambda r: 1.0, solid=optax.scale(3.0))
    state = tx.init(params)
    mu = nu = jax.tree.map(jnp.zeros_like, params)
    for t in range(20):
        g = {k: jnp.asarray(x[t]) for k, x in gradients.items()}
        updates, state = tx.update(g, state)
        mu = optax.tree.update_moment(g, mu, 0.9, 1)
        nu = optax.tree.update_moment_per_elem_norm(g, nu, 0.99, 2)
        want = jax.tree.map(lambda m, v: 3.0 * m / (jnp.sqrt(v) + 1e-8), mu, nu)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-6), updates, want)


def test_the_alias_is_the_chain_of_its_docstring(problem):
    from thermolion_optax import alignment_boost

    params, gradients = problem
    chain = optax.chain(
        scale_by_snr_gate(
            gas=optax.chain(alignment_boost(0.5), thermal_noise(1.0, 0.99)), solid=optax.scale(2.0)
        ),
        optax.add_decayed_weights(0.01),
        optax.scale_by_learning_rate(1e-3),
    )
    short = {k: g[:30] for k, g in gradients.items()}
    a, b = run(thermolion(), params, short)[0], run(chain, params, short)[0]
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.mark.parametrize(("step", "rho"), [(1, 1.0), (5, 1.85), (10, 2.11), (20, 2.06), (60, 1.48)])
def test_a_constant_gradient_shows_the_missing_bias_correction(step, rho):
    tx = scale_by_snr_gate(solid=optax.identity(), gate=lambda r: 1.0)
    state = tx.init(jnp.zeros(1))
    for _ in range(step):
        ratio, state = tx.update(jnp.ones(1), state)
    assert abs(float(ratio[0]) - rho) < 0.006


def test_two_slots_of_the_parameters_size_and_nothing_else_that_grows():
    for tx in (thermolion(), thermolion(temperature=0.0), thermolion(noise_units="parameter")):
        small, large = ({"w": jnp.ones((n, 3)), "b": jnp.ones(n)} for n in (10, 1000))
        sizes = [sum(x.size for x in jax.tree.leaves(tx.init(p))) for p in (small, large)]
        rest = [
            s - 2 * sum(x.size for x in p.values())
            for s, p in zip(sizes, (small, large), strict=True)
        ]
        assert rest[0] == rest[1] < 12


def test_state_structure_is_that_of_other_temperatures_and_decays():
    params = {"w": jnp.ones(3)}
    shapes = [
        jax.tree.map(lambda x: (x.shape, x.dtype), tx.init(params))
        for tx in (
            thermolion(),
            thermolion(temperature=0.0),
            thermolion(weight_decay=0.0),
            thermolion(exponent=0.3),
            thermolion(temperature=jnp.array(0.0)),
        )
    ]
    assert all(s == shapes[0] for s in shapes)


def test_a_run_may_go_on_without_the_noise_after_the_cutoff(problem):
    params, gradients = problem
    tx = thermolion()
    params, state = run(tx, params, gradients)
    assert float(state[0].gas[1].telemetry_temperature) == 0
    g = {k: jnp.asarray(x[0]) for k, x in gradients.items()}
    loud, _ = tx.update(g, state, params)
    quiet, _ = thermolion(temperature=0.0).update(g, state, params)
    jax.tree.map(np.testing.assert_array_equal, loud, quiet)


@pytest.mark.parametrize(
    ("mu_dtype", "nu_dtype"),
    [("bfloat16", "bfloat16"), slow("bfloat16", None), slow(None, "bfloat16"), slow(None, None)],
)
def test_equation_six_computes_in_float32_whatever_the_slots_are(mu_dtype, nu_dtype):
    params = {"w": jnp.zeros(1000), "still": jnp.zeros(10)}
    grads = {"w": jnp.linspace(0.1, 1, 1000), "still": jnp.zeros(10)}

    def change(**dtypes):
        tx = thermolion(1e-2, noise_units="parameter", **dtypes)
        return jax.jit(tx.update)(grads, tx.init(params), params)[0]

    want, found = change(), change(mu_dtype=mu_dtype, nu_dtype=nu_dtype)
    np.testing.assert_array_equal(found["still"], 0.0)
    np.testing.assert_allclose(found["w"], want["w"], rtol=0.02, atol=1e-3)
    assert len(np.unique(found["w"])) > 900  # numbers of float32, not of eight bits


@pytest.mark.parametrize("noise_units", ["learning_rate", "parameter"])
def test_a_gradient_left_out_leaves_its_slots_alone(noise_units):
    params = {"a": jnp.ones(3), "b": jnp.ones(2)}
    tx = thermolion(noise_units=noise_units)
    state = tx.init(params)
    updates, after = tx.update({"a": jnp.ones(3), "b": None}, state, params)
    assert updates["b"] is None
    gate = after[0] if noise_units == "learning_rate" else after.inner[0]
    np.testing.assert_array_equal(gate.mu["b"], 0.0)
    assert float(gate.mu["a"][0]) > 0


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_an_eager_state_can_be_donated(temperature):
    """With the noise off one buffer stood twice in the state, which XLA refuses to donate."""
    params = jnp.ones(3)
    tx = thermolion(temperature=temperature)
    _, state = tx.update(params, tx.init(params), params)
    again = jax.jit(lambda s: jax.tree.map(lambda x: x + x, s), donate_argnums=0)(state)
    assert int(again[0].gas[1].count) == 2


def test_python_numbers_as_parameters_have_float_moments():
    tx = thermolion()
    state = tx.init({"w": 1.0})
    assert state[0].mu["w"].dtype == jnp.float32
    _, state = tx.update({"w": 0.5}, state, {"w": 1.0})
    assert float(state[0].mu["w"]) == pytest.approx(0.05)


def test_a_temperature_schedule_may_use_its_count_as_an_array():
    tx = thermolion(temperature=lambda count: 0.99 ** count.astype(jnp.float32))
    params = jnp.ones(3)
    state = tx.init(params)
    assert float(state[0].gas[1].telemetry_temperature) == 1.0
    tx.update(params, state, params)


def test_noise_that_never_runs_is_nowhere_in_the_statistics():
    state = thermolion(temperature=0.0).init(jnp.ones(3))
    assert float(phase_statistics(state)["noise_std"]["all"]) == 0.0
