"""The facts of CIFAR-10 and CIFAR-100."""

from functools import partial

from experiments.datasets.catalogue import class_names
from experiments.datasets.catalogue.spec import UNSTATED, Spec, raw_file
from experiments.datasets.formats import cifar

_TORONTO = "https://www.cs.toronto.edu/~kriz/"
_KRIZHEVSKY = "Krizhevsky: Learning Multiple Layers of Features from Tiny Images (2009)"
# 60,000 records (184 MB) and a few text files.
_CIFAR_LIMIT = 256 << 20

CIFAR10 = Spec(
    name="cifar10",
    title="CIFAR-10",
    channels=3,
    sizes={"train": 50_000, "test": 10_000},
    files={
        "archive": raw_file(
            _TORONTO,
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c32a1d4ab5d03f1284b67883e8d87530",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        )
    },
    read=partial(
        cifar.read,
        members={
            "train": tuple(f"cifar-10-batches-bin/data_batch_{part}.bin" for part in range(1, 6)),
            "test": ("cifar-10-batches-bin/test_batch.bin",),
        },
        label_bytes=1,
        limit=_CIFAR_LIMIT,
    ),
    class_names=class_names.CIFAR10,
    classes_in_first_5000=10,
    licence=UNSTATED,
    source=_KRIZHEVSKY,
)

CIFAR100 = Spec(
    name="cifar100",
    title="CIFAR-100",
    channels=3,
    sizes={"train": 50_000, "test": 10_000},
    files={
        "archive": raw_file(
            _TORONTO,
            "cifar-100-binary.tar.gz",
            168_513_733,
            "03b5dce01913d631647c71ecec9e9cb8",
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        )
    },
    read=partial(
        cifar.read,
        members={
            "train": ("cifar-100-binary/train.bin",),
            "test": ("cifar-100-binary/test.bin",),
        },
        label_bytes=2,
        limit=_CIFAR_LIMIT,
    ),
    class_names=class_names.CIFAR100,
    classes_in_first_5000=100,
    licence=UNSTATED,
    source=_KRIZHEVSKY,
)
