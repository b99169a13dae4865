"""The facts of SVHN."""

from experiments.datasets.catalogue import class_names
from experiments.datasets.catalogue.spec import Spec, raw_file
from experiments.datasets.formats import matlab

_STANFORD = "http://ufldl.stanford.edu/housenumbers/"

SVHN = Spec(
    name="svhn",
    title="SVHN (cropped digits)",
    channels=3,
    sizes={"train": 73_257, "test": 26_032},
    files={
        "train": raw_file(
            _STANFORD,
            "train_32x32.mat",
            182_040_794,
            "e26dedcc434d2e4c54c9b2d4a06d8373",
            "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
        ),
        "test": raw_file(
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
