"""Whole runs against PyTorch: same initial weights, same batches, same optimizer.

Two float32 programs that add in another order drift apart from the first step on, and training
amplifies the drift. What float32 explains is measured, not guessed: PyTorch's run is made once in
float64, as the truth, and twice in float32, once with every batch turned round. This library's
curve may lie at most a few times as far from the truth as PyTorch's own two.

Adam has one more source of drift. PyTorch takes 1 - 0.999^t in Python's doubles; optax takes it in
float32, where the subtraction leaves five digits in the first steps: a thousand times the rounding
of everything else. So a third run is made for Adam and AdamW, in float64 but for these two numbers
a step, and its distance from the truth counts as float32's too. (Loss by loss, the first ten steps
of optax's Adam lie 2e-7 to 3e-4 from the truth and at most 8e-6 from that third run.)
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import optax
import pytest

from experiments import networks
from experiments.networks import convnet
from experiments.optimizers import resolve
from experiments.training import Config, Data, Run, run_many

torch: Any = pytest.importorskip("torch", reason="the PyTorch comparison needs the extra `torch`")

# Minutes in all. The suite leaves it out; run it by name: pytest -m slow tests/experiments.
pytestmark = pytest.mark.slow

SEED = 5
CONVNET = networks.resolve("convnet")


class CorrectedInFloat32(torch.optim.Optimizer):
    """Adam and AdamW in the parameters' own precision, but for the two bias corrections."""

    def __init__(self, params: Any, lr: float, weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.count = 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        self.count += 1
        c1, c2 = (float(1 - decay ** jax.numpy.int32(self.count)) for decay in (0.9, 0.999))
        for group in self.param_groups:
            for p in group["params"]:
                mu, nu = self.state[p].setdefault("moments", (p * 0, p * 0))
                mu.mul_(0.9).add_(0.1 * p.grad)
                nu.mul_(0.999).add_(0.001 * p.grad**2)
                change = (mu / c1) / ((nu / c2).sqrt() + 1e-8) + group["weight_decay"] * p
                p.sub_(group["lr"] * change)


RATE = 1e-3
# RMSprop's first step is ten times its rate in every parameter (v starts at 0): at 1e-3 PyTorch's
# own two float32 runs part by 0.36 in loss, and nothing could be told from a comparison.
SLOW_RATE = 1e-4


def benchmarks(name: str) -> Callable[..., Any]:
    """The optimizer of that name as the benchmark runs it."""
    return lambda rate: resolve(name).build({"learning_rate": rate}, jax.random.key(0), 5, 60)


OPTIMIZERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "adam": (
        benchmarks("adam"),
        lambda params: torch.optim.Adam(params, lr=RATE),
    ),
    "adamw": (
        benchmarks("adamw"),
        lambda params: torch.optim.AdamW(params, lr=RATE, weight_decay=0.01),
    ),
    "rmsprop": (
        benchmarks("rmsprop"),
        lambda params: torch.optim.RMSprop(params, lr=SLOW_RATE, alpha=0.99, eps=1e-8),
    ),
    "sgd": (
        lambda rate: optax.sgd(rate),
        lambda params: torch.optim.SGD(params, lr=RATE),
    ),
    "momentum": (
        lambda rate: optax.sgd(rate, momentum=0.9),
        lambda params: torch.optim.SGD(params, lr=RATE, momentum=0.9),
    ),
    "adamax": (
        lambda rate: optax.adamax(rate),
        lambda params: torch.optim.Adamax(params, lr=RATE),
    ),
}


# The same with optax's bias corrections; see above.
CORRECTED: dict[str, Callable[..., Any]] = {
    "adam": lambda params: CorrectedInFloat32(params, RATE),
    "adamw": lambda params: CorrectedInFloat32(params, RATE, weight_decay=0.01),
}


def torch_model(num_classes: int, channels: int, dtype: Any) -> Any:
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(4096, 256), nn.ReLU(), nn.Linear(256, num_classes),
    )  # fmt: skip
    params = convnet.init(jax.random.fold_in(jax.random.key(SEED), 0), channels, num_classes)
    for at, layer in ((0, "conv1"), (3, "conv2"), (7, "dense1"), (9, "dense2")):
        kernel = np.array(params[layer]["kernel"])
        if layer == "dense1":  # rows: (height, width, channel) here, (channel, height, width) there
            kernel = kernel.reshape(8, 8, 64, 256).transpose(2, 0, 1, 3).reshape(4096, 256)
        kernel = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
        model[at].weight.data = torch.tensor(kernel.copy())
        model[at].bias.data = torch.tensor(np.array(params[layer]["bias"]))
    return model.to(dtype)


def batches(n: int, config: Config) -> Iterator[list[np.ndarray]]:
    """The row numbers of each epoch's batches, as a run of this seed draws them."""
    order_key = jax.random.fold_in(jax.random.key(SEED), 1)
    for key in jax.random.split(order_key, config.epochs):
        order = np.asarray(jax.random.permutation(key, n))
        yield np.split(order, range(config.batch_size, n, config.batch_size))


def torch_curve(
    optimizer: Callable[..., Any], data: Data, config: Config, dtype: Any, turned: bool = False
) -> np.ndarray:
    model = torch_model(data.num_classes, data.train_images.shape[3], dtype)
    tx = optimizer(model.parameters())
    images = torch.tensor(data.train_images.transpose(0, 3, 1, 2)).to(dtype) / 127.5 - 1
    labels = torch.tensor(data.train_labels).long()
    curve = []
    for epoch in batches(len(images), config):
        losses = []
        for rows in epoch:
            rows = torch.tensor(rows[::-1].copy() if turned else rows)
            tx.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(images[rows]), labels[rows])
            loss.backward()
            tx.step()
            losses.append(loss.item())
        curve.append(np.mean(losses))
    return np.array(curve)


def compare(name: str, data: Data, config: Config) -> None:
    ours, theirs = OPTIMIZERS[name]

    def build(hyperparameters, *_):
        return ours(hyperparameters["learning_rate"])

    run = Run({"learning_rate": SLOW_RATE if name == "rmsprop" else RATE}, SEED)
    got = np.array(next(run_many(build, [run], data, config, network=CONVNET)).train_loss)
    truth = torch_curve(theirs, data, config, torch.float64)
    others = [torch_curve(theirs, data, config, torch.float32, turned) for turned in (False, True)]
    if name in CORRECTED:
        others.append(torch_curve(CORRECTED[name], data, config, torch.float64))
    drift = max(np.abs(other - truth).max() for other in others)
    assert truth[-1] < truth[0]  # something was learnt, so something could drift
    assert drift < 1e-2  # and the curves are still those of one and the same run
    # A curve's own rounding, one unit in the last place of a loss near 2, counts as drift too.
    error = np.abs(got - truth).max()
    assert error <= 4 * drift + 1e-6, (error, drift)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_sixty_steps_follow_pytorch(name: str) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 152).astype(np.int32)
    prototypes = rng.integers(0, 200, (10, 32, 32, 3))
    images = prototypes[labels] + rng.integers(0, 55, (152, 32, 32, 3))
    # 12 epochs of four batches of 32 and a last one of 24: 60 steps.
    compare(name, Data(images.astype(np.uint8), labels), Config(epochs=12, batch_size=32))


def test_the_benchmarks_run_follows_pytorch() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 5000).astype(np.int32)
    prototypes = rng.integers(0, 200, (10, 32, 32, 3))
    images = prototypes[labels] + rng.integers(0, 55, (5000, 32, 32, 3))
    compare("adam", Data(images.astype(np.uint8), labels), Config())
