"""The twelve order-preserving TensorFlow Datasets builders; TensorFlow itself is not needed.

The stock builders shuffle on writing and need TensorFlow to build. These keep the order of
the published file (`disable_shuffling`, integer keys) and read the raw files in Python.
Importing this module imports TensorFlow Datasets, so `experiments.datasets` does it late.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.checksums import UrlInfo
from tensorflow_datasets.core.utils import Size

from experiments.datasets.catalogue import CATALOGUE
from experiments.datasets.checksums import digests_of
from experiments.datasets.dataset import SIDE, DatasetError
from experiments.datasets.examples import read_examples
from experiments.datasets.layout import VERSION
from experiments.datasets.spec import Spec


class OrderedImages(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Builds one set from its `Spec`: 32x32 uint8 images and labels, in the file's order.

    Args:
        spec: the facts of the set; None takes those of the subclass.
        **kwargs: data_dir and the rest, as every TensorFlow Datasets builder.
    """

    VERSION = tfds.core.Version(VERSION)
    spec: ClassVar[Spec]

    def __init__(self, *, spec: Spec | None = None, **kwargs: Any):
        self._facts = spec if spec is not None else type(self).spec
        super().__init__(**kwargs)

    @property
    def url_infos(self) -> dict[str, UrlInfo]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The registered checksum of every file whose sha256 is known."""
        return {
            file.urls[0]: UrlInfo(size=Size(file.size), checksum=file.sha256, filename=file.name)
            for file in self._facts.files.values()
            if file.sha256 is not None
        }

    def _info(self) -> tfds.core.DatasetInfo:
        facts = self._facts
        return tfds.core.DatasetInfo(
            builder=self,
            description=f"{facts.title}, 32x32, in the order of the published file. {facts.note}",
            citation=facts.source,
            license=facts.licence,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Tensor(
                        shape=(SIDE, SIDE, facts.channels), dtype=np.uint8, encoding="bytes"
                    ),
                    "label": tfds.features.ClassLabel(names=list(facts.class_names)),
                }
            ),
            supervised_keys=("image", "label"),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        files = self._facts.files
        fetched = dl_manager.download({key: file.urls[0] for key, file in files.items()})
        paths = {key: Path(path) for key, path in fetched.items()}
        for key, file in files.items():
            # TensorFlow Datasets checks sha256 only; where just an md5 was published, it is
            # checked here.
            if file.sha256 is None and (difference := digests_of(paths[key]).mismatch(file)):
                paths[key].unlink()
                Path(f"{paths[key]}.INFO").unlink(missing_ok=True)
                raise DatasetError(f"{self._facts.name}: {file.name}: {difference}")
        return {split: self._generate_examples(split, paths) for split in self._facts.sizes}

    def _generate_examples(
        self, split: str, paths: Mapping[str, Path]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, (image, label) in enumerate(read_examples(self._facts, split, paths)):
            yield number, {"image": image, "label": label}


class OrderedMnist(OrderedImages):
    """MNIST in file order."""

    spec = CATALOGUE["mnist"]


class OrderedFashionMnist(OrderedImages):
    """Fashion-MNIST in file order."""

    spec = CATALOGUE["fashion_mnist"]


class OrderedKmnist(OrderedImages):
    """Kuzushiji-MNIST in file order."""

    spec = CATALOGUE["kmnist"]


class OrderedEmnist(OrderedImages):
    """EMNIST, split mnist, in file order."""

    spec = CATALOGUE["emnist"]


class OrderedQmnist(OrderedImages):
    """QMNIST in file order; its training images are MNIST's, in MNIST's order."""

    spec = CATALOGUE["qmnist"]


class OrderedUsps(OrderedImages):
    """USPS in file order."""

    spec = CATALOGUE["usps"]


class OrderedSemeion(OrderedImages):
    """SEMEION in file order; all of it is the training split."""

    spec = CATALOGUE["semeion"]


class OrderedGtsrb(OrderedImages):
    """GTSRB, training images sorted by class."""

    spec = CATALOGUE["gtsrb"]


class OrderedCifar10(OrderedImages):
    """CIFAR-10 in file order."""

    spec = CATALOGUE["cifar10"]


class OrderedCifar100(OrderedImages):
    """CIFAR-100 in file order, with its fine labels."""

    spec = CATALOGUE["cifar100"]


class OrderedSvhn(OrderedImages):
    """SVHN's cropped digits in file order, without the `extra` images."""

    spec = CATALOGUE["svhn"]


class OrderedStl10(OrderedImages):
    """STL-10's labelled images in file order."""

    spec = CATALOGUE["stl10"]


BUILDERS: Mapping[str, type[OrderedImages]] = {
    builder.spec.name: builder
    for builder in (
        OrderedMnist,
        OrderedFashionMnist,
        OrderedKmnist,
        OrderedEmnist,
        OrderedQmnist,
        OrderedUsps,
        OrderedSemeion,
        OrderedGtsrb,
        OrderedCifar10,
        OrderedCifar100,
        OrderedSvhn,
        OrderedStl10,
    )
}
"""Every builder by the name of its set."""
