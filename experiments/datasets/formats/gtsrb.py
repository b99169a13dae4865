"""GTSRB's zips of PPM images: training sorted by class folder, testing in the order of its csv."""

import csv
import io
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from PIL import Image, UnidentifiedImageError

from experiments.datasets.dataset import DatasetError
from experiments.datasets.formats.streams import damage_reported, zip_archive, zip_member

_TRAINING = "GTSRB/Training/"
_TESTING = "GTSRB/Final_Test/Images/"
_ANSWERS = "GT-final_test.csv"
_MAX_SIDE = 1024
_MAX_FILE = 3 * _MAX_SIDE * _MAX_SIDE + 1024


def read(paths: Mapping[str, Path], split: str, count: int) -> Iterator[tuple[np.ndarray, int]]:
    """Read one split straight out of the zips.

    Args:
        paths: the zips, by the keys "train", "test_images" and "test_labels".
        split: "train" (class folders sorted, then file names, as torchvision orders them) or
            "test" (the rows of the csv).
        count: how many examples the split has (the caller checks).

    Yields:
        A uint8 image (H, W, 3), 15 to 250 pixels a side, and its label.

    Raises:
        DatasetError: a zip is damaged or hostile, an image is not PPM, or a row has no label.
    """
    del count
    return _train(paths["train"]) if split == "train" else _test(paths)


def _train(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    with zip_archive(path) as archive:
        names = [
            name.removeprefix(_TRAINING).split("/")
            for name in archive.namelist()
            if name.startswith(_TRAINING) and name.lower().endswith(".ppm")
        ]
        for parts in sorted(names):
            if len(parts) != 2 or not parts[0].isdecimal():
                raise DatasetError(
                    f"{path.name}: the image {'/'.join(parts)} is in no class folder."
                )
            yield _image(archive, _TRAINING + "/".join(parts)), int(parts[0])


def _test(paths: Mapping[str, Path]) -> Iterator[tuple[np.ndarray, int]]:
    answers = paths["test_labels"]
    with zip_archive(answers) as archive, zip_member(archive, _ANSWERS, 16 << 20) as stream:
        rows = list(csv.DictReader(io.StringIO(stream.read().decode("utf-8")), delimiter=";"))
    if rows and not {"Filename", "ClassId"} <= rows[0].keys():
        raise DatasetError(f"{answers.name}:{_ANSWERS}: has no columns Filename and ClassId.")
    with zip_archive(paths["test_images"]) as archive:
        for number, row in enumerate(rows):
            label = (row["ClassId"] or "").strip()
            if not label.isdecimal():
                raise DatasetError(f"{answers.name}, row {number}: {label!r} is no class.")
            yield _image(archive, _TESTING + row["Filename"].strip()), int(label)


def _image(archive: ZipFile, name: str) -> np.ndarray:
    file = f"{Path(archive.filename or 'archive').name}:{name}"
    with zip_member(archive, name, _MAX_FILE) as stream, damage_reported(file):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                picture = Image.open(io.BytesIO(stream.read()), formats=("PPM",))
        except (
            UnidentifiedImageError,
            Image.DecompressionBombError,
            Image.DecompressionBombWarning,
        ) as error:
            raise DatasetError(f"{file}: is not a PPM image of a sign ({error}).") from error
        # The header's size decides before any pixel is unpacked.
        if max(picture.size) > _MAX_SIDE:
            raise DatasetError(f"{file}: is {picture.size} pixels, expected at most {_MAX_SIDE}.")
        return np.asarray(picture.convert("RGB"))
