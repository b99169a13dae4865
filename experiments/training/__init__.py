"""One step, one whole run, many runs in one program, one resumable run on many processes."""

from experiments.optimizers.types import Build
from experiments.training.inputs import Config, Data, Run
from experiments.training.mesh import device_mesh
from experiments.training.sweep import Outcome, Programs, run_many
from experiments.training.whole_run import train

__all__ = [
    "Build",
    "Config",
    "Data",
    "Outcome",
    "Programs",
    "Run",
    "device_mesh",
    "run_many",
    "train",
]
