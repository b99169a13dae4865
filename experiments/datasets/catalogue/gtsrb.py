"""The facts of GTSRB."""

from experiments.datasets.catalogue import class_names
from experiments.datasets.catalogue.spec import UNSTATED, Spec, raw_file
from experiments.datasets.formats import gtsrb

_ERDA = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"

GTSRB = Spec(
    name="gtsrb",
    title="GTSRB",
    channels=3,
    sizes={"train": 26_640, "test": 12_630},
    files={
        "train": raw_file(
            _ERDA, "GTSRB-Training_fixed.zip", 187_490_228, "513f3c79a4c5141765e10e952eaa2478"
        ),
        "test_images": raw_file(
            _ERDA, "GTSRB_Final_Test_Images.zip", 88_978_620, "c7e4e6327067d32654124b0fe9e82185"
        ),
        "test_labels": raw_file(
            _ERDA, "GTSRB_Final_Test_GT.zip", 99_620, "fe31e9c9270bbcd7b84b7f21a9d9d9e5"
        ),
    },
    read=gtsrb.read,
    class_names=class_names.GTSRB,
    classes_in_first_5000=5,
    licence=UNSTATED,
    source="Stallkamp, Schlipsing, Salmen, Igel: Man vs. computer (2012), "
    "doi 10.1016/j.neunet.2012.02.016",
    note="training images are sorted by class: the first 5,000 hold only 5 of the 43 classes",
)
