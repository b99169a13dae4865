"""Where a run was made: versions, device, commit and a fingerprint of the code that trains."""

from __future__ import annotations

import ast
import hashlib
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from experiments import cores

PACKAGES = ("jax", "jaxlib", "optax", "flax", "numpy", "thermolion-optax")


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


def device() -> dict[str, Any]:
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
    root = Path(__file__).resolve().parents[1]

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


def _training_sources(folder: Path) -> list[Path]:
    """The modules of ``folder`` that training imports, directly or through others.

    What only reports, draws or reads data cannot change what a run gives: data have a
    fingerprint of their own, and the protocol has a version.
    """
    found: list[Path] = []
    todo = ["training", "optimizers"]
    while todo:
        path = folder / f"{todo.pop()}.py"
        if path in found or not path.is_file():
            continue
        found.append(path)
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module == "experiments":
                todo += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "experiments."
            ):
                todo.append(str(node.module).split(".")[1])
    return found


@cache
def code_fingerprint() -> str:
    """First 16 hex digits of a sha256 over every source file that takes part in training.

    Unlike the commit it stays the same when only tests, reports or documents change, and it is
    there without git.
    """
    import thermolion_optax

    files = _training_sources(Path(__file__).resolve().parent)
    library = Path(str(thermolion_optax.__file__)).resolve().parent
    files += list(library.rglob("*.py"))
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: (path.parent.name, path.name)):
        digest.update(f"{path.parent.name}/{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def describe() -> dict[str, Any]:
    """Everything a record says about where it was made."""
    return {
        "versions": versions(),
        "device": device(),
        "commit": commit(),
        "code": code_fingerprint(),
    }
