"""The programs that `training.py` times: this project's runs, PyTorch's, a matrix product."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np


def jax_runs(
    name: str,
    network: str = "convnet",
    *,
    n: int = 5000,
    batch_size: int = 1024,
    epochs: int = 1,
    count: int,
    **options: Any,
) -> Iterator[Any]:
    from experiments import networks  # here, so that PyTorch's processes do not hold JAX
    from experiments.optimizers import resolve
    from experiments.training import Config, Data, Run, cores, run_many

    cores.show()
    optimizer = resolve(name)
    runs = [Run(optimizer.hyperparameters, seed) for seed in range(count)]
    data, config = Data(*random_data(n)), Config(epochs=epochs, batch_size=batch_size)
    learner = networks.resolve(network)
    return run_many(optimizer.build, runs, data, config, network=learner, **options)


def torch_runs(epochs: int, channels_last: bool) -> Iterator[float]:
    """The paper's loop: everything at its default, data on the device from the start."""
    import torch
    from torch import nn

    device = torch_device()
    images, labels = random_data(5000)
    x = torch.tensor(images.transpose(0, 3, 1, 2), device=device).float() / 127.5 - 1
    y = torch.tensor(labels, device=device).long()
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = x.to(memory_format=layout)
    while True:
        model = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(4096, 256), nn.ReLU(), nn.Linear(256, 10),
        ).to(device, memory_format=layout)  # fmt: skip
        adam = torch.optim.Adam(model.parameters(), lr=1e-3)
        begin = time.perf_counter()
        for _ in range(epochs):
            for rows in torch.randperm(5000, device=device).split(1024):
                adam.zero_grad()
                nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
                adam.step()
        with torch.no_grad():
            torch.cat([model(part).argmax(1) for part in x.split(1024)]).eq(y).float().mean().item()
        yield time.perf_counter() - begin


def torch_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def sgemm_rates() -> Iterator[float]:
    """FLOP/s of a large float32 matrix product."""
    import torch

    a, b = torch.randn(2, 2048, 2048, device=torch_device())
    while True:
        begin = time.perf_counter()
        for _ in range(5):
            c = a @ b
        c.sum().item()  # waits for a GPU
        yield 5 * 2 * 2048**3 / (time.perf_counter() - begin)


def random_data(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    return images, rng.integers(0, 10, n).astype(np.int32)
