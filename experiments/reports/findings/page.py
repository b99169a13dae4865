"""The page: a table of all verdicts, each question, and what follows from them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from experiments import records
from experiments.files import check_folder
from experiments.files import write as write_file
from experiments.reports import markdown
from experiments.reports.ablation.step_lengths import rival_title
from experiments.reports.exponent.whole import latest_records, missing_of
from experiments.reports.fair.questions import answers
from experiments.reports.findings import advice, gain, reproduced
from experiments.reports.findings.answers import Finding, Line, findings
from experiments.reports.findings.studies import SCOPE, StudyResults, read_study
from experiments.reports.missing import study_command
from experiments.reports.one_study import of_one_study
from experiments.reports.outline import Block, Bullets, Heading, Paragraph
from experiments.reports.table import Table
from experiments.reports.workload_titles import ELSEWHERE, regimes

FILE = "findings.md"


def build(folder: str | os.PathLike[str]) -> str:
    """The page as Markdown, links relative to the folder.

    Args:
        folder: holds a folder of records for each study (`fair`, `ablation`, `label_noise`), by
            that name, and `records` of the paper's protocol; what is absent is missing.

    Raises:
        records.RecordError: no such folder, or a line that is not a record.
    """
    if not Path(folder).is_dir():
        found = f"{folder} is a file" if Path(folder).exists() else f"there is no folder {folder}"
        raise records.RecordError(f"{found}; expected the folder that holds those of the studies")
    studies = {name: read_study(folder, name) for name in SCOPE}
    found = findings(studies)
    smes = "[a page of its own](smes.md)"
    if not (Path(folder) / "smes.md").exists():
        smes = f"a page of its own: `python -m experiments.smes_page {shown(folder)}/smes`"
    blocks: list[Block] = [
        Heading(1, "Findings: what the records say so far"),
        Paragraph(_opening(found, studies["fair"], _of_q9(Path(folder) / "smes"))),
        Paragraph(
            "Each cell is the verdict on ThermoLion's held-out accuracy against the other's, by "
            "the rule of the fair protocol (`docs/fair.md` has it and explains its words); "
            f"{regimes(SCOPE['fair'][1])}. Under Q0 each has the rate and schedule that did best "
            "on the other sets; under Q1 and Q2 everything is tuned; from Q3 on the rate alone (of "
            "AdamW at ThermoLion's step it is set, not tuned), under warm-up and cosine, so that a "
            "verdict on AdamW or Signum may be another there. Q8 is read by batch size, "
            f"below; Q9, on SMES's exponent, has {smes}."
        ),
        _overview(found),
        Heading(2, "Question by question"),
    ]
    seen: set[str] = set()
    for one in found:
        blocks += _question(one, Path(folder).as_posix(), seen)
        seen |= {*one.figures}
    blocks += _elsewhere(studies["fair"])
    blocks += [
        Heading(2, "What reproduces"),
        *reproduced.blocks(Path(folder) / "records"),
        Heading(2, "What is left of the gain, who leads, how wide the rates are"),
        *gain.blocks(studies["fair"]),
        Heading(2, "What the gain is made of"),
        *gain.parts(studies["ablation"]),
        Heading(2, "When to use `thermolion()`, and with which settings"),
        *advice.blocks(found, studies["fair"]),
        Heading(2, "Where it comes from"),
        Bullets(_sources(studies, shown(folder))),
    ]
    return markdown.render(blocks)


def overview(folder: str | os.PathLike[str]) -> str:
    """The table of all verdicts alone, as Markdown."""
    return markdown.table(_overview(findings({name: read_study(folder, name) for name in SCOPE})))


def write(folder: str | os.PathLike[str], out: str | os.PathLike[str] | None = None) -> Path:
    """Writes the page and returns its path.

    Args:
        folder: as `build` takes it.
        out: the file; None is `findings.md` in the folder.

    Raises:
        records.RecordError: as `build`, or the file cannot be written.
        ValueError: ``out`` is a folder, or none could be where it is to be.
    """
    path = Path(folder) / FILE if out is None else Path(out)
    if out is not None:
        if path.is_dir():
            raise ValueError(f"--out is {path}, a folder; expected a file, such as {path / FILE}")
        check_folder(path.parent, "the folder of --out")
    text = _linked_from(path.parent, Path(folder), build(folder))
    try:
        write_file(path, text.encode())
    except OSError as error:
        raise records.RecordError(f"cannot write {path}: {error.strerror}") from error
    return path


def _linked_from(place: Path, folder: Path, text: str) -> str:
    """The page for another place: its links, which are relative to the folder, lead there."""
    if (way := os.path.relpath(folder, place)) == ".":
        return text
    start = quote(Path(way).as_posix())
    return re.sub(r"\]\((?!#|[a-z]+:)", lambda _: f"]({start}/", text)


def _opening(found: Sequence[Finding], fair: StudyResults, exponent: str) -> str:
    lacking = [one.number for one in found if one.missing]
    left = (
        f"Runs are missing for {', '.join(lacking)}"
        if lacking
        else "With the ConvNet in A and B no question lacks a run"
    )
    left += f"; {exponent}."
    if not lacking and gain.lacking_ranks(fair):
        left += " Ranks among all optimizers lack some, which are named below them."
    return (
        "Every sentence and number here is generated from the records by fixed rules. "
        f"{_complete([line for one in found for line in one.lines])} {left}"
    )


def _of_q9(folder: Path) -> str:
    """How much of the question that has a page of its own is missing."""
    kept, _ = of_one_study(latest_records(folder / "exponent"))
    missing, whole = missing_of(kept)
    return f"Q9 lacks {missing:,} of its {whole:,} runs" if missing else "Q9 lacks none"


def _complete(lines: Sequence[Line]) -> str:
    """How many comparisons have every run that their answer takes, and what the others have."""
    whole = sum(line.whole for line in lines)
    if whole == len(lines):
        return f"All {whole} comparisons are complete over all their data sets."
    some = sum(bool(line.answer) and not line.whole for line in lines)
    counted = f"{whole} of the" if whole else "None of the"
    are = "are complete over all their" if whole > 1 else "is complete over all its"
    partly = "some of the sets, which they name, and are no answer to the question yet"
    said = [f"{some} speak of {partly}"] if some else []
    left = len(lines) - whole - some
    if left:
        said.append(f"{left} have no answer yet" if whole or some else "they have no answer yet")
    return f"{counted} {len(lines)} comparisons {are} data sets; {'; '.join(said)}."


def _overview(found: Sequence[Finding]) -> Table:
    rows, data = [], []
    for one in found:
        for other in dict.fromkeys(line.other for line in one.lines):
            cases = {line.regime: line.case for line in one.lines if line.other == other}
            rows.append(
                (f"{one.number}: {one.text}", rival_title(other), *(cases[r] for r in ("A", "B")))
            )
    header = ("question", "ThermoLion against", "regime A", "regime B")
    return Table("overview", "All verdicts", header, tuple(rows), tuple(data))


def _elsewhere(fair: StudyResults) -> list[Block]:
    """The fair study's answers with another network and in longer runs, where there are such."""
    # On one set no setting can be carried over, which is no answer and lacks no run.
    found = [one.line for one in answers(fair.elsewhere) if one.held_out or one.setting == "tuned"]
    if not found:
        return []
    return [
        Heading(2, "Does it hold with another network, in longer runs?"),
        Paragraph(f"The same questions; {ELSEWHERE}."),
        Bullets(found),
        *(
            [Paragraph(f"![Paired differences elsewhere]({fair.figures['elsewhere']})")]
            if "elsewhere" in fair.figures
            else []
        ),
    ]


def shown(folder: str | os.PathLike[str]) -> str:
    """The folder as commands have it."""
    return shlex.quote(Path(folder).as_posix())


def _question(one: Finding, folder: str, seen: set[str]) -> list[Block]:
    """What stands under a question; a figure that was shown above is named alone."""
    blocks: list[Block] = [Heading(3, f"{one.number}: {one.text}")]
    if any(line.answer for line in one.lines) or not one.lines:
        blocks.append(Bullets(one.sentences))
    else:
        blocks.append(Paragraph("No answer yet, in no regime and against nobody."))
    if one.missing:
        blocks.append(Paragraph(one.missing))
    blocks += [
        Paragraph(
            f"Figure, above: [{file}]({file})"
            if file in seen
            else f"![{one.number}: {one.text}]({file})"
        )
        for file in one.figures
    ]
    if not one.figures:
        blocks.append(Paragraph("There is no figure yet."))
    return [*blocks, Paragraph(f"The command: `{command(one.study, folder)}`")]


def command(study: str, folder: str) -> str:
    """What makes a study's runs, or goes on with them."""
    sets, regimes = SCOPE[study]
    return study_command(study, sets, f"{folder}/{study}", regimes=reversed(regimes))


def _sources(studies: dict[str, StudyResults], folder: str) -> list[str]:
    lines = [f"this page: `python -m experiments findings {folder}`"]
    for name, study in studies.items():
        draw = f"python -m experiments report {folder}/{name}"
        draw += f" --out {folder}/{study.report}" if study.report == name else ""
        state = f"{study.runs:,} runs; `{draw}` draws [its report]({study.report}/report.md)"
        lines.append(f"`{name}`: {state if study.runs else 'no records yet'}")
    return lines
