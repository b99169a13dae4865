"""The mesh of devices that many runs are trained on."""

import jax
import numpy as np
from jax.sharding import Mesh

from experiments.training import cores


def device_mesh(
    count: int,
    together: int | None = None,
    devices: int | None = None,
    devices_per_run: int | None = None,
) -> tuple[int, Mesh]:
    """How many of ``count`` runs train together on a device, and the mesh (runs, data).

    Raises:
        ValueError: ``together`` is below 1, ``devices`` more than there are, or ``devices_per_run``
            does not divide them.
    """
    local = jax.local_devices()
    cpu = local[0].platform == "cpu"
    if devices is None:
        devices = min(len(local), cores.count()) if cpu else len(local)
    if not 1 <= devices <= len(local):
        raise ValueError(
            f"devices must be 1 … {len(local)}, the {local[0].platform} devices that JAX finds "
            f"here, got {devices} (JAX_NUM_CPU_DEVICES=N shows a CPU as N devices)"
        )
    if devices_per_run is None:
        devices_per_run = devices if cpu else 1
    if devices_per_run < 1 or devices % devices_per_run:
        raise ValueError(
            f"devices_per_run must divide devices, which is {devices}, got {devices_per_run}"
        )
    if together is not None and together < 1:
        raise ValueError(f"together must be at least 1, got {together}")
    rows = min(devices // devices_per_run, count)
    placed = np.array(local[: rows * devices_per_run]).reshape(rows, devices_per_run)
    mesh = Mesh(placed, ("runs", "data"))
    return min(together or 1, -(-count // rows)), mesh
