"""The facts of STL-10."""

from functools import partial

from experiments.datasets.catalogue import class_names
from experiments.datasets.catalogue.spec import UNSTATED, Spec, raw_file
from experiments.datasets.formats import stl

STL10 = Spec(
    name="stl10",
    title="STL-10",
    channels=3,
    sizes={"train": 5_000, "test": 8_000},
    files={
        "archive": raw_file(
            "http://ai.stanford.edu/~acoates/stl10/",
            "stl10_binary.tar.gz",
            2_640_397_119,
            "91f7769df0f17e558f3565bffb0c7dfb",
            "f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866",
        )
    },
    read=partial(
        stl.read,
        members={
            split: (f"stl10_binary/{split}_X.bin", f"stl10_binary/{split}_y.bin")
            for split in ("train", "test")
        },
        # 113,000 images of 27,648 bytes (3.12 GB), labels and text files.
        limit=3_200_000_000,
    ),
    class_names=class_names.STL10,
    classes_in_first_5000=10,
    licence=f"{UNSTATED}; images come from ImageNet",
    source="Coates, Lee, Ng: An Analysis of Single-Layer Networks in Unsupervised Feature Learning "
    "(2011)",
)
