"""Checks what `make wheel` built: the wheel's size, and that the source archive has every file."""

import subprocess
import sys
import tarfile
from pathlib import Path

MOST = 100_000  # bytes


def main(folder: Path) -> None:
    (wheel,), (archive,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    size = wheel.stat().st_size
    assert size < MOST, f"{wheel.name} has {size:,} bytes, expected fewer than {MOST:,}"
    with tarfile.open(archive) as file:
        packed = {name.partition("/")[2] for name in file.getnames()}
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)
    missing = sorted(set(listed.stdout.split("\n")) - packed - {""})
    assert not missing, f"{archive.name} lacks {', '.join(missing[:10])}"
    print(f"{wheel.name}: {size / 1e3:.0f} kB; {archive.name}: {len(packed)} files, none missing")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
