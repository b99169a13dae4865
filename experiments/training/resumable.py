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

DIR (one that all processes see) gets `settings.json`, `curve.jsonl`, one loss a step, with --phases
`phases.csv` (see `phase_log`), `result.json` at the end and checkpoints every `--save-every` steps.
Kill the run at any moment, with SIGKILL or by pulling the plug, and start the same command again:
it goes on from the last checkpoint, and with the same number of devices the curve is the one of an
unbroken run, bit for bit. (On another number of devices it is that to rounding.) Where one process
of several dies, end the others and start all of them again.
"""

import argparse
import contextlib
import functools
import json
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from experiments import datasets, files, networks, optimizers
from experiments.networks.network import Params
from experiments.optimizers.types import Pair
from experiments.progress import Progress
from experiments.training import cluster, cores, evaluation
from experiments.training import step as shared
from experiments.training.checkpoints import Checkpoints
from experiments.training.curve import Curve
from experiments.training.phase_log import PhaseLog
from thermolion_optax import phase_statistics

Function = TypeVar("Function", bound=Callable)
MOST_STEPS = 10_000_000  # every checkpoint holds the losses of all of them


def main(options: argparse.Namespace) -> int:
    """Trains, or goes on training; returns the exit code."""
    _check(options)
    cluster.join_as(options.coordinator, options.processes, options.process, options.distributed)
    run = _Run(options)
    held = (
        files.alone(options.out / "settings.json", "--out")
        if run.first
        else contextlib.nullcontext()
    )
    with held, Checkpoints(options.out / "checkpoints") as checkpoints:
        state, losses, done = run.start(checkpoints)
        run.say(f"{run.total} steps on {run.mesh.size} device(s), from step {done}")
        progress = Progress(run.total, sys.stderr if run.first else None, "steps")
        progress.show("starting", present=done)
        with (
            Curve(options.out / "curve.jsonl", losses[:done], run.first) as curve,
            PhaseLog(options.out / "phases.csv", done, run.first and bool(run.every)) as phases,
        ):
            for number, rows in run.batches(done):
                state, loss, gradient = run.step(state, rows)
                losses[number - 1] = loss
                curve.add(number, losses[number - 1])
                progress.show(f"loss {loss:.4g}", done=1)
                if run.every and number % run.every == 0:
                    phases.add(number, run.statistics(state[1], gradient))
                if number % options.save_every == 0 or number == run.total:
                    curve.sync()
                    phases.sync()
                    checkpoints.save(number, (state, run.whole(losses)))
        progress.end()
    result = {"steps": run.total, **run.accuracies(state)}
    if run.first:
        files.write(options.out / "result.json", json.dumps(result) + "\n")
    run.say(json.dumps(result))
    if len(lost := np.flatnonzero(~np.isfinite(losses))):
        phases, first = options.out / "phases.csv", lost[0] + 1
        run.say(
            f"diverged: the loss is not finite at {len(lost)} of {run.total} steps, the first "
            f"step {first} ({options.out / 'curve.jsonl'}); "
            + (
                f"the rows of {phases} up to that step tell which tensor's noise_std grew first"
                if run.every
                else "of an optimizer with a gate, --phases 1 and another --out log its statistics "
                "on the way there"
            )
        )
    return 0


def _check(options: argparse.Namespace) -> None:
    """Refuses numbers and folders that no run can have."""
    for name in ("epochs", "batch_size", "limit", "save_every"):
        if getattr(options, name) < 1:
            given = f"--{name.replace('_', '-')}"
            raise ValueError(f"{given} is {getattr(options, name)}, expected a number from 1 up")
    if options.phases is not None and options.phases < 0:
        raise ValueError(f"--phases is {options.phases}, expected a number of steps from 1 up")
    if not 0 <= options.seed < 2**32:
        raise ValueError(f"--seed is {options.seed}, expected 0 to 2**32 - 1")
    if options.learning_rate is not None:
        optimizers.check_learning_rate(options.learning_rate, "--learning-rate")


class _Run:
    """What stays the same over a run: data, optimizer, mesh and the compiled step."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self.first = jax.process_index() == 0
        self.mesh = Mesh(np.array(jax.devices()), ("data",))
        self._folders = {"data_dir": options.data_dir, "manual_dir": options.manual_dir}
        self._data = datasets.load(options.dataset, limit=options.limit, **self._folders)
        self._optimizer = optimizers.resolve(options.optimizer)
        self._network = networks.resolve(options.network)
        self._rates = dict(self._optimizer.hyperparameters)
        if options.learning_rate is not None:
            self._rates["learning_rate"] = options.learning_rate
        self._keys = shared.keys(options.seed)
        self._network.check(self._data.images.shape[-1], self._data.num_classes)
        self._optimizer.check(jax.eval_shape(self._params))
        self._steps = -(-len(self._data.labels) // options.batch_size)
        self.total = self._steps * options.epochs
        if self.total > MOST_STEPS:
            raise ValueError(
                f"--epochs {options.epochs} of {self._steps} step(s) are {self.total:,} steps, "
                f"expected at most {MOST_STEPS:,}"
            )
        self.every = 0 if options.phases is None else options.phases or self._steps
        if self.every:
            params, opt_state = jax.eval_shape(self._initial)
            try:
                jax.eval_shape(phase_statistics, opt_state, params)
            except ValueError as error:
                raise ValueError(f"--phases of optimizer {options.optimizer!r}: {error}") from error
        self._settings = {
            "dataset": self._data.name,
            "fingerprint": self._data.fingerprint,
            "network": self._network.name,
            "network_source": self._network.source,
            "optimizer": self._optimizer.name,
            "optimizer_source": self._optimizer.source,
            "hyperparameters": self._rates,
            "epochs": options.epochs,
            "batch_size": options.batch_size,
            "seed": options.seed,
        }
        self._everywhere = NamedSharding(self.mesh, PartitionSpec())
        self._compiling = cores.compiler_options(self.mesh)
        self._step = jax.jit(self._update, donate_argnums=0, compiler_options=self._compiling)
        # A program of its own, so that a run has the same numbers with and without it.
        self.statistics = jax.jit(phase_statistics, compiler_options=self._compiling)

    def say(self, text: str) -> None:
        """Prints, in the first process."""
        if self.first:
            print(text, flush=True)

    def start(self, checkpoints: Checkpoints) -> tuple[shared.State, np.ndarray, int]:
        """The state, the losses so far (all steps long) and the number of steps done."""
        losses = np.full(self.total, np.nan, np.float32)
        state = jax.jit(self._initial, out_shardings=self._everywhere)()
        done, note = checkpoints.latest(), self._options.out / "settings.json"
        if done is None:
            if self.first:
                files.write(note, json.dumps(self._settings, indent=1) + "\n")
            return state, losses, 0
        try:
            before = dict(json.loads(note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
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
        """The steps still to do, numbered from 1, and the rows of each."""
        size, batch = len(self._data.labels), self._options.batch_size
        keys = shared.epoch_keys(self._keys.order, self._options.epochs)
        for epoch in range(done // self._steps, self._options.epochs):
            rows = np.asarray(shared.epoch_order(keys[epoch], size))
            for i in range(self._steps):
                if (number := epoch * self._steps + i + 1) > done:
                    yield number, rows[i * batch : (i + 1) * batch]

    def step(self, state: shared.State, rows: np.ndarray) -> tuple[shared.State, float, Params]:
        """One step on the images of these rows: the state, the loss, and the gradient."""
        # Filled up to equal parts for the devices with images that count nothing.
        filled = np.append(rows, np.zeros(-len(rows) % self.mesh.size, rows.dtype))
        weights = (np.arange(len(filled)) < len(rows)) / np.float32(len(rows))
        divided = NamedSharding(self.mesh, PartitionSpec("data"))
        parts = [
            jax.make_array_from_callback(x.shape, divided, lambda index, x=x: x[index])
            for x in (self._data.images[filled], self._data.labels[filled], weights)
        ]
        state, loss, gradient = self._step(state, *parts)
        return state, float(loss), gradient

    def accuracies(self, state: shared.State) -> dict[str, float | None]:
        """Shares of the training and the test images classified correctly."""
        name, found = self._options.dataset, {"train_accuracy": self._data}
        if "test" in datasets.splits(name):
            found["test_accuracy"] = datasets.load(name, "test", limit=None, **self._folders)
        _, evaluated = self._built()
        params = jax.jit(lambda s: evaluated(s[1], s[0]))(state)
        evaluate = jax.jit(
            self._on_every_device(
                functools.partial(evaluation.evaluate, self._network.logits, axis="data")
            ),
            compiler_options=self._compiling,
        )
        return {
            k: float(evaluate(params, self.whole(d.images), self.whole(d.labels)).accuracy)
            for k, d in found.items()
        }

    def _on_every_device(self, function: Function, *in_specs: PartitionSpec) -> Function:
        return jax.shard_map(
            function,
            mesh=self.mesh,
            in_specs=in_specs or PartitionSpec(),
            out_specs=PartitionSpec(),
            check_vma=False,  # the sum over the devices is taken by hand, after differentiation
        )

    def _built(self) -> Pair:
        built = self._optimizer.build(self._rates, self._keys.noise, self._steps, self.total)
        return shared.both(built)

    def _params(self) -> Params:
        channels, classes = self._data.images.shape[-1], self._data.num_classes
        return self._network.init(self._keys.init, channels, classes)

    def _initial(self) -> shared.State:
        params = self._params()
        return params, self._built()[0].init(params)

    def _update(
        self, state: shared.State, images: jax.Array, labels: jax.Array, weights: jax.Array
    ) -> tuple[shared.State, jax.Array, Params]:
        one = functools.partial(shared.step, self._network, self._built()[0], axis="data")
        whole, divided = PartitionSpec(), PartitionSpec("data")
        return self._on_every_device(one, whole, divided, divided, divided)(
            state, images, labels, weights
        )
