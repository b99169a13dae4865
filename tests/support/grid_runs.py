"""Grids given to the runner, for tests of what it makes of them."""

import io

from experiments import protocols, runner, training, work


def outcome(train_loss, train_accuracy, status, *, test_accuracy=None, update_rms=1e-3):
    return training.Outcome(
        train_loss=train_loss,
        train_accuracy=train_accuracy,
        test_accuracy=test_accuracy,
        test_correct=None,
        validation_accuracy=None,
        validation_loss=None,
        update_rms=update_rms,
        seconds=1.0,
        compile_seconds=2.0,
        status=status,
    )


def grid(datasets=("digits",), optimizers=("adam", "lion"), seeds=2, rates=(), **deviations):
    networks = deviations.pop("networks", ["convnet"])
    paper = protocols.get("paper", **deviations)
    return protocols.grid(paper, datasets, protocols.learners(optimizers, rates), seeds, networks)


def run(study, out, **options):
    stream = io.StringIO()
    summary = runner.run(study, work.Paths(out), stream=stream, **options)
    return summary, stream.getvalue()
