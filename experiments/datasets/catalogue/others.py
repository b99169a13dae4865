"""The facts of the other seven sets: USPS, SEMEION, GTSRB, CIFAR-10, CIFAR-100, SVHN, STL-10."""

from functools import partial

from experiments.datasets.catalogue import class_names
from experiments.datasets.catalogue.spec import RawFile, Spec
from experiments.datasets.formats import cifar, gtsrb, libsvm, matlab, semeion, stl

_UNSTATED = "none stated by its authors"


def _file(
    base: str, name: str, size: int, md5: str | None = None, sha256: str | None = None
) -> RawFile:
    return RawFile(name, (base + name,), size, md5, sha256)


_LIBSVM = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"

USPS = Spec(
    name="usps",
    title="USPS",
    channels=1,
    sizes={"train": 7_291, "test": 2_007},
    files={
        "train": _file(_LIBSVM, "usps.bz2", 6_579_383, "ec16c51db3855ca6c91edd34d0e9b197"),
        "test": _file(
            _LIBSVM,
            "usps.t.bz2",
            1_831_726,
            "8ea070ee2aca1ac39742fdd1ef5ed118",
            "a9c0164e797d60142a50604917f0baa604f326e9a689698763793fa5d12ffc4e",
        ),
    },
    read=libsvm.read,
    class_names=class_names.DIGITS,
    classes_in_first_5000=10,
    licence=_UNSTATED,
    source="Hull: A database for handwritten text recognition research (1994), "
    "doi 10.1109/34.291440",
)

SEMEION = Spec(
    name="semeion",
    title="SEMEION",
    channels=1,
    sizes={"train": 1_593},
    files={
        "data": _file(
            "http://archive.ics.uci.edu/ml/machine-learning-databases/semeion/",
            "semeion.data",
            2_889_702,
            "cb545d371d2ce14ec121470795a77432",
            "f43228ae3da5ea6a3c95069d53450b86166770e3b719dcc333182128fe08d4b1",
        )
    },
    read=semeion.read,
    class_names=class_names.DIGITS,
    classes_in_first_5000=10,
    licence="CC BY 4.0 (UCI)",
    source="Semeion Research Center of Sciences of Communication: Semeion Handwritten Digit "
    "(1998), doi 10.24432/C5SC8V",
    note="no published test set; where one is needed, a fixed rule holds out a stratified fifth",
)

_ERDA = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"

GTSRB = Spec(
    name="gtsrb",
    title="GTSRB",
    channels=3,
    sizes={"train": 26_640, "test": 12_630},
    files={
        "train": _file(
            _ERDA, "GTSRB-Training_fixed.zip", 187_490_228, "513f3c79a4c5141765e10e952eaa2478"
        ),
        "test_images": _file(
            _ERDA, "GTSRB_Final_Test_Images.zip", 88_978_620, "c7e4e6327067d32654124b0fe9e82185"
        ),
        "test_labels": _file(
            _ERDA, "GTSRB_Final_Test_GT.zip", 99_620, "fe31e9c9270bbcd7b84b7f21a9d9d9e5"
        ),
    },
    read=gtsrb.read,
    class_names=class_names.GTSRB,
    classes_in_first_5000=5,
    licence=_UNSTATED,
    source="Stallkamp, Schlipsing, Salmen, Igel: Man vs. computer (2012), "
    "doi 10.1016/j.neunet.2012.02.016",
    note="training images are sorted by class: the first 5,000 hold only 5 of the 43 classes",
)

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
        "archive": _file(
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
    licence=_UNSTATED,
    source=_KRIZHEVSKY,
)

CIFAR100 = Spec(
    name="cifar100",
    title="CIFAR-100",
    channels=3,
    sizes={"train": 50_000, "test": 10_000},
    files={
        "archive": _file(
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
    licence=_UNSTATED,
    source=_KRIZHEVSKY,
)

_STANFORD = "http://ufldl.stanford.edu/housenumbers/"

SVHN = Spec(
    name="svhn",
    title="SVHN (cropped digits)",
    channels=3,
    sizes={"train": 73_257, "test": 26_032},
    files={
        "train": _file(
            _STANFORD,
            "train_32x32.mat",
            182_040_794,
            "e26dedcc434d2e4c54c9b2d4a06d8373",
            "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
        ),
        "test": _file(
            _STANFORD,
            "test_32x32.mat",
            64_275_384,
            "eb5a983be6a315427106f1b164d9cef3",
            "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
        ),
    },
    read=matlab.read,
    class_names=class_names.DIGITS,
    classes_in_first_5000=10,
    licence="for non-commercial use only",
    source="Netzer et al.: Reading Digits in Natural Images with Unsupervised Feature Learning "
    "(2011)",
)

STL10 = Spec(
    name="stl10",
    title="STL-10",
    channels=3,
    sizes={"train": 5_000, "test": 8_000},
    files={
        "archive": _file(
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
    licence=f"{_UNSTATED}; images come from ImageNet",
    source="Coates, Lee, Ng: An Analysis of Single-Layer Networks in Unsupervised Feature Learning "
    "(2011)",
)
