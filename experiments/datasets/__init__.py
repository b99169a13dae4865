"""The thirteen data sets of the benchmark, real and in the order of their files."""

from experiments.datasets.dataset import Dataset, DatasetError
from experiments.datasets.load import NAMES, load, splits

__all__ = ["NAMES", "Dataset", "DatasetError", "load", "splits"]
