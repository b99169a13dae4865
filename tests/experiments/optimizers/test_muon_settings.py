"""Muon as the benchmark runs it, against its equations and against PyTorch's."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optimizer_paths import run
from params import slow

from experiments.optimizers import resolve
from experiments.optimizers.newton_schulz import orthogonalise


def newton_schulz(x):
    """Five steps of Keller Jordan's quintic in float64."""
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (np.linalg.norm(x) + 1e-8)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if tall else x


def muon_path(start, grads, lr=0.02, beta=0.95):
    """Nesterov momentum, bias-corrected as optax has it, orthogonalised and scaled by shape."""
    theta, m, path = start, 0.0, []
    for t, g in enumerate(grads, start=1):
        m = beta * m + (1 - beta) * g
        ahead = beta * m / (1 - beta ** (t + 1)) + (1 - beta) * g / (1 - beta**t)
        matrix = ahead.reshape(-1, ahead.shape[-1])
        scale = np.sqrt(max(1.0, matrix.shape[1] / matrix.shape[0]))
        theta = theta - lr * scale * newton_schulz(matrix).reshape(g.shape)
        path.append(theta)
    return np.array(path)


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (3, 3, 2, 5)])
def test_muon_takes_kernels_as_matrices(shape):
    rng = np.random.default_rng(0)
    grads, start = rng.normal(size=(200, *shape)), rng.normal(size=shape)
    path, _ = run("muon", grads, start)
    np.testing.assert_allclose(path, muon_path(start, grads), rtol=1e-6, atol=1e-8)


def optax_own(learning_rate, beta, weight_decay):
    def as_matrix(leaf):
        if leaf.ndim < 2:
            return None
        return optax.contrib.MuonDimensionNumbers(tuple(range(leaf.ndim - 1)), leaf.ndim - 1)

    return optax.contrib.muon(
        learning_rate,
        beta=beta,
        weight_decay=weight_decay,
        adam_b2=0.95,
        adam_learning_rate=lambda count: 0.015 * learning_rate(count),
        muon_weight_dimension_numbers=lambda params: jax.tree.map(as_matrix, params),
    )


@pytest.mark.parametrize("bad", [False, True])
def test_muon_is_optax_own_in_float32(bad):
    """Also where most directions of the gradient are a millionth of the others."""
    rng = np.random.default_rng(1)
    shapes = {"conv": (3, 3, 32, 64), "tall": (512, 64), "wide": (16, 128), "bias": (64,)}

    def draw(shape):
        g = rng.normal(size=shape)
        falling = np.logspace(0, -6, shape[-1]) if bad else np.ones(shape[-1])
        mixed = rng.normal(size=(shape[-1], shape[-1])) / shape[-1] ** 0.5
        return jnp.asarray((g * falling) @ mixed, jnp.float32)

    params = {name: draw(shape) for name, shape in shapes.items()}
    rate = optax.linear_schedule(0.02, 0.0, 10)
    hyperparameters = {"learning_rate": rate, "beta": 0.9, "weight_decay": 0.1}
    pair = [
        resolve("muon").build(hyperparameters, jax.random.key(0), 5, 60),
        optax_own(rate, 0.9, 0.1),
    ]
    states, updates = [tx.init(params) for tx in pair], [None, None]
    for _ in range(5):
        grads = {name: draw(shape) for name, shape in shapes.items()}
        for i, tx in enumerate(pair):
            updates[i], states[i] = jax.jit(tx.update)(grads, states[i], params)
        for name in shapes:
            got, want = updates[0][name], updates[1][name]
            error = np.abs(got - want).max() / np.sqrt(np.mean(want**2))
            assert error < (1e-2 if bad else 1e-4), (name, error)


@pytest.mark.parametrize("devices", [slow(2), 3])
@pytest.mark.parametrize("shape", [(3, 3, 8, 16), (7, 4), (4, 7), (1, 4)])
def test_devices_that_share_a_run_share_a_kernel(devices, shape):
    """Rows that do not divide, fewer rows than devices, and wide matrices, too."""
    g = jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)
    tx = resolve("muon").build({"learning_rate": 0.02}, jax.random.key(0), 5, 60)

    def update(g, axis=None):
        return tx.update({"kernel": g}, tx.init({"kernel": g}), {"kernel": g}, axis=axis)

    whole = jax.sharding.PartitionSpec()
    shared = jax.shard_map(
        lambda g: update(g, "data"),
        mesh=jax.make_mesh((devices,), ("data",), devices=jax.devices()[:devices]),
        in_specs=whole,
        out_specs=whole,
        check_vma=False,
    )
    (got, state), (want, other) = jax.jit(shared)(g), jax.jit(update)(g)
    scale = float(jnp.abs(want["kernel"]).max())
    np.testing.assert_allclose(got["kernel"], want["kernel"], atol=1e-4 * scale)
    jax.tree.map(np.testing.assert_array_equal, state, other)


def test_shared_kernels_cost_each_device_a_part():
    """Of a tall kernel: the products with its rows, but not those on its small side."""
    x = jnp.ones((1024, 16)) / 128
    mesh = jax.make_mesh((4,), ("data",), devices=jax.devices()[:4])
    whole = jax.sharding.PartitionSpec()
    how = {"mesh": mesh, "in_specs": whole, "out_specs": whole, "check_vma": False}

    def flops(axis):
        function = jax.shard_map(lambda x: orthogonalise(x, 5, axis), **how)
        return jax.jit(function).lower(x).compile().cost_analysis()["flops"]

    products, small = 2 * 2 * 1024 * 16**2, 5 * 4 * 2 * 16**3
    assert flops(None) == pytest.approx(products + small, rel=0.1)
    assert flops("data") == pytest.approx(products / 4 + small, rel=0.1)


def test_no_gradient_moves_nothing():
    params = {"kernel": jnp.ones((4, 3)), "bias": jnp.zeros(3)}
    tx = resolve("muon").build({"learning_rate": 0.02}, jax.random.key(0), 5, 60)
    updates, _ = tx.update(jax.tree.map(jnp.zeros_like, params), tx.init(params), params)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(updates))


def test_muon_is_pytorchs_up_to_its_bfloat16():
    """Without PyTorch's decay. optax corrects the momentum's bias, which scaling takes out."""
    torch = pytest.importorskip("torch", reason="PyTorch is the independent truth here")
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("this PyTorch has no Muon")
    rng = np.random.default_rng(0)
    grads, start = rng.normal(size=(200, 8, 5)), rng.normal(size=(8, 5))
    theta = torch.tensor(start.T.copy(), requires_grad=True)  # PyTorch's kernels are (out, in)
    optimizer, steps = torch.optim.Muon([theta], lr=0.02, weight_decay=0.0), []
    before = theta.detach().numpy().copy()
    for g in grads:
        theta.grad = torch.tensor(g.T.copy())
        optimizer.step()
        after = theta.detach().numpy().copy()
        steps.append((after - before).T)
        before = after
    path, _ = run("muon", grads, start)
    ours = np.diff(np.concatenate([start[None], path]), axis=0)
    late = slice(100, None)  # the correction has faded; what is left is bfloat16's rounding
    error = np.linalg.norm(ours[late] - steps[late]) / np.linalg.norm(steps[late])
    assert error < 0.02


def test_muon_leaves_biases_to_adam_at_its_own_rate():
    params = {"kernel": jnp.ones((3, 3, 2, 4)), "bias": jnp.zeros(4), "scale": jnp.float32(1.0)}
    optimizer = resolve("muon")
    tx = optimizer.build(optimizer.hyperparameters, jax.random.key(0), 5, 60)
    adam = optax.adam(3e-4, 0.9, 0.95, nesterov=True)
    state, adam_state = tx.init(params), adam.init(params)
    update, adam_update = jax.jit(tx.update), jax.jit(adam.update)
    for size in (1.0, -0.5, 2.0):
        grads = jax.tree.map(lambda p, size=size: jnp.full_like(p, size), params)
        updates, state = update(grads, state, params)
        expected, adam_state = adam_update(grads, adam_state, params)
        for name in ("bias", "scale"):
            np.testing.assert_allclose(updates[name], expected[name], rtol=1e-6)
    assert updates["kernel"].shape == (3, 3, 2, 4)
