"""Any number of training runs through one compiled program.

`run_many` compiles `whole_run.train` once, with the float hyperparameters and the seed as inputs,
and sends the runs through it: a sweep over learning rates and seeds pays for one compilation, and
so can data sets of one shape. Devices either share each run's batches (`devices_per_run`) or train
runs of their own.
"""

import dataclasses
import math
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from experiments.networks import Network
from experiments.optimizers.types import Build
from experiments.training import cores, schedules
from experiments.training.inputs import Config, Data, Run, check
from experiments.training.mesh import device_mesh
from experiments.training.whole_run import Trained, train

Array = jax.Array
Programs = dict[tuple[object, ...], tuple[jax.stages.Compiled, float, tuple[Build, Network]]]
"""Compiled programs, the seconds of each compilation, and what must not be freed meanwhile."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one run gave, in plain Python numbers.

    Attributes:
        train_loss: one mean of the batch losses an epoch.
        train_accuracy: share of the training images classified correctly after the last epoch.
        test_accuracy: the same of the test images; None where there are none.
        test_correct: which of the test images those are: one bit an image, packed by
            `numpy.packbits`, in base64; None where there are none.
        validation_accuracy: share of the validation images classified correctly, one a reading;
            None without readings.
        validation_loss: their mean loss, one a reading.
        update_rms: mean over the steps of the root mean square of the parameters' change.
        seconds: wall time of the run, its final evaluation included, compilation not; of runs
            that a device trained together, each one's share.
        compile_seconds: wall time of the one compilation that the run shares with others.
        status: "diverged" where a loss or the change of the parameters was not finite.
        telemetry: name to one number a reading; None where none was asked for.
    """

    train_loss: list[float]
    train_accuracy: float
    test_accuracy: float | None
    test_correct: str | None
    validation_accuracy: list[float] | None
    validation_loss: list[float] | None
    update_rms: float
    seconds: float
    compile_seconds: float
    status: Literal["ok", "diverged"]
    telemetry: dict[str, list[float]] | None = None


def run_many(
    build: Build,
    runs: Sequence[Run],
    data: Data,
    config: Config = Config(),  # noqa: B008 (frozen)
    *,
    network: Network,
    together: int | None = None,
    devices: int | None = None,
    devices_per_run: int | None = None,
    programs: Programs | None = None,
) -> Iterator[Outcome]:
    """Train every run, compiling at most once, and yield the outcomes in order as they finish.

    What has been yielded is finished: an interruption loses at most the runs under way.

    Args:
        build: `build(hyperparameters, key, steps_per_epoch, total_steps)` makes the optimizer: an
            optax.GradientTransformation, or a pair of it and `eval_params(opt_state, params)`.
            Its hyperparameters are traced float32 scalars; with `Config.scheduled` its
            learning_rate is a schedule.
        runs: the runs; all name the same hyperparameters.
        data: uint8 images and integer labels.
        config: length, batch size, whether the learning rate is scheduled, validation readings.
        network: what is trained; see `experiments.networks.resolve`.
        together: runs that one device trains together (vmap). Default 1: one batch of the
            benchmark fills a CPU, and runs trained together only compete for its cache
            (`benchmarks/training.py --section together` measures it on yours).
        devices: local devices to use. Default: all accelerators; of a CPU that shows itself as
            several devices (see `cores.show`), one a core.
        devices_per_run: devices that train each run together, a part of every batch each; it
            divides `devices`. Default: all devices of a CPU, one accelerator. Each of them holds
            all data and makes the whole update: for an optimizer that computes much, 1 may be
            faster.
        programs: where compiled programs are kept. Calls that are given the same dict share the
            program of one `build` and one network, for data of one shape; what these read besides
            their arguments is then read in the first of them alone.

    Yields:
        One `Outcome` a run, in the order of `runs`.

    Raises:
        ValueError: an argument is not what it should be; the message names it.
        MemoryError: the device ran out of memory; the message says what to lower.

    Example:
        >>> import numpy as np, optax
        >>> from experiments import networks
        >>> images = np.zeros((8, 32, 32, 1), np.uint8)
        >>> data = Data(images, np.arange(8) % 2, num_classes=2)
        >>> adam = lambda hyperparameters, key, *_: optax.adam(**hyperparameters)
        >>> runs = [Run({"learning_rate": 1e-3}, seed) for seed in (0, 1)]
        >>> outcomes = run_many(
        ...     adam, runs, data, Config(epochs=1), network=networks.resolve("convnet")
        ... )
        >>> [outcome.status for outcome in outcomes]
        ['ok', 'ok']
    """
    runs = list(runs)
    check(runs, data, config)
    network.check(np.shape(data.train_images)[-1], data.num_classes)
    if not runs:
        return
    together, mesh = device_mesh(len(runs), together, devices, devices_per_run)
    present = [name for name in _ARRAYS if getattr(data, name) is not None]
    arrays = {name: np.asarray(getattr(data, name)) for name in present}
    size = together * mesh.shape["runs"]
    programs = {} if programs is None else programs
    try:
        arrays = jax.device_put(arrays, NamedSharding(mesh, PartitionSpec()))
        shapes = tuple((name, x.shape, x.dtype) for name, x in arrays.items())
        # By identity: a user's functions need not be hashable. Kept, they keep their identity.
        ours = (build, network)
        kind = (data.num_classes, config, together, mesh, shapes, *runs[0].hyperparameters)
        key = (*map(id, ours), *kind)
        for start in range(0, len(runs), size):
            group = runs[start : start + size]
            inputs = _stack(group + group[-1:] * (size - len(group)))
            if key not in programs:
                program = _program(build, network, data.num_classes, config, together, mesh)
                begin = time.perf_counter()
                options = cores.compiler_options(mesh)
                compiled = program.lower(arrays, *inputs).compile(compiler_options=options)
                programs[key] = compiled, time.perf_counter() - begin, ours
            compiled, compile_seconds, _ = programs[key]
            begin = time.perf_counter()
            trained = jax.device_get(compiled(arrays, *inputs))
            seconds = (time.perf_counter() - begin) / together  # every device trains that many
            for i in range(len(group)):
                yield _outcome(jax.tree.map(lambda x: x[i], trained), seconds, compile_seconds)  # noqa: B023
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        platform = mesh.devices.flat[0].platform
        raise MemoryError(
            f"{platform} ran out of memory training {together} run(s) at a time a device, "
            f"batch_size={config.batch_size}, on {arrays['train_images'].shape[0]} images: lower "
            "together (runs at once), then batch_size, then the number of images (limit)"
            + (f", or devices: each of the {mesh.size} holds them all" if mesh.size > 1 else "")
        ) from error


_ARRAYS = tuple(
    f"{part}_{x}" for part in ("train", "test", "validation") for x in ("images", "labels")
)


def _program(
    build: Build, network: Network, num_classes: int, config: Config, together: int, mesh: Mesh
) -> Any:
    """The jitted function (arrays, hyperparameters, seeds, schedules) -> Trained, by runs first.

    Every row of the mesh trains `together` of the runs, its devices a part of every batch each.
    Rows exchange nothing.
    """
    axis = "data" if mesh.shape["data"] > 1 else None

    def one(
        arrays: dict[str, Array], hyperparameters: dict[str, Array], seed: Array, schedule: Array
    ) -> Trained:
        data = Data(**arrays, num_classes=num_classes)
        run = (hyperparameters, seed, axis)
        return train(build, data, config, *run, network=network, schedule=schedule)._replace(
            params={}
        )

    def on_device(arrays: dict[str, Array], *inputs: Any) -> Trained:
        if together > 1:
            return jax.vmap(one, (None, 0, 0, 0))(arrays, *inputs)
        single = jax.tree.map(lambda x: x[0], inputs)
        return jax.tree.map(lambda x: x[None], one(arrays, *single))

    shared, rows = PartitionSpec(), PartitionSpec("runs")
    return jax.jit(
        jax.shard_map(
            on_device,
            mesh=mesh,
            in_specs=(shared, rows, rows, rows),
            out_specs=rows,
            check_vma=False,  # any optimizer may come: its zeros would have to be marked as varying
        )
    )


def _stack(group: list[Run]) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """The runs' hyperparameters, seeds and schedules as arrays with a leading axis of runs."""
    hyperparameters = {
        name: np.array([run.hyperparameters[name] for run in group], np.float32)
        for name in group[0].hyperparameters
    }
    which = np.array([schedules.NAMES.index(run.schedule) for run in group], np.uint8)
    return hyperparameters, np.array([run.seed for run in group], np.uint32), which


def _outcome(trained: Trained, seconds: float, compile_seconds: float) -> Outcome:
    losses, change = list(map(float, trained.train_loss)), float(trained.update_rms)
    test, correct = trained.test_accuracy, trained.test_correct

    def floats(values: Array | None) -> list[float] | None:
        return None if values is None else list(map(float, values))

    return Outcome(
        train_loss=losses,
        train_accuracy=float(trained.train_accuracy),
        test_accuracy=None if test is None else float(test),
        test_correct=None
        if correct is None
        else b64encode(np.packbits(correct).tobytes()).decode(),
        validation_accuracy=floats(trained.validation_accuracy),
        validation_loss=floats(trained.validation_loss),
        update_rms=change,
        seconds=seconds,
        compile_seconds=compile_seconds,
        status="ok" if all(map(math.isfinite, [*losses, change])) else "diverged",
        telemetry={name: list(map(float, values)) for name, values in trained.telemetry.items()}
        or None,
    )
