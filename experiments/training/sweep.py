"""Any number of training runs through one compiled program.

`run_many` compiles `whole_run.train` once, with the float hyperparameters and the seed as inputs,
and sends the runs through it: a sweep over learning rates and seeds pays for one compilation, and
so can data sets of one shape. Devices either share each run's batches (`split`) or train runs of
their own.
"""

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from experiments.networks import Network
from experiments.training import cores
from experiments.training.whole_run import Build, Config, Data, Trained, check_data, train

__all__ = ["Build", "Config", "Data", "Outcome", "Run", "run_many", "train"]


@dataclasses.dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        hyperparameters: name to value of the optimizer's float hyperparameters.
        seed: 0 … 2**32 - 1, the source of all its randomness.
    """

    hyperparameters: Mapping[str, float]
    seed: int


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one run gave, in plain Python numbers.

    Attributes:
        train_loss: one mean of the batch losses an epoch.
        train_accuracy: share of the training images classified correctly after the last epoch.
        test_accuracy: the same of the test images; None where there are none.
        update_rms: mean over the steps of the root mean square of the parameters' change.
        seconds: wall time of the run, its final evaluation included, compilation not; of runs
            that a device trained together, each one's share.
        compile_seconds: wall time of the one compilation that the run shares with others.
        status: "diverged" where a loss or the change of the parameters was not finite.
    """

    train_loss: list[float]
    train_accuracy: float
    test_accuracy: float | None
    update_rms: float
    seconds: float
    compile_seconds: float
    status: Literal["ok", "diverged"]


def run_many(
    build: Build,
    runs: Sequence[Run],
    data: Data,
    config: Config = Config(),  # noqa: B008 (frozen)
    *,
    network: Network,
    batch: int | None = None,
    devices: int | None = None,
    split: int | None = None,
    programs: dict[Any, Any] | None = None,
) -> Iterator[Outcome]:
    """Train every run, compiling at most once, and yield the outcomes in order as they finish.

    What has been yielded is finished: an interruption loses at most the runs under way.

    Args:
        build: `build(hyperparameters, key, steps_per_epoch, total_steps)` makes the optimizer: an
            optax.GradientTransformation, or a pair of it and `eval_params(opt_state, params)`.
            Its hyperparameters are traced float32 scalars.
        runs: the runs; all name the same hyperparameters.
        data: uint8 images and integer labels.
        config: epochs and batch size.
        network: what is trained; see `experiments.networks.resolve`.
        batch: runs that one device trains together (vmap). Default 1: one batch of the
            benchmark fills a CPU, and runs trained together only compete for its cache
            (`benchmarks/training.py --section batch` measures it on yours).
        devices: local devices to use. Default: all accelerators; of a CPU that shows itself as
            several devices (see `cores.show`), one a core.
        split: devices that train each run together, a part of every batch each; it divides
            `devices`. Default: all devices of a CPU, one accelerator. Each of them holds all data
            and makes the whole update: for an optimizer that computes much, 1 may be faster.
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
    _check(runs, data, config)
    network.check(np.shape(data.train_images)[-1], data.num_classes)
    if not runs:
        return
    batch, mesh = layout(len(runs), batch, devices, split)
    present = [name for name in _ARRAYS if getattr(data, name) is not None]
    arrays = {name: np.asarray(getattr(data, name)) for name in present}
    size = batch * mesh.shape["runs"]
    programs = {} if programs is None else programs
    try:
        arrays = jax.device_put(arrays, NamedSharding(mesh, PartitionSpec()))
        shapes = tuple((name, x.shape, x.dtype) for name, x in arrays.items())
        # By identity: a user's functions need not be hashable. Kept, they keep their identity.
        ours = (build, network)
        kind = (data.num_classes, config, batch, mesh, shapes, *runs[0].hyperparameters)
        key = (*map(id, ours), *kind)
        for start in range(0, len(runs), size):
            group = runs[start : start + size]
            inputs = _stack(group + group[-1:] * (size - len(group)))
            if key not in programs:
                program = _program(build, network, data.num_classes, config, batch, mesh)
                begin = time.perf_counter()
                options = cores.compiler_options(mesh)
                compiled = program.lower(arrays, *inputs).compile(compiler_options=options)
                programs[key] = compiled, time.perf_counter() - begin, ours
            compiled, compile_seconds, _ = programs[key]
            begin = time.perf_counter()
            trained = jax.device_get(compiled(arrays, *inputs))
            seconds = (time.perf_counter() - begin) / batch  # every device trains that many
            for i in range(len(group)):
                yield _outcome(jax.tree.map(lambda x: x[i], trained), seconds, compile_seconds)  # noqa: B023
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        platform = mesh.devices.flat[0].platform
        raise MemoryError(
            f"{platform} ran out of memory training {batch} run(s) at a time a device, "
            f"batch_size={config.batch_size}, on {arrays['train_images'].shape[0]} images: lower "
            "batch (runs trained together), then batch_size, then the number of images (limit)"
            + (f", or devices: each of the {mesh.size} holds them all" if mesh.size > 1 else "")
        ) from error


_ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


def _program(
    build: Build, network: Network, num_classes: int, config: Config, batch: int, mesh: Mesh
) -> Any:
    """The jitted function (arrays, hyperparameters, seeds) -> Trained, with a leading axis of runs.

    Every row of the mesh trains `batch` of the runs, its devices a part of every batch each. Rows
    exchange nothing.
    """
    axis = "parts" if mesh.shape["parts"] > 1 else None

    def one(arrays: Any, hyperparameters: Any, seed: Any) -> Trained:
        data = Data(**arrays, num_classes=num_classes)
        trained = train(build, data, config, hyperparameters, seed, axis, network=network)
        return trained._replace(params={})

    def on_device(arrays: Any, hyperparameters: Any, seeds: Any) -> Trained:
        if batch > 1:
            return jax.vmap(one, (None, 0, 0))(arrays, hyperparameters, seeds)
        single = jax.tree.map(lambda x: x[0], (hyperparameters, seeds))
        return jax.tree.map(lambda x: x[None], one(arrays, *single))

    shared, rows = PartitionSpec(), PartitionSpec("runs")
    return jax.jit(
        jax.shard_map(
            on_device,
            mesh=mesh,
            in_specs=(shared, rows, rows),
            out_specs=rows,
            check_vma=False,  # any optimizer may come: its zeros would have to be marked as varying
        )
    )


def layout(
    count: int, batch: int | None = None, devices: int | None = None, split: int | None = None
) -> tuple[int, Mesh]:
    """How many of ``count`` runs train together on a device, and the mesh (runs, parts).

    Raises:
        ValueError: ``batch`` is below 1, ``devices`` more than there are, or ``split`` does not
            divide them.
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
    if split is None:
        split = devices if cpu else 1
    if split < 1 or devices % split:
        raise ValueError(f"split must divide devices, which is {devices}, got {split}")
    if batch is not None and batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    rows = min(devices // split, count)
    mesh = Mesh(np.array(local[: rows * split]).reshape(rows, split), ("runs", "parts"))
    return min(batch or 1, -(-count // rows)), mesh


def _stack(group: list[Run]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The runs' hyperparameters and seeds as arrays with a leading axis of runs."""
    hyperparameters = {
        name: np.array([run.hyperparameters[name] for run in group], np.float32)
        for name in group[0].hyperparameters
    }
    return hyperparameters, np.array([run.seed for run in group], np.uint32)


def _outcome(trained: Trained, seconds: float, compile_seconds: float) -> Outcome:
    losses, change = [float(loss) for loss in trained.train_loss], float(trained.update_rms)
    test = trained.test_accuracy
    return Outcome(
        train_loss=losses,
        train_accuracy=float(trained.train_accuracy),
        test_accuracy=None if test is None else float(test),
        update_rms=change,
        seconds=seconds,
        compile_seconds=compile_seconds,
        status="ok" if all(map(math.isfinite, [*losses, change])) else "diverged",
    )


def _check(runs: list[Run], data: Data, config: Config) -> None:
    for name in ("epochs", "batch_size"):
        value = getattr(config, name)
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"Config.{name} must be a positive integer, got {value!r}")
    for run in runs:
        if set(run.hyperparameters) != set(runs[0].hyperparameters):
            raise ValueError(
                "all runs must name the same hyperparameters, got "
                f"{sorted(runs[0].hyperparameters)} and {sorted(run.hyperparameters)}"
            )
        if not 0 <= run.seed < 2**32:
            raise ValueError(f"Run.seed must be 0 … 2**32 - 1, got {run.seed}")
    check_data(data)
