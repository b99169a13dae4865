"""What a training run is given: its data, its length, and what makes it differ from the others."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import jax
import numpy as np

from experiments.training import schedules

Array = jax.Array

Telemetry = Literal["gate", "all"]


@dataclasses.dataclass(frozen=True)
class Data:
    """What to train on and, where there are any, images to validate on and to test on.

    Attributes:
        train_images: uint8 (N, 32, 32, C).
        train_labels: int32 (N,), values 0 … num_classes - 1.
        test_images: uint8 (M, 32, 32, C) or None.
        test_labels: int32 (M,) or None.
        validation_images: uint8 (V, 32, 32, C) or None.
        validation_labels: int32 (V,) or None.
        num_classes: the number of logits.
    """

    train_images: np.ndarray | Array
    train_labels: np.ndarray | Array
    test_images: np.ndarray | Array | None = None
    test_labels: np.ndarray | Array | None = None
    validation_images: np.ndarray | Array | None = None
    validation_labels: np.ndarray | Array | None = None
    num_classes: int = 10


@dataclasses.dataclass(frozen=True)
class Config:
    """The length of a run and what is read while it lasts.

    Attributes:
        batch_size: images in a step; an epoch's last step takes those that remain.
        epochs: passes over the training images.
        steps: optimizer steps in all, instead of epochs; the last epoch may be cut short.
        scheduled: whether `Build` gets its learning_rate as an optax schedule, that of
            `Run.schedule`, instead of as a number.
        readings: how often the validation images are read: at ends of epochs, spread evenly, the
            last time after the last step. At most once an epoch.
        telemetry: what each reading measures beside: the gate, or the gradient's noise, too; see
            `telemetry.measure`.
    """

    batch_size: int = 1024
    epochs: int = 12
    steps: int | None = None
    scheduled: bool = False
    readings: int = 0
    telemetry: Telemetry | None = None

    def steps_per_epoch(self, images: int) -> int:
        """Steps of one pass over so many images."""
        return -(-images // self.batch_size)

    def total_steps(self, images: int) -> int:
        """Steps of the whole run."""
        return self.epochs * self.steps_per_epoch(images) if self.steps is None else self.steps

    def reading_epochs(self, images: int) -> list[int]:
        """The epochs, from 0, at whose ends the validation images are read.

        Example:
            >>> Config(batch_size=100, steps=95, readings=4).reading_epochs(1000)
            [1, 4, 6, 9]
        """
        epochs = -(-self.total_steps(images) // self.steps_per_epoch(images))
        readings = min(self.readings, epochs)
        return [(i + 1) * epochs // readings - 1 for i in range(readings)]


@dataclasses.dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        hyperparameters: name to value of the optimizer's float hyperparameters.
        seed: 0 … 2**32 - 1, the source of all its randomness.
        schedule: of the learning rate, one of `schedules.NAMES`; others than "constant" need
            `Config.scheduled`.
    """

    hyperparameters: Mapping[str, float]
    seed: int
    schedule: str = "constant"


def check(runs: Sequence[Run], data: Data, config: Config) -> None:
    """Refuses what cannot be trained.

    Raises:
        ValueError: names the argument, what it is and what it should be.
    """
    for name in ("batch_size", "epochs", "steps"):
        value = getattr(config, name)
        absent = name == "steps" and value is None
        if not absent and (not isinstance(value, int | np.integer) or value < 1):
            raise ValueError(f"Config.{name} must be a positive integer, got {value!r}")
    if not isinstance(config.readings, int | np.integer) or config.readings < 0:
        raise ValueError(f"Config.readings must be an integer from 0 up, got {config.readings!r}")
    if config.readings and data.validation_images is None:
        raise ValueError(f"Config.readings is {config.readings}, but data has no validation_images")
    for run in runs:
        if set(run.hyperparameters) != set(runs[0].hyperparameters):
            raise ValueError(
                "all runs must name the same hyperparameters, got "
                f"{sorted(runs[0].hyperparameters)} and {sorted(run.hyperparameters)}"
            )
        if not 0 <= run.seed < 2**32:
            raise ValueError(f"Run.seed must be 0 … 2**32 - 1, got {run.seed}")
        if run.schedule not in schedules.NAMES:
            raise ValueError(
                f"Run.schedule must be one of {', '.join(schedules.NAMES)}, got {run.schedule!r}"
            )
        if run.schedule != "constant" and not config.scheduled:
            raise ValueError(f"Run.schedule is {run.schedule!r}, which needs Config.scheduled")
        if config.scheduled and "learning_rate" not in run.hyperparameters:
            raise ValueError(
                "Config.scheduled needs Run.hyperparameters to name a learning_rate, got "
                f"{sorted(run.hyperparameters)}"
            )
    check_data(data)


def check_data(data: Data) -> None:
    """Refuses arrays that are not what `Data` says.

    Raises:
        ValueError: names the array, what it is and what it should be.
    """
    for part in ("train", "test", "validation"):
        images, labels = getattr(data, f"{part}_images"), getattr(data, f"{part}_labels")
        if (images is None) != (labels is None):
            raise ValueError(f"{part}_images and {part}_labels must be given together")
        if images is not None:
            _check_part(part, np.asarray(images), np.asarray(labels), data)


def _check_part(part: str, images: np.ndarray, labels: np.ndarray, data: Data) -> None:
    channels = np.shape(data.train_images)[-1]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (32, 32, channels):
        raise ValueError(
            f"{part}_images must be uint8 (N, 32, 32, {channels}), "
            f"got {images.dtype} {images.shape}"
        )
    if len(images) == 0:
        raise ValueError(f"{part}_images holds no image")
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{part}_labels must be integers ({len(images)},), got {labels.dtype} {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= data.num_classes:
        raise ValueError(
            f"{part}_labels must lie in 0 … {data.num_classes - 1} (num_classes="
            f"{data.num_classes}), got {labels.min()} … {labels.max()}"
        )
