"""Records picked and shown piece by piece, for a notebook; `report` shows them all at once."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from experiments import records, user_code
from experiments.analysis import summaries
from experiments.analysis.summaries import Entry
from experiments.reports import findings, markdown, provenance, report
from experiments.reports.labels import dataset_order, dataset_title
from experiments.reports.section import Question, Section


@dataclass(frozen=True, repr=False)
class Markdown:
    """Text that notebooks show as Markdown and everything else prints as it is."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


@dataclass(frozen=True)
class Png:
    """A drawn figure that notebooks show."""

    data: bytes = field(repr=False)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        # The file is finer than the page: letters take there the size of its text.
        pixels = int.from_bytes(self.data[16:20], "big")
        return self.data, {"width": round(0.6 * pixels)}


def load(folder: str | os.PathLike[str]) -> tuple[list[Entry], Markdown]:
    """What a folder of records holds, and that in words.

    Returns:
        The entries (runs that differ in the seed alone are one), and a table of the number of
        runs; or no entries, and the command that makes some.

    Raises:
        records.RecordError: a line that is not a record, named with its file and number.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     entries, words = load(folder)
        >>> entries, "holds no records" in str(words)
        ([], True)
    """
    reading = records.read(folder, missing_ok=True)
    if not reading.records:
        return [], Markdown(
            f"**`{os.fspath(folder)}` holds no records yet.** This command, run in the "
            "present folder, makes some of the data set that needs no download, within minutes:\n\n"
            "    python -m experiments run --protocol paper --datasets digits "
            f"--optimizers adam thermolion --seeds 3 --out {os.fspath(folder)}\n"
        )
    groups = report.by_protocol(summaries.entries(reading.records))
    found = [entry for group in groups for entry in report.apart(group)]
    notices = [
        f"- **notice**: {text}" for text in (*reading.notices, *provenance.mixed(reading.records))
    ]
    lines = [f"{len(reading.records)} runs:", _counts(found), "\n".join(notices)]
    return found, Markdown("\n\n".join(line for line in lines if line))


def _counts(entries: Sequence[Entry]) -> str:
    lines = ["| protocol | data set | optimizers | runs |", "|:--|:--|:--|--:|"]
    for protocol in _protocols(entries):
        group = [entry for entry in entries if _name(entry) == protocol]
        for dataset in dataset_order(group):
            cell = [entry for entry in group if entry.dataset == dataset]
            names = ", ".join(dict.fromkeys(f"`{entry.optimizer}`" for entry in cell))
            runs = sum(entry.train.n for entry in cell)
            lines.append(f"| {protocol} | {dataset_title(dataset)} | {names} | {runs} |")
    return "\n".join(lines)


def _name(entry: Entry) -> str:
    network = "" if entry.network == "convnet" else f", network {entry.network}"
    return f"{entry.protocol}, version {entry.version}{network}"


def _protocols(entries: Sequence[Entry]) -> list[str]:
    return list(dict.fromkeys(_name(entry) for entry in entries))


def choose(
    entries: Sequence[Entry],
    *,
    datasets: Sequence[str] | None = None,
    optimizers: Sequence[str] | None = None,
    protocol: str | None = None,
    network: str | None = None,
) -> list[Entry]:
    """The entries of some data sets and optimizers, one protocol and network; None takes all.

    Args:
        entries: as `load` gives them.
        datasets: names as records have them.
        optimizers: names as records have them, variants included.
        protocol: its name; None takes the first there is, as numbers of different protocols
            must not stand in one table.
        network: likewise; None takes the convnet, or the first there is without it.

    Raises:
        ValueError: a name that no entry has, with the nearest.
    """
    if not entries:
        return []
    known = _known("protocol", [entry.protocol for entry in entries])
    wanted = known([protocol])[0] if protocol is not None else entries[0].protocol
    latest = max(entry.version for entry in entries if entry.protocol == wanted)
    inside = [e for e in entries if (e.protocol, e.version) == (wanted, latest)]
    networks = sorted({e.network for e in inside}, key=lambda name: (name != "convnet", name))
    which = _known("network", networks)([network] if network else networks[:1])
    inside = [e for e in inside if e.network in which]
    sets = _known("data set", [entry.dataset for entry in inside])(datasets)
    names = _known("optimizer", [entry.optimizer for entry in inside])(optimizers)
    return [entry for entry in inside if entry.dataset in sets and entry.optimizer in names]


def _known(kind: str, repeated: Sequence[str]) -> Callable[[Sequence[str] | None], list[str]]:
    there = list(dict.fromkeys(repeated))

    def check(wanted: Sequence[str] | None) -> list[str]:
        for name in wanted or ():
            if name not in there:
                raise ValueError(f"no records of {kind} {name!r}; {user_code.nearest(name, there)}")
        return there if wanted is None else list(wanted)

    return check


NOTHING = Markdown("Nothing to show: there are no records of that choice.")


def _sections(entries: Sequence[Entry]) -> list[Section]:
    return report.sections(entries, Question("DIR")) if entries else []


def accuracy(entries: Sequence[Entry]) -> Markdown:
    """A table for each data set: accuracies, the published number, step sizes."""
    return _tables(entries, "accuracy")


def compared(entries: Sequence[Entry]) -> Markdown:
    """Differences of accuracy to Adam's, paired by seed."""
    return _tables(entries, "paired")


def seconds(entries: Sequence[Entry]) -> Markdown:
    """How long the runs took, compilation apart."""
    return _tables(entries, "table3", "seconds")


def _tables(entries: Sequence[Entry], *keys: str) -> Markdown:
    found = [t for section in _sections(entries) for t in section.tables if t.key in keys]
    parts = [f"### {table.title}\n\n{markdown.table(table)}" for table in found]
    return Markdown("\n\n".join(parts)) if parts else NOTHING


def remarks(entries: Sequence[Entry]) -> Markdown:
    """What a reader must know beside the numbers."""
    found = [note for section in _sections(entries) for note in section.notes]
    return Markdown("\n".join(f"- {text}" for text in found)) if found else NOTHING


def picture(entries: Sequence[Entry], key: str) -> Png | Markdown:
    """One of a report's figures: "loss", "accuracy" or, of a sweep, "rates"."""
    for section in _sections(entries):
        for figure in section.figures:
            if figure.key == key:
                return Png(compact(figure.draw()["png"]))
    return NOTHING


def verdicts(folder: str | os.PathLike[str]) -> Markdown:
    """The table of all verdicts of `findings`, over the studies in a folder."""
    return Markdown(findings.overview(folder))


def answers(folder: str | os.PathLike[str]) -> Markdown:
    """The page of `findings` below its table of all verdicts, without pictures and links."""
    lines = findings.build(folder).split("\n")
    start = next(place for place, line in enumerate(lines) if line.startswith("## "))
    kept = [line for line in lines[start:] if not line.startswith(("![", "Figure, above"))]
    lowered = [f"#{line}" if line.startswith("#") else line for line in kept]
    return Markdown(re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", "\n".join(lowered)))


def study_pictures(folder: str | os.PathLike[str], study: str, *keys: str) -> list[Png | Markdown]:
    """Figures of one study's report, by their keys.

    Args:
        folder: of the studies' folders.
        study: the protocol's name.
        keys: such as "rates"; a study without records gives a line that says so.
    """
    place = Path(folder) / study
    if not records.read(place, missing_ok=True).records:
        return [Markdown(f"No records of the study `{study}` yet, so no figure.")]
    drawn = {
        figure.key: figure.draw
        for section in report.build(place).sections
        for figure in section.figures
        if figure.key in keys
    }
    return [Png(compact(drawn[key]()["png"])) for key in keys if key in drawn] or [NOTHING]


def compact(png: bytes) -> bytes:
    """The figure in 128 colours, a third of its size: notebooks are kept with their pictures."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(128).save(out, "PNG", optimize=True)
    return out.getvalue()
