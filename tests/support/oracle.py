"""The papers' equations in NumPy float64, written from the text, for tests to compare with."""

import numpy as np


def thermolion(
    theta,
    gradients,
    *,
    learning_rate=1e-3,
    b1=0.9,
    b2=0.99,
    eps=1e-8,
    solid_scale=2.0,
    boost=0.5,
    temperature=1.0,
    temperature_decay=0.99,
    weight_decay=1e-2,
    exponent=0.5,
    gate=np.tanh,
    noise_units="learning_rate",
    normal=None,
):
    """Parameters after the gradients (steps first); ``normal(t)`` gives step t's xi, t >= 1."""
    theta = np.asarray(theta, np.float64)
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t, g in enumerate(np.asarray(gradients, np.float64), start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        lam = gate(np.abs(m) / (np.sqrt(v) + eps))
        solid = solid_scale * m / (v**exponent + eps)
        aligned = np.sign(m) * np.sign(g) > 0
        gas = np.sign(m) * (1 + boost * aligned)
        current = temperature * temperature_decay**t
        xi = 0.0 if normal is None else np.asarray(normal(t), np.float64)
        outside = 0.0
        if noise_units == "parameter":
            outside = (1 - lam) * np.sqrt(current * v.mean()) * xi
        elif temperature_decay**t > 0.01 and current > 0:
            gas = gas + np.sqrt(current * v.mean() + 1e-10) * xi
        u = (1 - lam) * gas + lam * solid
        theta = theta - learning_rate * (u + weight_decay * theta) + outside
    return theta


def smes(
    theta,
    gradients,
    *,
    learning_rate,
    alpha,
    b1=0.9,
    b2=0.999,
    eps=1e-8,
    weight_decay=0.0,
    amsgrad=False,
):
    """Parameters after the gradients; ``alpha`` a number or a function of the 0-based step."""
    theta = np.asarray(theta, np.float64)
    m, v, v_max = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)
    for t, g in enumerate(np.asarray(gradients, np.float64), start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        power = alpha(t - 1) if callable(alpha) else alpha
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        if amsgrad:
            v_hat = v_max = np.maximum(v_max, v_hat)
        with np.errstate(divide="ignore"):
            denominator = v_hat**power + eps
        theta = theta - learning_rate * (m_hat / denominator + weight_decay * theta)
    return theta


def gradient_streams(steps, size, seed=0):
    """Gradients (steps, size) of four hard kinds, float32, by name."""
    rng = np.random.default_rng(seed)
    drift = np.sin(np.arange(steps)[:, None] / 40 + rng.uniform(0, 6, size))
    streams = {
        "drifting": drift + 0.5 * rng.standard_normal((steps, size)),
        "heavy": rng.standard_t(1.5, (steps, size)) + 0.1,
        "sparse": rng.standard_normal((steps, size)) * (rng.random((steps, size)) < 0.05),
        "tiny": 1e-15 * (rng.standard_normal((steps, size)) + 0.3),
    }
    return {name: g.astype(np.float32) for name, g in streams.items()}
