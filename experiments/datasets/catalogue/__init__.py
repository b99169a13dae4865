"""The facts of the twelve published sets: files, checksums, sizes, licences, sources.

Checksums are those that torchvision (md5) and TensorFlow Datasets (sha256) register; the md5
of the two CIFAR files is the one their author's page gives. Where only an md5 was published,
`sha256` is None.
"""

from collections.abc import Mapping
from types import MappingProxyType

from experiments.datasets.catalogue.cifar import CIFAR10, CIFAR100
from experiments.datasets.catalogue.gtsrb import GTSRB
from experiments.datasets.catalogue.mnist_family import EMNIST, FASHION_MNIST, KMNIST, MNIST, QMNIST
from experiments.datasets.catalogue.semeion import SEMEION
from experiments.datasets.catalogue.spec import Spec
from experiments.datasets.catalogue.stl10 import STL10
from experiments.datasets.catalogue.svhn import SVHN
from experiments.datasets.catalogue.usps import USPS

CATALOGUE: Mapping[str, Spec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            MNIST,
            FASHION_MNIST,
            KMNIST,
            EMNIST,
            QMNIST,
            USPS,
            SEMEION,
            GTSRB,
            CIFAR10,
            CIFAR100,
            SVHN,
            STL10,
        )
    }
)
"""Every published set by its name, in the order of the paper's table of data sets."""
