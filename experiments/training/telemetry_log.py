"""Phase statistics as a log: stacked arrays -> flat dict -> CSV and TensorBoard.

`phase_statistics` is pure, so it can be called inside a jitted `scan` and returned with the
step's loss; the scan stacks it along a first axis. From there on it is plain data:

    state, statistics = jax.lax.scan(step, state, batches)   # step returns phase_statistics(...)
    log = flat(statistics)                                   # {"gate_mean/all": (steps,), ...}
    write_csv(log, "phases.csv")
    write_tensorboard(log, "runs/phases")
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from experiments import files
from thermolion_optax import SNR_QUANTILES

Leaf = TypeVar("Leaf")
Log = dict[str, np.ndarray]
Curves = Mapping[str, Sequence[float] | np.ndarray]


def flat(statistics: Mapping[str, Any]) -> Log:
    """Stacked statistics as one dict of curves, named so that log viewers group them.

    Args:
        statistics: what `phase_statistics` returned, stacked along a first axis (by `scan`, or
            by `jax.tree.map(lambda *x: jnp.stack(x), *several)`); None entries are left out.

    Returns:
        "statistic/all" and "statistic/leaf.path" -> float array (steps,); quantiles have their
        number behind, as in "snr_quantiles/all/0.05".

    Raises:
        ValueError: the statistics are not stacked, or not all of one length.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from thermolion_optax import phase_statistics, thermolion
        >>> tx = thermolion(1e-3)
        >>> def step(state, grad):
        ...     _, state = tx.update({"w": grad}, state, {"w": jnp.zeros(4)})
        ...     return state, phase_statistics(state)
        >>> _, stacked = jax.lax.scan(step, tx.init({"w": jnp.zeros(4)}), jnp.ones((5, 4)))
        >>> log = flat(stacked)
        >>> [round(float(x), 2) for x in log["snr_mean/w"]]
        [1.0, 1.35, 1.57, 1.73, 1.85]
    """
    log: Log = {}
    for name, parts in statistics.items():
        if parts is None:
            continue
        for path, value in {"all": parts["all"], **_plain_paths(parts["leaves"])}.items():
            curve, rank = np.asarray(value), 1 + (name == "snr_quantiles")
            if curve.ndim != rank:
                raise ValueError(
                    f"{name}/{path} has shape {curve.shape}; expected statistics stacked over the "
                    "steps: return phase_statistics(...) from the function that lax.scan runs, or "
                    "stack several with jax.tree.map(lambda *x: jnp.stack(x), *several)"
                )
            if rank == 1:
                log[f"{name}/{path}"] = curve
            else:
                log |= {f"{name}/{path}/{q:g}": curve[:, i] for i, q in enumerate(SNR_QUANTILES)}
    _steps(log, None)
    return log


def write_csv(
    log: Curves, path: str | os.PathLike[str], steps: Sequence[int] | None = None
) -> Path:
    """Writes a log as a table with the columns step, then one for each curve.

    Args:
        log: name -> curve (steps,), as `flat` gives it; a loss may be added.
        path: the file; there whole or not at all.
        steps: the step of each row; None counts from 1.

    Raises:
        ValueError: curves or steps that differ in length.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     print(write_csv({"loss": [2.5, 2.0]}, folder + "/log.csv").read_text())
        step,loss
        1,2.5
        2,2.0
        <BLANKLINE>
    """
    path, numbers = Path(path), _steps(log, steps)
    columns = [np.asarray(curve).tolist() for curve in log.values()]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *log])
    writer.writerows(zip(numbers, *columns, strict=True))
    files.write(path, text.getvalue())
    return path


def write_tensorboard(
    log: Curves, folder: str | os.PathLike[str], steps: Sequence[int] | None = None
) -> Path:
    """Writes a log as TensorBoard scalars; see them with `tensorboard --logdir FOLDER`.

    Args:
        log: name -> curve (steps,), as `flat` gives it; a loss may be added.
        folder: gets one event file more; one folder a run, so that TensorBoard tells them apart.
        steps: the step of each value; None counts from 1.

    Raises:
        ValueError: curves or steps that differ in length.
        ImportError: tensorboardX is not there; the message says how to install it.
    """
    numbers = _steps(log, steps)
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError(
            "write_tensorboard needs tensorboardX, which the extra `notebooks` installs: "
            "pip install tensorboardX"
        ) from error
    with SummaryWriter(os.fspath(folder)) as writer:
        for name, curve in log.items():
            for step, value in zip(numbers, np.asarray(curve).tolist(), strict=True):
                writer.add_scalar(name, value, step)
    return Path(folder)


def _plain_paths(leaves: Mapping[str, Leaf]) -> dict[str, Leaf]:
    """Leaves by dotted names, "['conv1']['kernel']" -> "conv1.kernel", as long as these differ."""
    names = [".".join(re.findall(r"[^\[\]'\".]+", path)) or "parameter" for path in leaves]
    if len(set(names)) < len(names) or "all" in names:
        return dict(leaves)
    return dict(zip(names, leaves.values(), strict=True))


def _steps(log: Curves, steps: Sequence[int] | None) -> list[int]:
    lengths = {name: len(curve) for name, curve in log.items()}
    if steps is not None:
        lengths["steps"] = len(steps)
    if len(set(lengths.values())) > 1:
        (shortest, low), *_, (longest, high) = sorted(lengths.items(), key=lambda item: item[1])
        raise ValueError(
            f"the curves differ in length: {shortest} has {low} entries, {longest} has {high}; "
            "expected one for each logged step"
        )
    count = next(iter(lengths.values()), 0)
    return list(range(1, count + 1)) if steps is None else [int(step) for step in steps]
