"""Getting a set's raw files: fetched by hand, fetched before, or from the web."""

import errno
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

from experiments.datasets.catalogue.spec import RawFile, Spec
from experiments.datasets.dataset import DatasetError
from experiments.datasets.storage.checksums import Digests, digests_of
from experiments.datasets.storage.folders import Folders
from experiments.datasets.storage.web import WebError, stream
from experiments.files import atomic, clear_unfinished
from experiments.progress import Progress, megabytes

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where there is no room for (more of) a file."""


def obtain(spec: Spec, folders: Folders, progress: Progress) -> tuple[Spec, Mapping[str, Path]]:
    """Find or fetch every raw file of a set, checked against its published checksum.

    Args:
        spec: the data set.
        folders: where its files lie or are put.
        progress: counts the bytes.

    Returns:
        The spec with the size and sha256 of every file filled in, and the files' paths by key.

    Raises:
        DatasetError: a file cannot be obtained or is not the published one, or the disk is full.
    """
    clear_unfinished(folders.downloads)
    missing: dict[str, RawFile] = {}
    rejected: dict[str, str] = {}
    paths: dict[str, Path] = {}
    digests: dict[str, Digests] = {}
    for key, file in spec.files.items():
        found = _local(spec, file, folders, rejected)
        if found is None:
            missing[key] = file
        else:
            paths[key], digests[key] = found
    if missing:
        _fetch_all(spec, missing, folders, progress, rejected, paths, digests)
    known = {
        key: replace(file, size=digests[key].size, sha256=digests[key].sha256.hexdigest())
        for key, file in spec.files.items()
    }
    return replace(spec, files=known), paths


def candidates(file: RawFile, folders: Folders) -> tuple[Path, ...]:
    """Where a file may lie already: by hand under the set's name, by hand flat, fetched before."""
    return (
        folders.manual / folders.name / file.name,
        folders.manual / file.name,
        folders.downloads / file.name,
    )


def _local(
    spec: Spec, file: RawFile, folders: Folders, rejected: dict[str, str]
) -> tuple[Path, Digests] | None:
    for path in candidates(file, folders):
        if not os.path.isfile(path):  # a folder that may not be entered counts as empty
            continue
        try:
            digests = digests_of(path)
        except OSError as error:
            raise DatasetError(f"{spec.name}: {path} cannot be read ({error.strerror}).") from error
        difference = digests.mismatch(file)
        if not difference:
            return path, digests
        if path.parent == folders.manual / folders.name:
            raise DatasetError(
                f"{spec.name}: {path} is not the published file: {difference}. "
                f"Fetch it again from {file.urls[0]}, or remove it."
            )
        if path.parent == folders.downloads:
            path.unlink(missing_ok=True)  # damaged since it was fetched; the web has it whole
        else:
            # A flat file of this name may belong to another set (MNIST, Fashion-MNIST and
            # KMNIST share names): it is passed over, and reported if nothing else is found.
            rejected[file.name] = f"{path} is another file: {difference}"
    return None


def _fetch_all(
    spec: Spec,
    missing: Mapping[str, RawFile],
    folders: Folders,
    progress: Progress,
    rejected: Mapping[str, str],
    paths: dict[str, Path],
    digests: dict[str, Digests],
) -> None:
    try:
        folders.downloads.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folders.downloads).free
    except OSError as error:
        raise DatasetError(
            f"{spec.name}: the folder {folders.downloads} cannot be made ({error.strerror}); "
            "choose another data_dir."
        ) from error
    needed = sum(file.size for file in missing.values())
    if needed > free:
        raise DatasetError(
            f"{spec.name}: not enough disk space in {folders.downloads}: its raw files need "
            f"{megabytes(needed)}, {megabytes(free)} are free. "
            "Make room or choose another data_dir."
        )
    with ThreadPoolExecutor(len(missing)) as pool:
        fetches = {
            key: pool.submit(_fetch, spec, file, folders, progress) for key, file in missing.items()
        }
        try:
            wait(fetches.values())
        except BaseException:
            progress.stop()
            raise
    unreachable = []
    for key, fetch in fetches.items():
        try:
            paths[key], digests[key] = fetch.result()
        except WebError as error:
            unreachable.append((missing[key], error))
    if unreachable:
        raise DatasetError(_by_hand(spec, unreachable, folders, rejected))


def _fetch(spec: Spec, file: RawFile, folders: Folders, progress: Progress) -> tuple[Path, Digests]:
    target = folders.downloads / file.name
    what = f"{spec.name}: {file.name}"
    progress.expect(file.size)
    progress.say(f"{what}: fetching {megabytes(file.size)}")
    try:
        with atomic(target) as out:
            digests = Digests()

            def restart() -> None:
                nonlocal digests
                progress.show(what, done=-digests.size)
                digests = Digests()
                out.seek(0)
                out.truncate()

            for block in stream(file.urls, 2 * file.size + (1 << 20), restart):
                if progress.stopped:
                    raise WebError("stopped")
                out.write(block)
                digests.update(block)
                progress.show(what, done=len(block))
            difference = digests.mismatch(file)
            if difference:
                raise DatasetError(
                    f"{what}: what {file.urls[0]} serves is not the published file: {difference}. "
                    f"Nothing was kept. Put the published one into {folders.manual / spec.name}, "
                    "or use the embedded set 'digits'."
                )
    except OSError as error:
        if error.errno in DISK_FULL:
            raise DatasetError(
                f"{what}: the disk under {folders.downloads} is full: the file needs "
                f"{megabytes(file.size)}. Nothing was kept. Make room or choose another data_dir."
            ) from error
        raise DatasetError(f"{what}: cannot be written to {target} ({error.strerror}).") from error
    progress.say(f"{what}: here and checked")
    return target, digests


def _by_hand(
    spec: Spec,
    unreachable: list[tuple[RawFile, WebError]],
    folders: Folders,
    rejected: Mapping[str, str],
) -> str:
    lines = [f"{spec.name}: cannot be fetched ({unreachable[0][1]})."]
    lines.append(f"Fetch by hand, and put into {folders.manual / spec.name}:")
    for file, _ in unreachable:
        checksum = f"md5 {file.md5}" if file.md5 else f"sha256 {file.sha256}"
        lines.append(f"  {file.name}  {megabytes(file.size)}  {checksum}  from {file.urls[0]}")
        if file.name in rejected:
            lines.append(f"    ({rejected[file.name]})")
    lines.append("(--manual-dir, in Python manual_dir, names another folder for such files.)")
    lines.append("Or go on without a network: the embedded set 'digits' needs no files.")
    return "\n".join(lines)
