"""Which versions of an optimizer and its network test images have judged, as records tell."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter, itemgetter

from experiments.records.record import Fields, Record

_CONTEST = ("dataset", "fingerprint", "network", "optimizer")
"""What the versions of one optimizer or network compete in, of a record or of a cell.

Who saw the test images judge one at half the budget, in another regime or by another protocol
knows them as well, so these are no part of it.
"""

Sources = tuple[str | None, str | None]
"""The optimizer's file and the network's, where a user wrote them."""

_Judged = tuple[Sources, tuple[str, int], str | None]
"""The files, the protocol with its version, and its grid."""


class JudgedVersions:
    """The versions that the final runs of a folder's records were of.

    A version is another file of a user's, or another grid under one protocol, budget and version;
    whoever raises the protocol's version begins anew. Of the runs that have a phase: the paper's
    protocol reads test images with every run.
    """

    def __init__(self, found: Iterable[Record]) -> None:
        self._by_contest: dict[tuple[object, ...], set[_Judged]] = {}
        for one in found:
            if one.phase and one.test_accuracy is not None:
                sources = one.optimizer_source, one.network_source
                protocol = one.protocol, one.protocol_version
                judged = self._by_contest.setdefault(attrgetter(*_CONTEST)(one), set())
                judged.add((sources, protocol, one.protocol_hash))

    def with_run(self, fields: Fields, sources: Sources) -> int:
        """How many there are once a further run has read the test images.

        Args:
            fields: what its record says beforehand.
            sources: its files.
        """
        protocol = fields["protocol"], fields["protocol_version"]
        judged = self._by_contest.get(itemgetter(*_CONTEST)(fields), set())
        grids = {(files, grid) for files, by, grid in judged if by == protocol}
        grids.add((sources, fields["protocol_hash"]))
        elsewhere = {files for files, by, _ in judged if by != protocol}
        return len(grids) + len(elsewhere - {files for files, _ in grids})
