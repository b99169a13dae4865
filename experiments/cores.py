"""A CPU's cores as devices of their own, so that they can share a run's batches.

Two cores that work on every operation together wait for each other thousands of times a step; with
a part of the batch each they meet once, at its end, which takes three quarters of the time.
"""

import os
from collections.abc import Mapping

import jax

# Eight leave 128 of the benchmark's 1,024 images to each; further cores help within an operation.
# (A bound chosen, not measured: the machine at hand had two cores.)
MOST = 8

# XLA ends the process where one device keeps the others waiting for long: 40 s, unless told.
PATIENCE: Mapping[str, int] = {"xla_cpu_collective_call_terminate_timeout_seconds": 7 * 24 * 3600}


def show() -> None:
    """Make JAX show the CPU as one device a core, at most `MOST`.

    To be called before JAX is first used, since its devices are then fixed. A number that the user
    chose, with JAX_NUM_CPU_DEVICES or in XLA_FLAGS, stays.
    """
    chosen = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if jax.config.values["jax_num_cpu_devices"] < 0 and not chosen:
        jax.config.update("jax_num_cpu_devices", min(count(), MOST))


def count() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
