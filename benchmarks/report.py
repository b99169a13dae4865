"""What a report takes of a given number of records, step by step, in seconds of one core.

    python benchmarks/report.py results/fair --records 20000

The records are a folder's own, again and again as those of other data sets.
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path

from experiments import records
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
    print("| step | seconds |\n|---|---|")
    print(f"| {len(many):,} records read, judged and put into tables | {analysed - start:.1f} |")
    print(f"| records.csv | {tabled - analysed:.1f} |")
    print(f"| report.md | {end - tabled:.1f} |")
    print(f"| {len(figures)} figures of the {len(found):,} records | {drawn - drawing:.1f} |")


if __name__ == "__main__":
    main()
