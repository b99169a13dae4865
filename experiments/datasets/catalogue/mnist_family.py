"""The facts of the sets in MNIST's format: MNIST, Fashion-MNIST, KMNIST, EMNIST, QMNIST."""

from functools import partial

from experiments.datasets.catalogue import class_names
from experiments.datasets.catalogue.spec import UNSTATED, RawFile, Spec
from experiments.datasets.formats import idx


def _four_idx_files(
    bases: tuple[str, ...], *facts: tuple[int, str, *tuple[str, ...]]
) -> dict[str, RawFile]:
    names = {
        "train_images": "train-images-idx3-ubyte.gz",
        "train_labels": "train-labels-idx1-ubyte.gz",
        "test_images": "t10k-images-idx3-ubyte.gz",
        "test_labels": "t10k-labels-idx1-ubyte.gz",
    }
    return {
        key: RawFile(name, tuple(base + name for base in bases), *fact)
        for (key, name), fact in zip(names.items(), facts, strict=True)
    }


MNIST = Spec(
    name="mnist",
    title="MNIST",
    channels=1,
    sizes={"train": 60_000, "test": 10_000},
    files=_four_idx_files(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        (
            9_912_422,
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        (
            28_881,
            "d53e105ee54ea40749a09fcbcd1e9432",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        (
            1_648_877,
            "9fb629c4189551a2d022fa330f9573f3",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        (
            4_542,
            "ec29112dd5afa0611ce80d1b7f02629c",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    read=idx.read,
    class_names=class_names.DIGITS,
    classes_in_first_5000=10,
    licence=f"{UNSTATED}; commonly given as CC BY-SA 3.0",
    source="LeCun, Cortes, Burges: The MNIST database of handwritten digits (1998)",
)

# Every file's second sha256 is that of Debian's dataset-fashion-mnist: other gzip headers, the same
# content.
FASHION_MNIST = Spec(
    name="fashion_mnist",
    title="Fashion-MNIST",
    channels=1,
    sizes={"train": 60_000, "test": 10_000},
    files=_four_idx_files(
        ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        (
            26_421_880,
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
        ),
        (
            29_515,
            "25c81989df183df01b3e8a0aad5dffbe",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
        ),
        (
            4_422_102,
            "bef4ecab320f06d8554ea6380940ec79",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
        ),
        (
            5_148,
            "bb300cfdad3c16e7a12a480ee83cd310",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
        ),
    ),
    read=idx.read,
    class_names=class_names.FASHION,
    classes_in_first_5000=10,
    licence="MIT",
    source="Xiao, Rasul, Vollgraf: Fashion-MNIST (2017), arXiv 1708.07747",
)

KMNIST = Spec(
    name="kmnist",
    title="Kuzushiji-MNIST",
    channels=1,
    sizes={"train": 60_000, "test": 10_000},
    files=_four_idx_files(
        ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        (
            18_165_135,
            "bdb82020997e1d708af4cf47b453dcf7",
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        ),
        (
            29_497,
            "e144d726b3acfaa3e44228e80efcd344",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        ),
        (
            3_041_136,
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        ),
        (
            5_120,
            "7320c461ea6c1c855c0b718fb2a4b134",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ),
    read=idx.read,
    class_names=class_names.KUZUSHIJI,
    classes_in_first_5000=10,
    licence="CC BY-SA 4.0",
    source="Clanuwat et al.: Deep Learning for Classical Japanese Literature (2018), "
    "arXiv 1812.01718, doi 10.20676/00000341",
)

EMNIST = Spec(
    name="emnist",
    title="EMNIST (split mnist)",
    channels=1,
    sizes={"train": 60_000, "test": 10_000},
    files={
        "archive": RawFile(
            "gzip.zip",
            ("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",),
            561_753_746,
            "58c8d27c78d21e728a6bc7b3cc06412e",
            "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
        )
    },
    read=partial(
        idx.read_zip,
        members={
            f"{split}_{part}": f"gzip/emnist-mnist-{split}-{part}-idx{rank}-ubyte.gz"
            for split in ("train", "test")
            for part, rank in (("images", 3), ("labels", 1))
        },
    ),
    class_names=class_names.DIGITS,
    classes_in_first_5000=10,
    licence=f"{UNSTATED}; a work of the US government (NIST)",
    source="Cohen, Afshar, Tapson, van Schaik: EMNIST (2017), arXiv 1702.05373",
    note="images are transposed in the file, and stay so",
)

_QMNIST = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"


def _qmnist_file(name: str, size: int, md5: str, sha256: str | None = None) -> RawFile:
    return RawFile(name, (_QMNIST + name,), size, md5, sha256)


QMNIST = Spec(
    name="qmnist",
    title="QMNIST",
    channels=1,
    sizes={"train": 60_000, "test": 60_000},
    files={
        "train_images": _qmnist_file(
            "qmnist-train-images-idx3-ubyte.gz", 9_704_059, "ed72d4157d28c017586c42bc6afe6370"
        ),
        "train_labels": _qmnist_file(
            "qmnist-train-labels-idx2-int.gz",
            463_024,
            "0058f8dd561b90ffdd0f734c6a30e5e4",
            "2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f",
        ),
        "test_images": _qmnist_file(
            "qmnist-test-images-idx3-ubyte.gz", 9_740_000, "1394631089c404de565df7b7aeaf9412"
        ),
        "test_labels": _qmnist_file(
            "qmnist-test-labels-idx2-int.gz",
            526_800,
            "5b5b05890a5e13444e108efe57b788aa",
            "9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06",
        ),
    },
    read=idx.read,
    class_names=class_names.DIGITS,
    classes_in_first_5000=10,
    licence="BSD-3-Clause",
    source="Yadav, Bottou: Cold Case: The Lost MNIST Digits (2019), arXiv 1905.10498",
)
