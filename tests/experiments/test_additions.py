"""Every kind of addition once, as CONTRIBUTING.md tells it: each is one entry or one file."""

import hashlib
import sys
import types
from dataclasses import dataclass, field, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from experiments import __main__ as cli
from experiments import datasets, networks, optimizers, protocols, records, runner
from experiments.analysis import summaries
from experiments.datasets.catalogue.spec import RawFile, Spec
from experiments.datasets.storage import builders
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


def test_a_network_of_the_benchmark_is_a_module_and_its_entry(monkeypatch):
    module = types.ModuleType("experiments.networks.added")
    module.init = lambda key, channels, classes: {"w": jnp.zeros((1024 * channels, classes))}
    module.logits = lambda params, images: images.reshape(len(images), -1) @ params["w"]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(networks.lookup, "NAMES", (*networks.NAMES, "added"))
    monkeypatch.setattr(networks.lookup, "NOTES", networks.NOTES | {"added": "A linear map"})
    found = networks.resolve("added")
    found.check(channels=1, num_classes=10)
    assert (found.name, found.note, found.source) == ("added", "A linear map", None)


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


def test_a_users_data_set_is_a_file(tmp_path):
    images = np.zeros((9, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "added.npz", images=images, labels=np.arange(9) % 3)
    found = datasets.load(str(tmp_path / "added.npz"))
    assert (found.name, found.num_classes, len(found.labels)) == ("added.npz", 3, 9)


def test_a_published_data_set_is_its_facts_and_a_reader(tmp_path, monkeypatch):
    def read(paths, split, count):
        pixels = np.frombuffer(paths["all"].read_bytes(), np.uint8).reshape(-1, 32, 32, 1)
        return ((image, number % 2) for number, image in enumerate(pixels[:count]))

    content = bytes(range(256)) * 4 * 6
    (tmp_path / "added.bin").write_bytes(content)
    digest = hashlib.md5(content).hexdigest()
    spec = Spec(
        name="added",
        title="Added",
        channels=1,
        sizes={"train": 6},
        files={"all": RawFile("added.bin", ("http://127.0.0.1:9/added",), len(content), digest)},
        read=read,
        class_names=("even", "odd"),
        classes_in_first_5000=2,
        licence="none",
        source="this test",
    )
    # As the catalogue's own get theirs, in a loop.
    monkeypatch.setitem(builders.BUILDERS, "added", builders._builder(spec))
    places = {"data_dir": tmp_path / "data", "manual_dir": tmp_path}
    for kind in ("numpy", "numpy", "array_record", "array_record"):  # prepared, then read
        found = datasets.load("added", catalogue={"added": spec}, kind=kind, **places)
        assert found.images.tobytes() == content
        assert (found.labels.tolist(), found.class_names) == ([0, 1] * 3, ("even", "odd"))


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
    def last_loss(entry: summaries.Entry) -> float:
        return float(entry.loss[:, -1].mean())

    entries = summaries.entries([synthetic(seed=seed) for seed in range(3)])
    assert [last_loss(entry) for entry in entries] == pytest.approx(
        [np.mean([one.train_loss[-1] for one in entries[0].records])]
    )


def test_a_protocol_is_a_study_and_a_builder(synthetic, folder_of, monkeypatch, capsys, tmp_path):
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

    # Its package, and its name among the others: the command line then has it.
    package = types.ModuleType("experiments.protocols.added")
    package.OPTIMIZERS = ("adam",)
    package.study = lambda names, learners, nets, budget: study
    constants = types.ModuleType("experiments.protocols.added.constants")
    constants.protocol = lambda: {"version": 7, "description": "asks for one cell"}
    for module in (package, constants):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(protocols, "STUDIES", (*protocols.STUDIES, "added"))
    monkeypatch.setattr(protocols, "NAMES", (*protocols.NAMES, "added"))
    asked = []
    monkeypatch.setattr(
        runner, "run", lambda study, *_, **__: asked.append(study) or runner.Summary()
    )
    words = ["run", "--protocol", "added", "--datasets", "digits", "--out", str(tmp_path / "x")]
    assert cli.main(words) == 0
    assert asked == [study]
    assert cli.main(["list", "--data-dir", str(tmp_path)]) == 0
    assert "asks for one cell" in capsys.readouterr().out
