"""Every setting of the released benchmark, each against PyTorch or its equations in float64."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import enable_x64
from optimizer_paths import GRADS, START, STEPS, run

from experiments.optimizers import resolve
from experiments.optimizers.factories import FACTORIES


def torch_path(make):
    torch = pytest.importorskip("torch", reason="PyTorch is the independent truth here")
    theta = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer, path = make(torch.optim, [theta]), []
    for g in GRADS:
        theta.grad = torch.tensor(g)
        optimizer.step()
        path.append(theta.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize(
    ("spec", "make"),
    [
        ("adam", lambda o, p: o.Adam(p)),
        ("adam:b1=0.5,b2=0.9,eps=1e-3", lambda o, p: o.Adam(p, betas=(0.5, 0.9), eps=1e-3)),
        ("adamw", lambda o, p: o.AdamW(p)),
        ("adamw:weight_decay=0.3", lambda o, p: o.AdamW(p, weight_decay=0.3)),
        ("rmsprop", lambda o, p: o.RMSprop(p, lr=1e-3)),
        ("rmsprop:learning_rate=0.01", lambda o, p: o.RMSprop(p)),
        (
            "sgd",
            lambda o, p: o.SGD(p, lr=1e-2, momentum=0.9, nesterov=True, weight_decay=5e-4),
        ),
    ],
)
def test_is_pytorchs_at_its_defaults(spec, make):
    expected = torch_path(make)
    path, _ = run(spec)
    # Relative to how far each parameter moved, not to where it stands.
    np.testing.assert_allclose(path - START, expected - START, rtol=1e-9, atol=1e-15)


def test_pytorchs_defaults_are_not_optaxs():
    for spec, theirs in (
        ("adamw", optax.adamw(1e-3)),
        ("rmsprop", optax.rmsprop(1e-3)),
        ("lion", optax.lion(1e-3 / 3)),
    ):
        path, _ = run(spec)
        with enable_x64(True):
            params = jnp.asarray(START)
            updates, _ = theirs.update(jnp.asarray(GRADS[0]), theirs.init(params), params)
        assert not np.allclose(path[0] - START, updates, rtol=1e-6), spec


def lion(start, lr=1e-3 / 3, b1=0.9, b2=0.99, weight_decay=0.0):
    theta, m, path = start, 0.0, []
    for g in GRADS:
        theta = theta - lr * (np.sign(b1 * m + (1 - b1) * g) + weight_decay * theta)
        m = b2 * m + (1 - b2) * g
        path.append(theta)
    return np.array(path)


def adam_step(t, g, m, v, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


def lookahead(start, as_run, k=5, alpha=0.5):
    fast, slow, m, v, path = start, start, 0.0, 0.0, []
    for t, g in enumerate(GRADS, start=1):
        step, m, v = adam_step(t, g, m, v)
        fast = fast - step
        if as_run and t % k == 1:
            slow = fast
        if t % k == 0:
            fast = slow = slow + alpha * (fast - slow)
        path.append(fast)
    return np.array(path)


def muadam(start, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    theta, m, v, path = start, 0.0, 0.0, []
    for g in GRADS:
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        theta = theta - lr * (b1 * m + (1 - b1) * g) / (np.sqrt(v) + eps)
        path.append(theta)
    return np.array(path)


def smes(start, lr=0.0656, alpha=0.25, b1=0.9, b2=0.999, eps=1.53e-4):
    theta, m, v, path = start, 0.0, 0.0, []
    for t, g in enumerate(GRADS, start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        theta = theta - lr * m / (1 - b1**t) / ((v / (1 - b2**t)) ** alpha + eps)
        path.append(theta)
    return np.array(path)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("lion", lambda: lion(START)),
        ("lion:weight_decay=0.1,b2=0.9", lambda: lion(START, weight_decay=0.1, b2=0.9)),
        ("lookahead", lambda: lookahead(START, as_run=False)),
        ("lookahead:variant=as-run", lambda: lookahead(START, as_run=True)),
        ("lookahead:sync_period=3,slow_step_size=0.8", lambda: lookahead(START, False, 3, 0.8)),
        ("muadam", lambda: muadam(START)),
        ("smes", lambda: smes(START)),
        ("smes:alpha=0.5,learning_rate=1e-3", lambda: smes(START, 1e-3, 0.5)),
    ],
)
def test_is_its_equations(spec, expected):
    path, _ = run(spec)
    np.testing.assert_allclose(path - START, expected() - START, rtol=1e-6, atol=1e-12)


def test_noise_comes_from_the_runs_key():
    def end(key):
        tx = resolve("thermolion").build({"learning_rate": 1e-3}, key, 5, 60)
        params = jnp.ones(4)
        return tx.update(jnp.ones(4), tx.init(params), params)[0]

    one, same, other = (jax.jit(end)(jax.random.key(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_swats_is_adam_for_300_steps_up_to_the_place_of_eps():
    moving = GRADS[:, :4]  # without eps, optax's Adam divides 0 by 0 where there is no gradient
    adam, _ = run("adam:eps=0", moving, START[:4])
    swats, _ = run("swats:eps=0", moving, START[:4])
    np.testing.assert_allclose(swats, adam, rtol=1e-9)
    grads = np.tile(GRADS, (2, 1))[:310]
    steps = np.diff(run("swats", grads)[0], axis=0)
    np.testing.assert_allclose(steps[299:], -1e-3 * grads[300:], rtol=1e-6, atol=1e-15)
    assert not np.allclose(steps[298], -1e-3 * grads[299], rtol=1e-2)


@pytest.mark.parametrize(("total", "start"), [(60, 7), (24, 7), (300, 31), (5, 1)])
def test_swa_evaluates_the_average_of_the_ends_of_the_later_epochs(total, start):
    spe = 2 if total == 24 else 5
    path, average = run("swa", GRADS[:total], steps_per_epoch=spe, total_steps=total)
    np.testing.assert_allclose(path, START - 1e-2 * np.cumsum(GRADS[:total], 0), rtol=1e-9)
    if total <= STEPS:
        np.testing.assert_allclose(average, path[start * spe - 1 :: spe].mean(0), rtol=1e-9)
    else:  # the horizon is longer than these gradients, so averaging starts at its half
        assert len(path[start * spe - 1 :: spe]) == (STEPS - start * spe) // spe + 1


@pytest.mark.parametrize("name", FACTORIES)
def test_every_float_may_be_traced(name):
    floats = {
        key: p.default
        for key, p in inspect.signature(FACTORIES[name]).parameters.items()
        if isinstance(p.default, float)
    }
    assert "learning_rate" in floats

    def end(hyperparameters, key):
        built = resolve(name).build(hyperparameters, key, 2, 4)
        tx, _ = built if type(built) is tuple else (built, None)
        params = {"w": jnp.full((2, 3), 0.5), "b": jnp.ones(3)}
        state = tx.init(params)
        for _ in range(2):
            grads = jax.tree.map(jnp.cos, params)
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
        return params

    key = jax.random.key(3)
    traced, plain = jax.jit(end)(floats, key), jax.jit(lambda key: end(floats, key))(key)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6), traced, plain)
