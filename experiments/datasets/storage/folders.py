"""Where a set's files lie on disk."""

import os
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

VERSION = "1.0.0"
"""Version of what is stored; it rises whenever a reader would give other pixels or labels."""


@dataclass(frozen=True)
class Folders:
    """The folders of one set.

    Attributes:
        name: the set's name.
        root: the data folder, as TensorFlow Datasets uses it.
        manual: the folder of files fetched by hand, in NAME/FILE or flat.
        downloads: raw files from the web.
        arrays: the set as NumPy arrays.
    """

    name: str
    root: Path
    manual: Path

    @property
    def downloads(self) -> Path:
        """Raw files from the web."""
        return self.root / "downloads" / self.stored_name

    @property
    def arrays(self) -> Path:
        """The set as NumPy arrays, ready to use."""
        return self.root / "ordered_arrays" / self.name / VERSION

    @property
    def stored_name(self) -> str:
        """The set's name in the data folder, apart from the shuffled set of the same name."""
        return f"ordered_{self.name}"


def folders_of(
    name: str,
    data_dir: str | PathLike[str] | None = None,
    manual_dir: str | PathLike[str] | None = None,
) -> Folders:
    """Settle a set's folders, by the conventions of TensorFlow Datasets.

    Args:
        name: the set's name.
        data_dir: the data folder; None is the environment variable TFDS_DATA_DIR, else the
            home folder's tensorflow_datasets.
        manual_dir: the folder of files fetched by hand; None is data_dir/downloads/manual.
    """
    chosen = data_dir or os.environ.get("TFDS_DATA_DIR") or Path.home() / "tensorflow_datasets"
    root = Path(chosen).expanduser()
    manual = Path(manual_dir).expanduser() if manual_dir else root / "downloads" / "manual"
    return Folders(name, root, manual)
