"""The facts of USPS."""

from experiments.datasets.catalogue import class_names
from experiments.datasets.catalogue.spec import UNSTATED, Spec, raw_file
from experiments.datasets.formats import libsvm

_LIBSVM = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"

USPS = Spec(
    name="usps",
    title="USPS",
    channels=1,
    sizes={"train": 7_291, "test": 2_007},
    files={
        "train": raw_file(_LIBSVM, "usps.bz2", 6_579_383, "ec16c51db3855ca6c91edd34d0e9b197"),
        "test": raw_file(
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
    licence=UNSTATED,
    source="Hull: A database for handwritten text recognition research (1994), "
    "doi 10.1109/34.291440",
)
