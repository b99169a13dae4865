"""What `list` shows of every set, without reading or fetching anything."""

import os
from collections.abc import Mapping
from os import PathLike

from experiments.datasets import embedded
from experiments.datasets.catalogue import CATALOGUE
from experiments.datasets.catalogue.spec import Spec
from experiments.datasets.storage.folders import Folders, folders_of
from experiments.datasets.storage.raw_files import candidates
from experiments.datasets.storage.store import Kind, default_kind, is_ready
from experiments.progress import megabytes


def describe(
    data_dir: str | PathLike[str] | None = None,
    manual_dir: str | PathLike[str] | None = None,
    *,
    catalogue: Mapping[str, Spec] = CATALOGUE,
    kind: Kind | None = None,
) -> list[dict[str, object]]:
    """Describe every known set, one row each.

    Args:
        data_dir: as for `load`.
        manual_dir: as for `load`.
        catalogue: as for `load`.
        kind: as for `load`.

    Returns:
        Rows with the keys name, title, classes, channels, train and test (numbers of images;
        test is None where none was published), classes_in_first_5000, licence, source, note,
        ready (whether `load` needs no network), and state (the same in words: ready, what is
        here but unprepared, or which files of what size are missing).

    Example:
        >>> rows = {row["name"]: row for row in describe()}
        >>> rows["gtsrb"]["classes"], rows["gtsrb"]["classes_in_first_5000"]
        (43, 5)
        >>> rows["digits"]["state"]
        'ready: embedded'
    """
    kind = default_kind() if kind is None else kind
    rows = []
    for name, spec in catalogue.items():
        ready, state = _state(spec, folders_of(name, data_dir, manual_dir), kind)
        rows.append(
            {
                "name": name,
                "title": spec.title,
                "classes": len(spec.class_names),
                "channels": spec.channels,
                "train": spec.sizes["train"],
                "test": spec.sizes.get("test"),
                "classes_in_first_5000": spec.classes_in_first_5000,
                "licence": spec.licence,
                "source": spec.source,
                "note": spec.note,
                "ready": ready,
                "state": state,
            }
        )
    rows.append(
        {
            "name": "digits",
            "title": "scikit-learn digits",
            "classes": len(embedded.CLASS_NAMES),
            "channels": 1,
            "train": embedded.SIZES["train"],
            "test": embedded.SIZES["test"],
            "classes_in_first_5000": len(embedded.CLASS_NAMES),
            "licence": embedded.LICENCE,
            "source": embedded.SOURCE,
            "note": "test is a fixed stratified fifth: examples 3, 8, 13, … of each class",
            "ready": True,
            "state": "ready: embedded",
        }
    )
    return rows


def _state(spec: Spec, folders: Folders, kind: Kind) -> tuple[bool, str]:
    if is_ready(spec, folders, kind):
        return True, f"ready in {folders.root}"
    missing = [
        file
        for file in spec.files.values()
        if not any(os.path.isfile(path) for path in candidates(file, folders))
    ]
    if not missing:
        return True, "files here, checked and prepared at the first load"
    size = megabytes(sum(file.size for file in missing))
    return False, f"to fetch, {size}: {', '.join(file.name for file in missing)}"
