"""The thirteen data sets of the benchmark, real and in the order of their files.

Importing this package is cheap: TensorFlow Datasets, SciPy and scikit-learn are imported by
the first set that needs them, and TensorFlow by none.
"""

from experiments.datasets.dataset import Dataset, DatasetError
from experiments.datasets.describe import describe
from experiments.datasets.label_noise import with_label_noise
from experiments.datasets.load import NAMES, check_name, load, splits
from experiments.datasets.load_splits import Splits, load_splits
from experiments.datasets.prepare import prepare
from experiments.datasets.sparsity import with_sparsity
from experiments.datasets.user_npz import NPZ_FORMAT
from experiments.datasets.whole_batches import in_whole_batches

__all__ = [
    "NAMES",
    "NPZ_FORMAT",
    "Dataset",
    "DatasetError",
    "Splits",
    "check_name",
    "describe",
    "in_whole_batches",
    "load",
    "load_splits",
    "prepare",
    "splits",
    "with_label_noise",
    "with_sparsity",
]
