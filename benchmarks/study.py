"""What a study took beside its training, from its records alone.

    python benchmarks/study.py results/fair

Every process that made records stands on a line of its own (a command at a commit, without a gap
of ten minutes): the time from its first record to its last, how much of it was training, and what
was left for compiling, planning, data and records. The time before a process's first record is not
seen; runs that several processes made at one time under one command are not told apart.
"""

import argparse
import datetime
import itertools

from experiments import records

PAUSE = datetime.timedelta(minutes=10)


def processes(made):
    """The records in the order of their ends, cut where another process or a pause begins."""
    made = sorted((r for r in made if r.finished), key=finished)
    latest = None
    group = []
    for record in made:
        if latest and (
            (record.commit, record.command) != (latest.commit, latest.command)
            or finished(record) - finished(latest) > PAUSE
        ):
            yield group
            group = []
        group.append(record)
        latest = record
    if group:
        yield group


def finished(record):
    return datetime.datetime.fromisoformat(record.finished)


def spent(group):
    """Seconds from the first end to the last, and seconds of training in between."""
    rounds = [
        (end, list(runs))  # runs on devices beside one another end together
        for end, runs in itertools.groupby(group, finished)
    ]
    whole = (rounds[-1][0] - rounds[0][0]).total_seconds()
    # `seconds` are a run's share of those that it was trained together with.
    training = sum(r.seconds for _, runs in rounds[1:] for r in runs) / beside(group[0])
    return whole, training


def beside(record):
    layout = record.layout
    return layout.get("devices", 1) / layout.get("devices_per_run", 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="of records")
    parser.add_argument("--at-least", type=int, default=50, help="runs of a process that is listed")
    options = parser.parse_args()
    print("| from | runs | minutes | training, minutes | beside it |")
    print("|---|---|---|---|---|")
    for group in processes(records.read(options.folder).records):
        if len(group) < options.at_least:
            continue
        whole, training = spent(group)
        print(
            f"| {finished(group[0]):%Y-%m-%d %H:%M} | {len(group)} | {whole / 60:.1f} "
            f"| {training / 60:.1f} | {100 * (1 - training / whole):.1f} % |"
        )


if __name__ == "__main__":
    main()
