"""One training run on all devices of all processes, with checkpoints.

    python -m experiments train --dataset digits --optimizer thermolion --out DIR

Every device holds the parameters and takes an equal part of each batch (data parallelism). With
one process that is all devices of the machine; a CPU counts as one a core, at most 8, or as many as
JAX_NUM_CPU_DEVICES says. On a cluster, start the same command once per process with
`--distributed`; SLURM, Open MPI, Kubernetes and Cloud TPU tell JAX the rest:

    srun python -m experiments train --distributed --dataset cifar10 --out /shared/run1

Anywhere else say it yourself, with a port that is free on the first machine:

    python -m experiments train … --coordinator 10.0.0.1:9876 --processes 2 --process 0
    python -m experiments train … --coordinator 10.0.0.1:9876 --processes 2 --process 1

DIR (one that all processes see) gets `curve.jsonl`, one loss a step, `result.json` at the end and
checkpoints every `--save-every` steps. Kill the run at any moment, with SIGKILL or by pulling
the plug, and start the same command again: it goes on from the last checkpoint, and with the
same number of devices the curve is the one of an unbroken run, bit for bit. (On another number
of devices it is that to rounding.) Where one process of several dies, end the others and start
all of them again.
"""

import argparse
import functools
import json
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from experiments import datasets, files, networks, optimizers
from experiments.training import cluster, cores, evaluation, whole_run
from experiments.training.checkpoints import Checkpoints
from experiments.training.curve import Curve


def main(options: argparse.Namespace) -> int:
    """Trains, or goes on training; returns the exit code."""
    for name in ("epochs", "batch_size", "limit", "save_every"):
        if getattr(options, name) < 1:
            given = f"--{name.replace('_', '-')}"
            raise ValueError(f"{given} is {getattr(options, name)}, expected a number from 1 up")
    if not 0 <= options.seed < 2**32:
        raise ValueError(f"--seed is {options.seed}, expected 0 to 2**32 - 1")
    if options.learning_rate is not None:
        optimizers.check_learning_rate(options.learning_rate, "--learning-rate")
    if options.out.exists() and not options.out.is_dir():
        raise ValueError(f"--out is {options.out}, a file; expected a folder, or a new name")
    _join(options)
    run = _Run(options)
    with Checkpoints(options.out / "checkpoints") as checkpoints:
        state, losses, done = run.start(checkpoints)
        run.say(f"{run.total} steps on {run.mesh.size} device(s), from step {done}")
        with Curve(options.out / "curve.jsonl", losses[:done], run.first) as curve:
            for step, rows in run.batches(done):
                state, loss = run.step(state, rows)
                losses[step] = loss
                curve.add(step + 1, losses[step])
                if (step + 1) % options.save_every == 0 or step + 1 == run.total:
                    curve.sync()
                    checkpoints.save(step + 1, (state, run.whole(losses)))
    result = {"steps": run.total, **run.accuracies(state)}
    if run.first:
        files.write(options.out / "result.json", json.dumps(result) + "\n")
    run.say(json.dumps(result))
    return 0


def _join(options: argparse.Namespace) -> None:
    """Makes this process one of several, where the options say so."""
    explicit = (options.coordinator, options.processes, options.process)
    if any(x is not None for x in explicit):
        if any(x is None for x in explicit):
            raise ValueError("--coordinator, --processes and --process are to be given together")
        if not 0 <= options.process < options.processes:
            raise ValueError(
                f"--process is {options.process}, expected 0 to {options.processes - 1}"
            )
        jax.distributed.initialize(*explicit)
    elif options.distributed:
        cluster.join("Elsewhere give --coordinator, --processes and --process")


class _Run:
    """What stays the same over a run: data, optimizer, mesh and the compiled step."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self.first = jax.process_index() == 0
        self.mesh = Mesh(np.array(jax.devices()), ("data",))
        places = {"data_dir": options.data_dir, "manual_dir": options.manual_dir}
        self._places = places
        self._data = datasets.load(options.dataset, limit=options.limit, **places)
        self._optimizer = optimizers.resolve(options.optimizer)
        self._network = networks.resolve(options.network)
        self._rates = dict(self._optimizer.hyperparameters)
        if options.learning_rate is not None:
            self._rates["learning_rate"] = options.learning_rate
        channels, classes = self._data.images.shape[-1], self._data.num_classes
        self._optimizer.check(
            jax.eval_shape(lambda: self._network.init(self._keys()[0], channels, classes))
        )
        size = len(self._data.labels)
        self._steps = -(-size // options.batch_size)
        self.total = self._steps * options.epochs
        self._settings = {
            "dataset": self._data.name,
            "fingerprint": self._data.fingerprint,
            "optimizer": options.optimizer,
            "hyperparameters": self._rates,
            "epochs": options.epochs,
            "batch_size": options.batch_size,
            "seed": options.seed,
        }
        self._everywhere = NamedSharding(self.mesh, PartitionSpec())
        self._compiling = cores.compiler_options(self.mesh)
        self._step = jax.jit(self._update, donate_argnums=0, compiler_options=self._compiling)

    def say(self, text: str) -> None:
        """Prints, in the first process."""
        if self.first:
            print(text, flush=True)

    def start(self, checkpoints: Checkpoints) -> tuple[Any, np.ndarray, int]:
        """The state, the losses so far (all steps long) and the number of steps done."""
        losses = np.full(self.total, np.nan, np.float32)
        state = jax.jit(self._initial, out_shardings=self._everywhere)()
        done, note = checkpoints.latest(), self._options.out / "settings.json"
        if done is None:
            if self.first:
                files.write(note, json.dumps(self._settings, indent=1) + "\n")
            return state, losses, 0
        try:
            before = json.loads(note.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(
                f"{note} cannot be read ({error}), so it is not known which run the checkpoints "
                "beside it are of; give another --out"
            ) from error
        changed = [k for k, v in self._settings.items() if before.get(k) != v]
        if changed:
            k = changed[0]
            raise ValueError(
                f"{self._options.out} holds a run with {k} {before.get(k)!r}, not "
                f"{self._settings[k]!r}: give the settings of that run, or another --out"
            )
        state, saved = checkpoints.restore(done, (state, self.whole(losses)))
        return state, np.array(saved), done

    def whole(self, x: np.ndarray) -> jax.Array:
        """A host array, the same in every process, as one that lies on every device."""
        return jax.make_array_from_callback(x.shape, self._everywhere, lambda index: x[index])

    def batches(self, done: int) -> Iterator[tuple[int, np.ndarray]]:
        """The steps still to do, and the rows of each: the order `whole_run.train` has."""
        _, order, _ = self._keys()
        size, batch = len(self._data.labels), self._options.batch_size
        for epoch, key in enumerate(jax.random.split(order, self._options.epochs)):
            if (epoch + 1) * self._steps <= done:
                continue
            rows = np.asarray(jax.random.permutation(key, size))
            for i in range(self._steps):
                if (step := epoch * self._steps + i) >= done:
                    yield step, rows[i * batch : (i + 1) * batch]

    def step(self, state: Any, rows: np.ndarray) -> tuple[Any, float]:
        """One step on the images of these rows."""
        # Filled up to equal parts for the devices with images that count nothing.
        filled = np.append(rows, np.zeros(-len(rows) % self.mesh.size, rows.dtype))
        weights = (np.arange(len(filled)) < len(rows)) / np.float32(len(rows))
        split = NamedSharding(self.mesh, PartitionSpec("data"))
        parts = [
            jax.make_array_from_callback(x.shape, split, lambda index, x=x: x[index])
            for x in (self._data.images[filled], self._data.labels[filled], weights)
        ]
        state, loss = self._step(state, *parts)
        return state, float(loss)

    def accuracies(self, state: Any) -> dict[str, float | None]:
        """Shares of the training and the test images classified correctly."""
        name, found = self._options.dataset, {"train_accuracy": self._data}
        if "test" in datasets.splits(name):
            found["test_accuracy"] = datasets.load(name, "test", limit=None, **self._places)
        _, evaluated = self._built()
        params = jax.jit(lambda s: evaluated(s[1], s[0]))(state)
        evaluate = jax.jit(
            jax.shard_map(
                functools.partial(evaluation.evaluate, self._network.logits, axis="data"),
                mesh=self.mesh,
                in_specs=PartitionSpec(),
                out_specs=PartitionSpec(),
                check_vma=False,
            ),
            compiler_options=self._compiling,
        )
        return {
            k: float(evaluate(params, self.whole(d.images), self.whole(d.labels)).accuracy)
            for k, d in found.items()
        }

    def _keys(self) -> list[jax.Array]:
        root = jax.random.key(self._options.seed)
        return [jax.random.fold_in(root, use) for use in range(3)]

    def _built(self) -> tuple[optax.GradientTransformation, Any]:
        key = self._keys()[2]
        return whole_run.both(self._optimizer.build(self._rates, key, self._steps, self.total))

    def _initial(self) -> Any:
        channels = self._data.images.shape[-1]
        params = self._network.init(self._keys()[0], channels, self._data.num_classes)
        return params, self._built()[0].init(params)

    def _update(self, state: Any, images: Any, labels: Any, weights: Any) -> tuple[Any, Any]:
        params, opt_state = state
        whole, split = PartitionSpec(), PartitionSpec("data")
        loss, gradient = jax.shard_map(
            functools.partial(whole_run.loss_and_gradient, self._network, axis="data"),
            mesh=self.mesh,
            in_specs=(whole, split, split, split),
            out_specs=whole,
            check_vma=False,  # the sum over the devices is taken by hand, after differentiation
        )(params, images, labels, weights)
        updates, opt_state = self._built()[0].update(gradient, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), loss
