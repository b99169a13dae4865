"""A CPU's cores as devices of their own, so that they can share a run's batches.

Two cores that work on every operation together wait for each other thousands of times a step; with
a part of the batch each they meet once, at its end, which takes three quarters of the time.
"""

import contextlib
import os
from collections.abc import Mapping

import jax

# Eight leave 128 of the benchmark's 1,024 images to each; further cores help within an operation.
# (A bound chosen, not measured: the machine at hand had two cores.)
MOST = 8

# XLA ends the process where one device keeps the others waiting: for 40 s, unless told otherwise,
# which a large batch on a busy machine may take. An hour means that a device failed.
PATIENCE: Mapping[str, int] = {"xla_cpu_collective_call_terminate_timeout_seconds": 3600}


def show() -> None:
    """Make JAX show the CPU as one device a core, at most `MOST`.

    To be called before JAX is first used: then its devices are fixed, and this does nothing. Nor
    does it where the user chose a number, with JAX_NUM_CPU_DEVICES or in XLA_FLAGS.
    """
    chosen = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if jax.config.values["jax_num_cpu_devices"] < 0 and not chosen:
        with contextlib.suppress(RuntimeError):  # JAX is in use
            jax.config.update("jax_num_cpu_devices", min(count(), MOST))


def compiler_options(mesh: jax.sharding.Mesh) -> dict[str, int] | None:
    """What to compile a program of this mesh with: on a CPU, `PATIENCE`."""
    return dict(PATIENCE) if mesh.devices.flat[0].platform == "cpu" else None


def count() -> int:
    """The cores that this process may use, whatever share of their time a container grants it."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
