"""A task's data: the arrays that its runs see, and the facts that their records state."""

from __future__ import annotations

import numpy as np

from experiments import datasets, training
from experiments.protocols import Task
from experiments.records import DataFacts


def load(
    task: Task, with_test: bool, *, data_dir: str | None, manual_dir: str | None
) -> tuple[training.Data, DataFacts]:
    """The arrays to train and judge on, and the facts to record.

    Args:
        task: what is learnt.
        with_test: whether the test images are read, too.
        data_dir: prepared data; None is the default place.
        manual_dir: files fetched by hand.

    Raises:
        DatasetError: they cannot be obtained or read.
    """
    name, limit = task.dataset, task.limit
    validation, test, rule = None, None, None
    if task.parts == "split":
        parts = datasets.load_splits(
            name, limit=limit, with_test=with_test, data_dir=data_dir, manual_dir=manual_dir
        )
        train, validation, test, rule = parts.train, parts.validation, parts.test, parts.rule
    else:
        train = datasets.load(name, "train", limit, data_dir, manual_dir)
        if with_test and "test" in datasets.splits(name):
            test = datasets.load(name, "test", None, data_dir, manual_dir)
    if task.batch is not None:
        train, words = datasets.in_whole_batches(train, task.batch)
        rule = f"{rule or ''}{words}"
    train = datasets.with_sparsity(
        datasets.with_label_noise(train, task.label_noise), task.sparsity
    )
    if validation is not None:
        validation = datasets.with_label_noise(validation, task.label_noise)
        validation = datasets.with_sparsity(validation, task.sparsity)
    if test is not None:
        test = datasets.with_sparsity(test, task.sparsity)
    data = training.Data(
        train_images=train.images,
        train_labels=train.labels,
        test_images=None if test is None else test.images,
        test_labels=None if test is None else test.labels,
        validation_images=None if validation is None else validation.images,
        validation_labels=None if validation is None else validation.labels,
        num_classes=train.num_classes,
    )
    facts = DataFacts(
        fingerprint=train.fingerprint,
        validation_fingerprint=None if validation is None else validation.fingerprint,
        test_fingerprint=None if test is None else test.fingerprint,
        examples=len(train.labels),
        validation_examples=None if validation is None else len(validation.labels),
        test_examples=None if test is None else len(test.labels),
        shape=list(train.images.shape[1:]),
        classes=train.num_classes,
        classes_present=len(np.unique(train.labels)),
        largest_class=int(np.bincount(train.labels).max()),
        label_noise=task.label_noise or None,
        sparsity=task.sparsity or None,
        rule=rule,
        licence=train.licence,
        source=train.source,
    )
    return data, facts
