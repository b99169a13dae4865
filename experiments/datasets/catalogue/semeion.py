"""The facts of SEMEION."""

from experiments.datasets.catalogue import class_names
from experiments.datasets.catalogue.spec import Spec, raw_file
from experiments.datasets.formats import semeion

SEMEION = Spec(
    name="semeion",
    title="SEMEION",
    channels=1,
    sizes={"train": 1_593},
    files={
        "data": raw_file(
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
