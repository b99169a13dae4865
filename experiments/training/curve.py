"""The file of a run's losses, one line a step."""

import json
import os
from pathlib import Path

import numpy as np

from experiments import files


class Curve:
    """Writes `{"step": 1, "loss": 2.3}` lines, beginning anew with those already known.

    Args:
        path: the file.
        losses: the losses of the steps before, float32.
        writes: whether this process is the one that writes; else nothing happens.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "curve.jsonl"
        ...     with Curve(path, np.ones(1, np.float32), writes=True) as curve:
        ...         curve.add(2, 0.5)
        ...     print(path.read_text(), end="")
        {"step": 1, "loss": 1.0}
        {"step": 2, "loss": 0.5}
    """

    def __init__(self, path: Path, losses: np.ndarray, writes: bool) -> None:
        self._file = None
        if writes:
            files.write(path, "".join(_line(i, x) for i, x in enumerate(losses, start=1)))
            self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> "Curve":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def add(self, step: int, loss: float | np.floating) -> None:
        """Adds the loss of a step, 1-based; it outlasts this process from then on."""
        if self._file:
            self._file.write(_line(step, loss))
            self._file.flush()

    def sync(self) -> None:
        """Makes what was added outlast the machine."""
        if self._file:
            os.fsync(self._file.fileno())


def _line(step: int, loss: float | np.floating) -> str:
    # JSON has no NaN and no infinity.
    return json.dumps({"step": step, "loss": float(loss) if np.isfinite(loss) else None}) + "\n"
