"""Showing a CPU as one device a core: in processes of their own, before JAX is used."""

import os
import subprocess
import sys

import pytest

from experiments.training import cores

COUNT = "print(jax.device_count())"


def devices(before: str = "pass", **environment: str) -> int:
    clean = {k: v for k, v in os.environ.items() if k not in ("JAX_NUM_CPU_DEVICES", "XLA_FLAGS")}
    code = f"import jax; {before}; from experiments.training import cores; cores.show(); {COUNT}"
    command = [sys.executable, "-c", code]
    settings = clean | {"JAX_PLATFORMS": "cpu"} | environment
    run = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    return int(run.stdout)


def test_one_device_a_core() -> None:
    assert devices() == min(cores.count(), cores.MOST)


@pytest.mark.parametrize(
    "chosen",
    [
        {"JAX_NUM_CPU_DEVICES": "3"},
        {"XLA_FLAGS": "--xla_force_host_platform_device_count=3"},
    ],
)
def test_a_number_that_the_user_chose_stays(chosen: dict[str, str]) -> None:
    assert devices(**chosen) == 3


def test_devices_stay_where_jax_is_in_use() -> None:
    assert devices(before="jax.device_count()") == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux alone pins processes")
def test_cores_of_others_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {5})
    assert cores.count() == 1
