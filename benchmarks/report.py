"""What a plan and a report take of a given number of records, in seconds of one core.

    python benchmarks/report.py results/fair --records 20000

The report's records are a folder's own, again and again as those of other data sets. What is
planned is a study of as many runs, all of them made.
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path

from experiments import optimizers, records
from experiments.protocols import fair
from experiments.reports import markdown, report
from experiments.reports.outline import outline


def copies(found, count):
    """At least ``count`` records: the ones found, then the same of other data sets."""
    made = [*found]
    for number in range(2, -(-count // len(found)) + 1):
        for one in found:
            name = f"{one.dataset.removesuffix('.npz')}-{number}.npz"
            made.append(dataclasses.replace(one, dataset=name, fingerprint=f"{number}"))
    return made


def planned(like, count):
    """Cells of a finished study of at least ``count``, and the seconds of finding that it is."""
    resolved = {name: optimizers.resolve(name) for name in fair.OPTIMIZERS}
    sets = [f"set-{number}.npz" for number in range(-(-count // fair_runs(resolved)))]
    study, made = fair.study(sets, resolved), {}

    def identity(cell):
        return records.identity(cell.fields("0", {}, {}))

    def plan():
        return study.plan(lambda cell: made.get(identity(cell)))

    while cells := plan().cells:
        made.update((identity(cell), like) for cell in cells)
    start = time.process_time()
    plan()
    return len(made), time.process_time() - start


def fair_runs(resolved):
    """How many runs the study has on one data set."""
    return sum(chain.length for chain in fair.study(["digits"], resolved).chains)


def main():
    parser = argparse.ArgumentParser(description="what a report takes")
    parser.add_argument("folder", help="of records")
    parser.add_argument("--records", type=int, default=20_000)
    options = parser.parse_args()
    found = records.read(options.folder).records
    many = copies(found, options.records)
    with tempfile.TemporaryDirectory() as folder:
        lines = b"".join(map(records.encode, many))
        (Path(folder) / "records.jsonl").write_bytes(lines)
        start = time.process_time()
        built = report.build(folder)
        analysed = time.process_time()
        records.to_csv(built.records)
        tabled = time.process_time()
        markdown.render(outline(built.sections, built.notices, built.provenance))
        end = time.process_time()
    figures = [each for part in report.build(options.folder).sections for each in part.figures]
    drawing = time.process_time()
    for figure in figures:
        figure.draw()
    drawn = time.process_time()
    runs, seconds = planned(found[0], options.records)
    print("| step | seconds |\n|---|---|")
    print(f"| {runs:,} runs found to be made, and the next ones chosen | {seconds:.1f} |")
    print(f"| {len(many):,} records read, judged and put into tables | {analysed - start:.1f} |")
    print(f"| records.csv | {tabled - analysed:.1f} |")
    print(f"| report.md | {end - tabled:.1f} |")
    print(f"| {len(figures)} figures of the {len(found):,} records | {drawn - drawing:.1f} |")


if __name__ == "__main__":
    main()
