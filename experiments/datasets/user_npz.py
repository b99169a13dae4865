"""A user's own data set: one .npz file with `images`, `labels` and, if wanted, a test part."""

import tokenize
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import SIDE, DatasetError
from experiments.datasets.formats.streams import DAMAGE
from experiments.datasets.images import to_side

LICENCE = "the user's own file"
MAX_CLASSES = 10_000

NPZ_FORMAT = (
    "A data set of your own is an .npz file with the arrays `images`, uint8 of shape (N, H, W, C) "
    "with C = 1 or 3, or (N, H, W), and `labels`, integers from 0 of shape (N,). Optional: "
    "`test_images` and `test_labels`, likewise, of the same H, W and C, and `class_names`, "
    "strings of shape (K,). Images of another size are squashed to 32x32."
)
"""What such a file holds, for people."""

_REQUIRED = ("images", "labels")
_TEST = ("test_images", "test_labels")
_KNOWN = (*_REQUIRED, *_TEST, "class_names")


def splits_of(path: str | Path) -> tuple[str, ...]:
    """Name the splits of a user's file, reading none of its arrays.

    Args:
        path: the file.

    Returns:
        ("train",), or ("train", "test") where the file has a test part.

    Raises:
        DatasetError: no such file, or one that lacks an array.
    """
    file = Path(path)
    with _opened(file) as held:
        return _splits(file, held)


def read_npz(
    path: str | Path, split: str = "train"
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Read and check one split of a user's .npz file; `NPZ_FORMAT` says what it holds.

    Arrays of other names are passed over, with a warning that names them.

    Args:
        path: the file.
        split: one of `splits_of(path)`. The arrays of the test part are read for "test" alone.

    Returns:
        Images, uint8 (N, 32, 32, C), labels, int32 (N,), and the class names: those given,
        else "0", "1", … up to the largest label of the train part.

    Raises:
        DatasetError: no such file, or one that does not hold those arrays.
    """
    file = Path(path)
    with _opened(file) as held:
        images, labels, names = _read(file, held, split, partial(_array, file, held))
        unknown = [key for key in held.files if key not in _KNOWN]
    if unknown and split == "train":
        text = f"{file.name}: passed over {', '.join(unknown)}: unknown. {NPZ_FORMAT}"
        warnings.warn(text, UserWarning, stacklevel=2)
    if images.shape[1:3] != (SIDE, SIDE):
        images = np.stack([to_side(image) for image in images])
    return np.ascontiguousarray(images), labels.astype(np.int32), names


def read_test_labels(path: str | Path) -> np.ndarray:
    """Read the labels of a user's test part, and check of its images all but the pixels.

    So a test part that does not fit is found while its images are still not to be seen.

    Args:
        path: a file with a test part.

    Returns:
        Its labels, int32 (N,).

    Raises:
        DatasetError: as `read_npz` of "test", less what only pixels can show.
    """
    file = Path(path)
    with _opened(file) as held:
        return _read(file, held, "test", partial(_stand_in, held))[1].astype(np.int32)


def _unfit(file: Path, found: str) -> DatasetError:
    return DatasetError(f"{file}: {found}. {NPZ_FORMAT}")


@contextmanager
def _opened(file: Path) -> Iterator[np.lib.npyio.NpzFile]:
    """Open a file whose arrays are read when they are asked for; name whatever damages it."""
    if not file.is_file():
        raise _unfit(file, "no such file")
    try:
        # allow_pickle stays off: an object array would run code from the file.
        with file.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                raise _unfit(file, "holds one bare array, not named ones")
            with loaded:
                yield loaded
    except DatasetError:
        raise
    except (*DAMAGE, tokenize.TokenError) as error:  # of a header that NumPy tries to mend
        raise _unfit(file, f"cannot be read as an .npz file ({error})") from error


def _splits(file: Path, held: np.lib.npyio.NpzFile) -> tuple[str, ...]:
    has_test = any(key in held.files for key in _TEST)
    for key in (*_REQUIRED, *(_TEST if has_test else ())):
        if key not in held.files:
            raise _unfit(file, f"holds no `{key}` (it holds {', '.join(held.files) or 'nothing'})")
    return ("train", "test") if has_test else ("train",)


def _read(
    file: Path,
    held: np.lib.npyio.NpzFile,
    split: str,
    images_of: Callable[[str], np.ndarray],
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Read one split and check it, the images as ``images_of`` their array's name gives them."""
    _splits(file, held)
    array_of = partial(_array, file, held)
    # Of a test part's own train images the header is enough.
    train_of = images_of if split == "train" else partial(_stand_in, held)
    images, labels = _checked(file, *_REQUIRED, train_of("images"), array_of("labels"))
    given = array_of("class_names") if "class_names" in held.files else None
    names = _class_names(file, labels, given)
    if split == "test":
        shape = images.shape[1:]
        images, labels = _checked(file, *_TEST, images_of("test_images"), array_of("test_labels"))
        if images.shape[1:] != shape:
            raise _unfit(
                file, f"`test_images` has images of shape {images.shape[1:]}, `images` {shape}"
            )
        _check_range(file, "test_labels", labels, len(names))
    return images, labels, names


def _array(file: Path, held: np.lib.npyio.NpzFile, key: str) -> np.ndarray:
    """One of the arrays; of a member that is none NumPy gives the bytes."""
    found = held[key]
    if not isinstance(found, np.ndarray):
        raise _unfit(file, f"`{key}` is no array as `numpy.savez` writes them")
    return found


def _stand_in(held: np.lib.npyio.NpzFile, key: str) -> np.ndarray:
    """Zeros of the shape and dtype that an array's header states; its content is not read."""
    assert held.zip is not None  # it is until the file is closed
    with held.zip.open(f"{key}.npy") as stream:
        first = np.lib.format.read_magic(stream) == (1, 0)
        read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
    return np.broadcast_to(np.zeros((), dtype), shape)


def _checked(
    file: Path, images_key: str, labels_key: str, images: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Check a pair of arrays and give the images as (N, H, W, C)."""
    grey = images.ndim == 3
    if not grey and (images.ndim != 4 or images.shape[-1] not in (1, 3)):
        expected = "expected (N, H, W, C) with C = 1 or 3"
        raise _unfit(file, f"`{images_key}` has shape {images.shape}, {expected}")
    if images.dtype != np.uint8:
        raise _unfit(file, f"`{images_key}` {_not_bytes(images)}, expected uint8 (0 to 255)")
    if 0 in images.shape:
        raise _unfit(file, f"`{images_key}` is empty (shape {images.shape})")
    if labels.shape != (len(images),):
        expected = f"expected ({len(images)},): one per image"
        raise _unfit(file, f"`{labels_key}` has shape {labels.shape}, {expected}")
    if labels.dtype.kind not in "iu":
        raise _unfit(file, f"`{labels_key}` has dtype {labels.dtype}, expected integers")
    return images[..., np.newaxis] if grey else images, labels


def _not_bytes(images: np.ndarray) -> str:
    """Say what they are instead, and in how many images a number is missing."""
    kind = f"has dtype {images.dtype}"
    if images.dtype.kind != "f":
        return kind
    if broken := int((~np.isfinite(images)).any(axis=tuple(range(1, images.ndim))).sum()):
        return f"{kind} and NaN or infinity in {broken} of {len(images)} images"
    return f"{kind} (of 0 to 1, (255 * x).round().astype('uint8') makes bytes)"


def _class_names(file: Path, labels: np.ndarray, given: np.ndarray | None) -> tuple[str, ...]:
    names = None if given is None else tuple(str(name) for name in np.ravel(given))
    _check_range(file, "labels", labels, MAX_CLASSES if names is None else len(names))
    if names is None:
        names = tuple(map(str, range(int(labels.max()) + 1)))
    present = [names[label] for label in np.unique(labels)]
    if len(present) < 2:
        found = f"`labels` has 1 class, {present[0]!r}, expected 2 or more to tell apart"
        raise _unfit(file, found)
    return names


def _check_range(file: Path, key: str, labels: np.ndarray, classes: int) -> None:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        where = int(wrong[0])
        raise _unfit(
            file,
            f"`{key}`: label {labels[where]} of example {where} is out of range, expected 0 to "
            f"{classes - 1}",
        )
