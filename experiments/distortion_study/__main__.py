"""`python -m experiments.distortion_study run | report`: trains what is missing; draws."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments import files
from experiments.__main__ import guarded
from experiments.distortion_study import folder, plan
from experiments.distortion_study.record import DistortionRecord


def run(options: argparse.Namespace) -> None:
    """Makes every run that has no record, each written as it finishes."""
    for depth in options.depths or ():
        if depth < 1:
            raise ValueError(f"--depths has {depth}, expected at least 1 convolution")
    files.check_folder(options.out, "--out")
    from experiments import datasets
    from experiments.distortion_study import training
    from experiments.records import environment, lines, storage

    storage.check_apart(options.out, storage.OF_DISTORTION)

    scale = plan.SMOKE if options.smoke else plan.FULL
    train = datasets.load_splits(
        options.dataset, limit=options.images, with_test=False, data_dir=options.data_dir
    ).train
    if train.images.shape[-1] != 1:
        raise ValueError(f"{options.dataset} has coloured images, expected grey ones")
    if train.num_classes != 10:
        raise ValueError(
            f"{options.dataset} has {train.num_classes} classes, expected 10: what counts as "
            "trained, and as chance, is of ten"
        )
    images = training.shrunk(train.images, train.labels, train.num_classes)
    facts = {"dataset": train.name, "images": len(train.labels), "fingerprint": train.fingerprint}
    facts |= environment.describe()
    for one in folder.read(options.out):
        if (one.steps, one.fingerprint) != (scale.steps, train.fingerprint):
            raise ValueError(
                f"{options.out} holds runs of {one.steps} steps on {one.images} images of "
                f"{one.dataset} ({one.fingerprint[:8]}), these have {scale.steps} on "
                f"{len(train.labels)} of {train.name} ({train.fingerprint[:8]}), which do not "
                "compare: give another --out"
            )
    for depth in options.depths or scale.depths:
        path = folder.file_of(options.out, depth)
        with files.alone(path, "--out"):
            found = [one for one in folder.read(options.out) if one.depth == depth]
            files.write(path, b"".join(map(lines.encode, found)))
            with path.open("ab") as out:
                while todo := plan.due(found, dataclasses.replace(scale, depths=(depth,))):
                    one = todo[0]
                    record = DistortionRecord(
                        **vars(one.arm),
                        size=one.size,
                        seed=one.seed,
                        phase=one.phase,
                        steps=scale.steps,
                        **training.train(one, images, scale)._asdict(),
                        **facts,
                    )
                    out.write(lines.encode(record))
                    out.flush()
                    found.append(record)
                    _print(record)


def _print(record: DistortionRecord) -> None:
    arm = plan.run_of(record).arm
    title = f"{arm.optimizer}, {arm.depth} layers, {arm.start}, strength {arm.strength:g}"
    print(
        f"{title}, size {record.size:g}, seed {record.seed}: {record.status}, "
        f"train accuracy {record.train_accuracy}",
        file=sys.stderr,
    )


def report(options: argparse.Namespace) -> None:
    """Writes the findings and figures of the folder's records beside them."""
    if not folder.read(options.out):
        raise ValueError(f"there are no records of this study in {options.out}: `run` makes some")
    print(folder.redraw(options.out))


def parser() -> argparse.ArgumentParser:
    """The options of both commands."""
    made = argparse.ArgumentParser(prog="python -m experiments.distortion_study")
    commands = made.add_subparsers(required=True)
    for command in (run, report):
        one = commands.add_parser(command.__name__, help=(command.__doc__ or "").splitlines()[0])
        one.add_argument("--out", type=Path, required=True, metavar="DIR", help="of the records")
        one.set_defaults(command=command)
        if command is run:
            one.add_argument("--dataset", default="fashion_mnist", metavar="NAME")
            one.add_argument("--images", type=int, default=1000, metavar="N", help="the first N")
            one.add_argument("--data-dir", metavar="DIR", help="where prepared data sets lie")
            one.add_argument("--depths", nargs="+", type=int, metavar="N", help="of the networks")
            one.add_argument("--smoke", action="store_true", help="few steps; answers nothing")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """One command; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(given)

    def command() -> int:
        options.command(options)
        return 0

    return guarded(command, "experiments.distortion_study", given)


if __name__ == "__main__":
    raise SystemExit(main())
