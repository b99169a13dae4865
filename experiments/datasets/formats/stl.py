"""STL-10's binary tar: pixels of 96x96 images, column by column, and labels from 1."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import DatasetError
from experiments.datasets.formats.streams import damage_reported, read_exactly, tar_members

_SIDE = 96
_IMAGE = 3 * _SIDE * _SIDE


def read(
    paths: Mapping[str, Path],
    split: str,
    count: int,
    *,
    members: Mapping[str, tuple[str, str]],
    limit: int,
) -> Iterator[tuple[np.ndarray, int]]:
    """Read one split of the tar in a single pass that stops once both files are read.

    The 100,000 unlabelled images of the archive are passed over and never stored.

    Args:
        paths: the tar.gz, by the key "archive".
        split: "train" or "test".
        count: how many examples the split has.
        members: for each split, the names of the pixel and the label file.
        limit: the most bytes the archive may unpack to.

    Yields:
        A uint8 image (96, 96, 3) and its label (the file's label - 1).

    Raises:
        DatasetError: the archive is damaged or hostile, or a file has another size.
    """
    path = paths["archive"]
    pixels, labels = members[split]
    sizes = {pixels: count * _IMAGE, labels: count}
    contents: dict[str, np.ndarray] = {}
    for name, stream, size in tar_members(path, set(sizes), limit):
        if size != sizes[name]:
            raise DatasetError(
                f"{path.name}:{name}: has {size:,} bytes, expected {sizes[name]:,}; it is not the "
                "archive that was published."
            )
        with damage_reported(path):
            data = read_exactly(stream, size, f"{path.name}:{name}", "its content")
        contents[name] = np.frombuffer(data, np.uint8)
    planes = contents[pixels].reshape(count, 3, _SIDE, _SIDE)
    for number in range(count):
        # stored (channel, column, row)
        image = np.ascontiguousarray(planes[number].transpose(2, 1, 0))
        yield image, int(contents[labels][number]) - 1
