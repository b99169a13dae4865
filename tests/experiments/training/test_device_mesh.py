"""How runs are laid out on devices: which train one run together, and which runs of their own."""

import jax
import pytest

from experiments import training
from experiments.training import cores, mesh


@pytest.mark.parametrize(
    ("asked", "rows", "parts", "together"),
    [
        ((5, None, 2, None), 1, 2, 1),
        ((5, None, 4, 2), 2, 2, 1),
        ((1, None, 4, 2), 1, 2, 1),
        ((3, None, 8, 1), 3, 1, 1),
        ((5, 4, 2, 1), 2, 1, 3),
        ((99, 4, 1, None), 1, 1, 4),
    ],
)
def test_mesh(asked: tuple, rows: int, parts: int, together: int) -> None:
    found, made = training.device_mesh(*asked)
    assert (found, dict(made.shape)) == (together, {"runs": rows, "data": parts})


def test_mesh_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "count", lambda: 3)
    assert dict(training.device_mesh(5)[1].shape) == {"runs": 1, "data": 3}

    class Accelerator:
        platform = "gpu"

    monkeypatch.setattr(jax, "local_devices", lambda: [Accelerator() for _ in range(4)])
    monkeypatch.setattr(mesh, "Mesh", lambda devices, names: devices.shape)
    assert training.device_mesh(5) == (1, (4, 1))
