"""One step, one whole run, many runs in one program, one resumable run on many processes."""

from experiments.training.inputs import Build, Config, Data, Run
from experiments.training.sweep import Outcome, layout, run_many
from experiments.training.whole_run import train

__all__ = ["Build", "Config", "Data", "Outcome", "Run", "layout", "run_many", "train"]
