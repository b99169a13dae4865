"""`python -m experiments.distortion_study run | report`: trains what lacks; tells and draws."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments import files
from experiments.distortion_study import folder, plan


def run(options: argparse.Namespace) -> None:
    """Makes every run that has no record, each written as it finishes."""
    from experiments import datasets
    from experiments.distortion_study import training
    from experiments.records import environment

    scale = plan.SMOKE if options.smoke else plan.FULL
    train = datasets.load_splits(
        options.dataset, limit=options.images, with_test=False, data_dir=options.data_dir
    ).train
    if train.images.shape[-1] != 1:
        raise ValueError(f"{options.dataset} has coloured images, expected grey ones")
    images = training.shrunk(train.images, train.labels, train.num_classes)
    facts = {"dataset": train.name, "images": len(train.labels), "fingerprint": train.fingerprint}
    facts["commit"] = environment.describe()["commit"]
    for depth in options.depths or scale.depths:
        found = [one for one in folder.read(options.out) if one["depth"] == depth]
        path = folder.file_of(options.out, depth)
        files.write(path, "".join(map(_line, found)))
        with path.open("a", encoding="utf-8") as out:
            while todo := plan.due(found, dataclasses.replace(scale, depths=(depth,))):
                found.append(training.train(todo[0], images, scale) | facts)
                out.write(_line(found[-1]))
                out.flush()
                _tell(found[-1])


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"


def _tell(record: dict[str, Any]) -> None:
    arm = plan.run_of(record).arm
    said = f"{arm.optimizer}, {arm.depth} layers, {arm.start}, strength {arm.strength:g}"
    print(
        f"{said}, size {record['size']:g}, seed {record['seed']}: {record['status']}, "
        f"train accuracy {record['train_accuracy']}",
        file=sys.stderr,
    )


def report(options: argparse.Namespace) -> None:
    """Writes the findings and figures of the folder's records beside them."""
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
    """One command."""
    options = parser().parse_args(arguments)
    options.command(options)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
