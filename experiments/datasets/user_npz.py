"""A user's own data set: one .npz file with the arrays `images` and `labels`."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import DatasetError
from experiments.datasets.images import to_side

LICENCE = "the user's own file"
SPLITS = ("train", "fit", "holdout")
MAX_CLASSES = 10_000

_FORM = (
    "A data set of your own is an .npz file with the arrays `images`, uint8 of shape (N, H, W, C) "
    "with C = 1 or 3, and `labels`, integers from 0 of shape (N,); optionally `class_names`."
)


def read_npz(path: str | Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Read and check a user's .npz file; images of another size are squashed to 32x32.

    Args:
        path: the file. Arrays in it: `images`, uint8 (N, H, W, C) or (N, H, W);
            `labels`, integers (N,); optionally `class_names`, strings (K,).

    Returns:
        Images, uint8 (N, 32, 32, C), labels, int32 (N,), and the class names.

    Raises:
        DatasetError: no such file, or one that does not hold those arrays.
    """
    file = Path(path)
    if not file.is_file():
        raise DatasetError(f"{file}: no such file. {_FORM}")
    arrays = _open(file)
    images, labels = arrays["images"], arrays["labels"]
    _check_images(file, images)
    names = _check_labels(file, labels, len(images), arrays.get("class_names"))
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.shape[1:3] != (32, 32):
        images = np.stack([to_side(image) for image in images])
    return np.ascontiguousarray(images), labels.astype(np.int32), names


def _open(file: Path) -> dict[str, np.ndarray]:
    # allow_pickle stays off: an object array would run code from the file.
    try:
        with file.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                raise DatasetError(f"{file}: holds one bare array, not named ones. {_FORM}")
            with loaded:
                return _named(file, loaded)
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(f"{file}: cannot be read as an .npz file ({error}). {_FORM}") from error


def _named(file: Path, loaded: np.lib.npyio.NpzFile) -> dict[str, np.ndarray]:
    missing = [key for key in ("images", "labels") if key not in loaded.files]
    if missing:
        held = ", ".join(loaded.files) or "nothing"
        raise DatasetError(f"{file}: holds no `{missing[0]}` (it holds {held}). {_FORM}")
    wanted = [key for key in ("images", "labels", "class_names") if key in loaded.files]
    return {key: loaded[key] for key in wanted}


def _check_images(file: Path, images: np.ndarray) -> None:
    if images.dtype != np.uint8:
        raise DatasetError(
            f"{file}: `images` has dtype {images.dtype}, expected uint8 (0 to 255). {_FORM}"
        )
    grey = images.ndim == 3
    if not grey and (images.ndim != 4 or images.shape[-1] not in (1, 3)):
        raise DatasetError(
            f"{file}: `images` has shape {images.shape}, expected (N, H, W, C) with C = 1 or 3. "
            f"{_FORM}"
        )
    if 0 in images.shape:
        raise DatasetError(f"{file}: `images` is empty (shape {images.shape}). {_FORM}")


def _check_labels(
    file: Path, labels: np.ndarray, count: int, class_names: np.ndarray | None
) -> tuple[str, ...]:
    if labels.ndim != 1 or len(labels) != count:
        raise DatasetError(
            f"{file}: `labels` has shape {labels.shape}, expected ({count},): "
            f"one per image. {_FORM}"
        )
    if labels.dtype.kind not in "iu":
        raise DatasetError(f"{file}: `labels` has dtype {labels.dtype}, expected integers. {_FORM}")
    low, high = int(labels.min()), int(labels.max())
    names = None if class_names is None else tuple(str(name) for name in np.ravel(class_names))
    classes = MAX_CLASSES if names is None else len(names)
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        where = int(np.flatnonzero(labels == wrong)[0])
        raise DatasetError(
            f"{file}: label {wrong} of example {where} is out of range, expected 0 to "
            f"{classes - 1}. {_FORM}"
        )
    return names if names is not None else tuple(str(label) for label in range(high + 1))
