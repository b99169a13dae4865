"""The file of a run's phase statistics: a row every so many steps, through kills and restarts."""

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

import jax
import numpy as np

from experiments import files
from experiments.training.telemetry_log import flat
from thermolion_optax import PhaseStatistics


class PhaseLog:
    """Writes a CSV table with the columns step, gate_mean/all, gate_mean/LEAF and so on.

    Args:
        path: the file. Rows that it has already stay, up to step ``done``; those after it, and a
            torn last line, go: their steps will be made again.
        done: the steps of the run that are done.
        writes: whether this process is the one that writes; else nothing happens.

    Example:
        >>> import tempfile
        >>> row = {"gate_mean": {"all": 0.25, "leaves": {"['w']": 0.25}}}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "phases.csv"
        ...     for done, steps in ((0, (1, 2, 3)), (2, (3,))):  # killed after step 3, saved at 2
        ...         with PhaseLog(path, done, writes=True) as log:
        ...             for step in steps:
        ...                 log.add(step, row)
        ...     print(path.read_text(), end="")
        step,gate_mean/all,gate_mean/w
        1,0.25,0.25
        2,0.25,0.25
        3,0.25,0.25
    """

    def __init__(self, path: Path, done: int, writes: bool) -> None:
        self._file, self._header = None, ""
        if writes:
            header, *rows = _lines(path) or [""]
            kept = [row for row in rows if int(row.split(",", 1)[0]) <= done]
            self._header = header if kept else ""
            files.write(path, "".join([self._header, *kept]))
            self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> "PhaseLog":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def add(self, step: int, found: PhaseStatistics) -> None:
        """Adds the statistics after a step; they outlast this process from then on.

        Raises:
            ValueError: the file has other columns.
        """
        if not self._file:
            return
        log = flat(jax.tree.map(lambda x: np.asarray(x)[None], found))
        header = _row(["step", *log])
        if self._header not in ("", header):
            raise ValueError(f"{self._file.name} has other columns; move it away to go on")
        text = _row([step, *(curve.tolist()[0] for curve in log.values())])
        self._file.write(text if self._header else header + text)
        self._file.flush()
        self._header = header

    def sync(self) -> None:
        """Makes what was added outlast the machine."""
        if self._file:
            os.fsync(self._file.fileno())


def _row(values: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _lines(path: Path) -> list[str]:
    """The whole lines of a file, without a torn last one."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    if not all(line.split(",", 1)[0].isdecimal() for line in whole[1:]):
        raise ValueError(f"{path} is no log of this command; move it away, or give another --out")
    return whole
