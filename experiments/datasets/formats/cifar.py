"""CIFAR's binary tar: records of label bytes and 3072 pixels, channel by channel."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import DatasetError
from experiments.datasets.formats.streams import damage_reported, read_exactly, tar_members

_PIXELS = 3 * 32 * 32


def read(
    paths: Mapping[str, Path],
    split: str,
    count: int,
    *,
    members: Mapping[str, Sequence[str]],
    label_bytes: int,
    limit: int,
) -> Iterator[tuple[np.ndarray, int]]:
    """Read the records of a split, batch file after batch file.

    Args:
        paths: the tar.gz, by the key "archive".
        split: "train" or "test".
        count: how many examples the split has.
        members: for each split, the batch files in the order that counts.
        label_bytes: 1 for CIFAR-10; 2 for CIFAR-100 (coarse, then the fine label that is used).
        limit: the most bytes the archive may unpack to.

    Yields:
        A uint8 image (32, 32, 3) and its label.

    Raises:
        DatasetError: the archive is damaged or hostile, or a batch is cut short.
    """
    path = paths["archive"]
    record = label_bytes + _PIXELS
    # The archive's order need not be the batches' order, so early batches wait in memory
    # (31 MB each) until their turn; nothing is unpacked to disk.
    waiting: dict[str, bytes] = {}
    turn = list(members[split])
    for name, stream, size in tar_members(path, set(turn), limit):
        file = f"{path.name}:{name}"
        if size % record or size > count * record:
            raise DatasetError(f"{file}: has {size:,} bytes, expected records of {record} bytes.")
        with damage_reported(path):
            waiting[name] = read_exactly(stream, size, file, "its records")
        while turn and turn[0] in waiting:
            yield from _records(waiting.pop(turn.pop(0)), record, label_bytes)


def _records(batch: bytes, record: int, label_bytes: int) -> Iterator[tuple[np.ndarray, int]]:
    for row in np.frombuffer(batch, np.uint8).reshape(-1, record):
        image = row[label_bytes:].reshape(3, 32, 32).transpose(1, 2, 0)
        yield np.ascontiguousarray(image), int(row[label_bytes - 1])
