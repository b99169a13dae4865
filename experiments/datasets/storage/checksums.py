"""Deciding by checksum whether a file is the one that was published."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from experiments.datasets.catalogue.spec import RawFile


@dataclass
class Digests:
    """The md5 and sha256 of bytes as they pass."""

    md5: "hashlib._Hash" = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    size: int = 0

    def update(self, block: bytes) -> None:
        """Take the next bytes in."""
        self.md5.update(block)
        self.sha256.update(block)
        self.size += len(block)

    def mismatch(self, file: RawFile) -> str:
        """Say how these bytes differ from the published file; empty where they are the same."""
        if file.repacked is not None and self.sha256.hexdigest() == file.repacked:
            return ""
        for kind, expected in (("md5", file.md5), ("sha256", file.sha256)):
            found = getattr(self, kind).hexdigest()
            if expected is not None and found != expected:
                return f"{kind} {found} ({self.size:,} bytes), expected {expected}"
        if file.md5 is None and file.sha256 is None:
            return "no checksum is registered for it"
        return ""


def digests_of(path: Path) -> Digests:
    """Read a file once and give its checksums."""
    digests = Digests()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digests.update(block)
    return digests
