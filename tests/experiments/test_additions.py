"""Every kind of addition once, as CONTRIBUTING.md tells it: each is one entry or one file."""

import sys
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from experiments import datasets, networks, optimizers, protocols, records
from experiments.analysis import statistics
from experiments.optimizers import lookup
from experiments.protocols import Plan
from experiments.records import Record, lines
from experiments.reports import report
from experiments.reports.section import Section


def test_a_network_is_an_import_path(tmp_path, monkeypatch):
    (tmp_path / "added_network.py").write_text(
        '"""A linear map."""\n'
        "import jax.numpy as jnp\n\n\n"
        "def init(key, channels, classes):\n"
        "    return {'w': jnp.zeros((32 * 32 * channels, classes))}\n\n\n"
        "def logits(params, images):\n"
        "    return images.reshape(len(images), -1) @ params['w']\n\n\n"
        "def linear():\n"
        '    """A linear map of the pixels."""\n'
        "    return init, logits\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = networks.resolve("added_network:linear")
    found.check(channels=1, num_classes=10)
    assert (found.name, found.note) == ("added_network:linear", "A linear map of the pixels")
    sys.modules.pop("added_network")


def test_an_optimizer_is_a_function_and_its_entry(monkeypatch):
    def halved(learning_rate: float = 0.5, b1: float = 0.9) -> Any:
        """SGD at half its rate."""
        import optax

        return optax.sgd(learning_rate / 2, b1)

    monkeypatch.setitem(lookup.FACTORIES, "halved", halved)
    found = optimizers.resolve("halved")
    assert found.hyperparameters == {"learning_rate": 0.5}
    assert [one.name for one in found.space.ranges] == ["b1"]
    found.check()


def test_a_data_set_is_a_file(tmp_path):
    images = np.zeros((9, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "added.npz", images=images, labels=np.arange(9) % 3)
    found = datasets.load(str(tmp_path / "added.npz"))
    assert (found.name, found.num_classes, len(found.labels)) == ("added.npz", 3, 9)


def test_a_field_of_a_record_is_one_line(synthetic):
    @dataclass(frozen=True, kw_only=True)
    class Longer(Record):
        energy: float | None = field(default=None)

    made = Longer(**vars(synthetic()), energy=3.5)
    line = lines.encode(made)
    assert b'"energy": 3.5' in line
    assert lines.build(Longer, line) == made
    assert records.parse(line) == synthetic()  # an older version reads it still
    assert "energy" in lines.columns(Longer)


def test_a_statistic_is_a_function_of_entries(synthetic):
    def last_loss(entry: statistics.Entry) -> float:
        return float(entry.loss[:, -1].mean())

    entries = statistics.entries([synthetic(seed=seed) for seed in range(3)])
    assert [last_loss(entry) for entry in entries] == pytest.approx(
        [np.mean([one.train_loss[-1] for one in entries[0].records])]
    )


def test_a_protocol_is_a_study_and_a_builder(synthetic, folder_of, monkeypatch):
    def build(entries, question):
        return [Section(title="Added", slug="added", description=str(len(entries)))]

    monkeypatch.setitem(report.BUILDERS, "added", build)
    built = report.build(folder_of([synthetic(protocol="added[epochs=2]")]))
    assert [section.title for section in built.sections] == ["Added"]

    class Alone:
        """Asks for one cell until it has a record."""

        scheduled = False
        cell = protocols.grid(
            protocols.get("paper"), ["digits"], protocols.learners(["adam"]), seeds=1
        ).cells[0]
        tasks, optimizers = (cell.task,), ("adam",)

        def plan(self, find):
            left = [] if find(self.cell) else [self.cell]
            return Plan(left, len(left), 1 - len(left))

        def share(self, index, count):
            return self

    study: protocols.Study = Alone()
    assert list(study.plan(lambda cell: None).cells) == [Alone.cell]
    done = replace(synthetic(), seed=Alone.cell.seed)
    assert study.plan(lambda cell: done).left == 0
