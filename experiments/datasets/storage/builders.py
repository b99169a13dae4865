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
from experiments.datasets.catalogue.spec import Spec
from experiments.datasets.dataset import SIDE, DatasetError
from experiments.datasets.storage.checksums import digests_of
from experiments.datasets.storage.examples import read_examples
from experiments.datasets.storage.folders import VERSION


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
    ) -> Iterator[tuple[int, dict[str, np.ndarray | int]]]:
        for number, (image, label) in enumerate(read_examples(self._facts, split, paths)):
            yield number, {"image": image, "label": label}


def _builder(spec: Spec) -> type[OrderedImages]:
    # What a class statement would do; the name keeps it apart from the stock, shuffled set.
    fields = {"name": f"ordered_{spec.name}", "spec": spec, "__module__": __name__}
    return type(f"Ordered{spec.name.title().replace('_', '')}", (OrderedImages,), fields)


BUILDERS: Mapping[str, type[OrderedImages]] = {
    name: _builder(spec) for name, spec in CATALOGUE.items()
}
"""Every builder by the name of its set."""
