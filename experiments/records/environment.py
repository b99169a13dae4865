"""Where a run was made: versions, device, commit and a fingerprint of the code that trains."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from experiments.records.record import Fields
from experiments.training import cores

PACKAGES = ("jax", "jaxlib", "optax", "flax", "numpy", "thermolion-optax")

TRAINING_PACKAGES = ("networks", "optimizers", "training")
"""The packages of `experiments` whose code decides, with the library's, what a run computes."""


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide what a run computes.

    Example:
        >>> sorted(versions())[:3]
        ['flax', 'jax', 'jaxlib']
    """
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def device() -> dict[str, str | int]:
    """The accelerator JAX uses here and the machine around it (no host name)."""
    import jax

    first = jax.local_devices()[0]
    return {
        "platform": first.platform,
        "kind": _processor() if first.platform == "cpu" else first.device_kind,
        # A CPU is one device, however many it shows itself as.
        "count": 1 if first.platform == "cpu" else jax.local_device_count(),
        "cores": cores.count(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.lower().startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown processor"


def commit() -> str | None:
    """The commit of the sources, with " + changes" where the code differs from it.

    None where the sources are not a git checkout or git is absent.
    """
    root = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout.strip()

    try:
        head = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--", "thermolion_optax", "experiments")
    except (OSError, subprocess.SubprocessError):
        return None
    return head + (" + changes" if changed else "")


@cache
def code_fingerprint() -> str:
    """First 16 hex digits of a sha256 over every source file that takes part in training.

    Unlike the commit it stays the same when only tests, reports or documents change, and it is
    there without git. What only reads data has no part in it: data have a fingerprint of their
    own. Nor has the plan of a protocol, which has a version.

    Raises:
        FileNotFoundError: one of `TRAINING_PACKAGES` holds no source.
    """
    experiments = Path(__file__).resolve().parents[1]
    library = find_spec("thermolion_optax")  # found, not imported: that would load JAX
    folders = [experiments / name for name in TRAINING_PACKAGES]
    folders += map(Path, (library and library.submodule_search_locations) or [])
    digest = hashlib.sha256()
    for folder in folders:
        files = sorted(folder.rglob("*.py"))
        if not files:
            raise FileNotFoundError(f"{folder} holds no Python source, but is a training package")
        for path in files:
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def describe() -> Fields:
    """Everything a record says about where it was made."""
    return {
        "versions": versions(),
        "device": device(),
        "commit": commit(),
        "code": code_fingerprint(),
    }
