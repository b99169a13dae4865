"""What the study keeps of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GradientReading:
    """The gradient after so many steps, None where it was not finite.

    Attributes:
        step: how many.
        spread: the distortion over all leaves.
        kernel: root mean square of each layer's kernel gradient, from the input.
        bias: the same of the biases.
    """

    step: int
    spread: float | None
    kernel: list[float | None]
    bias: list[float | None]


@dataclass(frozen=True, kw_only=True)
class DistortionRecord:
    """One run: what was asked for, what came of it, and where it was made.

    Attributes:
        depth: convolutions.
        start: the initialisation.
        optimizer: what trained it.
        strength: of `normalize_distortion` before the optimizer; 0 is none.
        size: the first step of the leaf of the largest gradient, root mean square.
        seed: of weights and batches.
        phase: "tune" or "final".
        rate: the learning rate that gives the size; None where it is not finite.
        steps: of 32 images.
        losses: mean of the batch losses between two readings.
        train_loss: over all images at the end; None where the run diverged.
        train_accuracy: the same, a fraction.
        status: "ok" or "diverged".
        gradients: readings along training, the first before the first step.
        dataset: its name.
        images: how many.
        fingerprint: sha256 of the images and labels.
        commit: of the sources.
        versions: of Python and the packages; of older records not known.
        device: what JAX ran on; likewise.
        code: fingerprint of the benchmark's training code and the library; likewise.
    """

    depth: int
    start: str
    optimizer: str
    strength: float
    size: float
    seed: int
    phase: str
    rate: float | None
    steps: int
    losses: list[float]
    train_loss: float | None
    train_accuracy: float | None
    status: str
    gradients: list[GradientReading]
    dataset: str
    images: int
    fingerprint: str
    commit: str | None = None
    versions: dict[str, str] | None = None
    device: dict[str, object] | None = None
    code: str | None = None
