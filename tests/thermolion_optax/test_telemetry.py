"""phase_statistics against NumPy, through every wrapper, inside jit and scan."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from thermolion_optax import phase_statistics, scale_by_snr_gate, thermolion

RNG = np.random.default_rng(0)
PARAMS = {"w": jnp.asarray(RNG.normal(size=(30, 7)), jnp.float32), "b": jnp.ones(5)}
GRADS = [
    jax.tree.map(lambda p: jnp.asarray(RNG.normal(size=p.shape), jnp.float32), PARAMS)
    for _ in range(4)
]
KEYS = {
    "snr_mean", "snr_quantiles", "gate_mean", "gas_share", "alignment_rate",
    "zero_gradient_share", "temperature", "noise_std",
}  # fmt: skip


def train(tx, params=PARAMS, grads=GRADS):
    state, update = tx.init(params), jax.jit(tx.update)
    for g in grads:
        _, state = update(g, state, params)
    return state


def oracle():
    """Per leaf: rho, lambda, alignment and E[v] in float64."""
    out = {}
    for name in PARAMS:
        m = v = 0.0
        for g in GRADS:
            g = np.asarray(g[name], np.float64)
            m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        rho = np.abs(m) / (np.sqrt(v) + 1e-8)
        out[f"['{name}']"] = rho, np.tanh(rho), np.sign(m) * np.sign(g) > 0, v.mean()
    return out


def check(statistics, temperature=0.99**4):
    assert set(statistics) == KEYS
    want = oracle()
    quantiles = (0.05, 0.25, 0.5, 0.75, 0.95)
    every = [np.concatenate([w[i].ravel() for w in want.values()]) for i in range(3)]
    size = [w[0].size for w in want.values()]
    near = lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5)  # noqa: E731
    for path, (rho, lam, aligned, power) in want.items():
        near(statistics["snr_mean"]["leaves"][path], rho.mean())
        near(statistics["snr_quantiles"]["leaves"][path], np.quantile(rho, quantiles))
        near(statistics["gate_mean"]["leaves"][path], lam.mean())
        near(statistics["gas_share"]["leaves"][path], (lam < 0.5).mean())
        near(statistics["alignment_rate"]["leaves"][path], aligned.mean())
        near(statistics["temperature"]["leaves"][path], temperature)
        near(
            statistics["noise_std"]["leaves"][path],
            np.sqrt(temperature * power + 1e-10 * (temperature > 0)),
        )
    near(statistics["snr_mean"]["all"], every[0].mean())
    near(statistics["snr_quantiles"]["all"], np.quantile(every[0], quantiles))
    near(statistics["gate_mean"]["all"], every[1].mean())
    near(statistics["gas_share"]["all"], (every[1] < 0.5).mean())
    near(statistics["alignment_rate"]["all"], every[2].mean())
    near(statistics["temperature"]["all"], temperature)
    powers = [w[3] for w in want.values()]
    near(
        statistics["noise_std"]["all"] ** 2,
        np.average(temperature * np.array(powers), weights=size),
    )


def test_against_numpy():
    check(phase_statistics(train(thermolion()), GRADS[-1]))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda tx: optax.chain(optax.identity(), tx),
        lambda tx: optax.apply_if_finite(tx, 3),
        lambda tx: optax.masked(tx, {"w": True, "b": True}),
        lambda tx: optax.MultiSteps(tx, 1),
        lambda tx: optax.partition({"x": tx, "y": tx}, {"w": "x", "b": "y"}),
        lambda tx: optax.inject_hyperparams(lambda rate: tx)(0.1),
    ],
    ids=["chain", "apply_if_finite", "masked", "MultiSteps", "partition", "inject"],
)
def test_found_through_wrappers(wrap):
    check(phase_statistics(train(wrap(thermolion())), GRADS[-1]))


def test_the_share_of_zero_gradients_counts_elements():
    grads = {"w": PARAMS["w"].at[0, :3].set(0.0).at[1, 0].set(-0.0), "b": jnp.zeros(5)}
    share = phase_statistics(train(thermolion()), grads)["zero_gradient_share"]
    assert float(share["leaves"]["['w']"]) == pytest.approx(4 / 210)
    assert float(share["leaves"]["['b']"]) == 1
    assert float(share["all"]) == pytest.approx(9 / 215)


def test_inside_jit_and_scan():
    tx = thermolion()

    def step(state, g):
        _, state = tx.update(g, state, PARAMS)
        return state, phase_statistics(state, g)

    stacked = jax.tree.map(lambda *g: jnp.stack(g), *GRADS)
    _, history = jax.jit(lambda g: jax.lax.scan(step, tx.init(PARAMS), g))(stacked)
    assert history["snr_quantiles"]["all"].shape == (4, 5)
    check(jax.tree.map(lambda x: x[-1], history))


@pytest.mark.parametrize(("units", "floor"), [("learning_rate", 1e-10), ("parameter", 0.0)])
def test_noise_in_parameter_units_has_no_floor(units, floor):
    """At gradients of 1e-8, where the floor is all that there is of it."""
    tx, grads = thermolion(noise_units=units), jnp.full(3, 1e-8)
    _, state = tx.update(grads, tx.init(grads), grads)
    said = phase_statistics(state, grads)
    power, temperature = 0.01 * 1e-16, float(said["temperature"]["all"])
    assert temperature == pytest.approx(0.99)
    want = np.sqrt(temperature * power + floor)
    assert float(said["noise_std"]["all"]) == pytest.approx(want, rel=1e-5)


def test_without_noise_or_gradients():
    statistics = phase_statistics(train(scale_by_snr_gate()))
    assert statistics["alignment_rate"] is None
    assert statistics["zero_gradient_share"] is None
    assert float(statistics["temperature"]["all"]) == 0
    assert float(statistics["noise_std"]["all"]) == 0


def test_temperature_before_and_after_the_cutoff():
    tx = thermolion(temperature=3.0, temperature_decay=0.05)
    state = tx.init(PARAMS)
    assert float(phase_statistics(state)["temperature"]["all"]) == 3.0
    for want in (0.15, 0.0):
        _, state = tx.update(GRADS[0], state, PARAMS)
        assert float(phase_statistics(state)["temperature"]["all"]) == pytest.approx(want)
    assert float(phase_statistics(state)["noise_std"]["all"]) == 0


def test_a_custom_gate_is_given_again():
    gate = lambda r: r / (1 + r)  # noqa: E731
    state = train(thermolion(gate=gate))
    rho = np.concatenate([x[0].ravel() for x in oracle().values()])
    statistics = phase_statistics(state, gate=gate)
    np.testing.assert_allclose(statistics["gate_mean"]["all"], gate(rho).mean(), rtol=1e-5)


def test_two_gates_on_one_leaf_are_numbered():
    state = train(optax.chain(scale_by_snr_gate(), thermolion()))
    leaves = phase_statistics(state)["snr_mean"]["leaves"]
    assert set(leaves) == {"['b']", "['w']", "['b'] (2)", "['w'] (2)"}


@pytest.mark.parametrize("params", [{}, {"a": jnp.zeros((0, 3))}, {"a": None}])
def test_trees_without_elements(params):
    statistics = phase_statistics(thermolion().init(params), params)
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(statistics))
    assert statistics["snr_mean"]["leaves"] == {}


def test_a_gradient_left_out_has_no_alignment():
    grads = {"w": GRADS[0]["w"], "b": None}
    tx = thermolion()
    _, state = tx.update(grads, tx.init(PARAMS), PARAMS)
    said = phase_statistics(state, grads)
    for name in ("alignment_rate", "zero_gradient_share"):
        assert said[name]["leaves"].keys() == {"['w']"}
        assert float(said[name]["all"]) == float(said[name]["leaves"]["['w']"])
    assert said["snr_mean"]["leaves"].keys() == {"['w']", "['b']"}


def test_stacked_states_are_read_under_vmap():
    stacked = jax.tree.map(lambda p: jnp.stack([p, 2 * p, 3 * p]), PARAMS)
    state = jax.vmap(thermolion().init)(stacked)
    with pytest.raises(ValueError, match=r"stacked as \(3,\).*jax\.vmap\(phase_statistics\)"):
        phase_statistics(state)
    assert jax.vmap(phase_statistics)(state)["snr_mean"]["all"].shape == (3,)
