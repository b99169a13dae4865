"""`prepare`: fetch sets ahead of time, side by side, with progress."""

import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from os import PathLike

from experiments.datasets.catalogue import CATALOGUE
from experiments.datasets.catalogue.spec import Spec
from experiments.datasets.dataset import DatasetError
from experiments.datasets.load import splits
from experiments.datasets.storage.folders import folders_of
from experiments.datasets.storage.store import Kind, default_kind, fetch_set, prepare_set
from experiments.progress import Progress


def prepare(
    names: Iterable[str],
    data_dir: str | PathLike[str] | None = None,
    manual_dir: str | PathLike[str] | None = None,
    *,
    catalogue: Mapping[str, Spec] = CATALOGUE,
    kind: Kind | None = None,
    shown: bool = True,
) -> dict[str, str]:
    """Fetch, check and prepare sets, so that later loads need no network.

    Downloads run side by side; each set is stored as soon as its files are here. A set that
    fails does not keep the others from being prepared.

    Args:
        names: names of sets, or "all".
        data_dir: as for `load`.
        manual_dir: as for `load`.
        catalogue: as for `load`.
        kind: as for `load`.
        shown: whether progress goes to standard error.

    Returns:
        The sets that failed, each with a message for people; empty when all are ready.

    Raises:
        ValueError: an unknown name, or a file; nothing was fetched.

    Example:
        >>> prepare(["digits"])
        {}
    """
    kind = default_kind() if kind is None else kind
    wanted = _expand(names, catalogue)
    progress = Progress(0, sys.stderr if shown else None, "bytes")
    failures: dict[str, str] = {}
    if not wanted:
        return failures
    folders = {name: folders_of(name, data_dir, manual_dir) for name in wanted}
    with ThreadPoolExecutor(len(wanted)) as pool:
        fetches = {
            pool.submit(fetch_set, catalogue[name], folders[name], kind, progress): name
            for name in wanted
        }
        try:
            # Files come side by side; storing takes the processor, so one set at a time.
            for fetch in as_completed(fetches):
                name = fetches[fetch]
                try:
                    fetch.result()
                    prepare_set(catalogue[name], folders[name], kind, progress)
                except DatasetError as error:
                    failures[name] = str(error)
                    progress.say(f"{name}: failed")
        except BaseException:
            progress.stop()
            raise
        finally:
            progress.end()
    return {name: failures[name] for name in wanted if name in failures}


def _expand(names: Iterable[str], catalogue: Mapping[str, Spec]) -> list[str]:
    """Put names in the catalogue's order, each once, without those that need no files."""
    asked = set(names)
    for name in sorted(asked - {"all"}):
        splits(name, catalogue=catalogue)  # an unknown name is refused before anything is fetched
        if name.endswith(".npz"):
            raise ValueError(
                f"{name} is a file of your own: nothing is to be fetched, run reads it"
            )
    return [name for name in catalogue if name in asked or "all" in asked]
