"""Names and import paths to networks: a user's own, and errors for people."""

import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import optax
import pytest

from experiments import networks, training

MODULE = '''
"""Networks that a user might write."""
import jax.numpy as jnp


def linear():
    """One layer.

    More words.
    """
    def init(key, channels, num_classes):
        return {"w": jnp.zeros((1024 * channels, num_classes))}

    def logits(params, images):
        return images.reshape(len(images), -1) @ params["w"]

    return init, logits


pair = linear()


class Thing:
    """A class of one's own."""

    def init(self, key, channels, num_classes):
        return [jnp.zeros((1024 * channels, num_classes))]

    def logits(self, params, images):
        return images.reshape(len(images), -1) @ params[0]

    def loss_and_gradient(self, params, images, labels, weights):
        return jnp.float32(7), params


thing = Thing()
number = 3
init, logits = pair
wrong_part = lambda: (init, 5)
returns_none = lambda: None
needs_more = lambda width: pair
wrong_shape = lambda: (init, lambda params, images: logits(params, images)[0])
one_less = lambda: (init, lambda params, images: logits(params, images)[:, 1:])
integers = lambda: (lambda *_: {"w": jnp.zeros(3, int)}, logits)
empty = lambda: (lambda *_: {}, logits)
only_rgb = lambda: (init, lambda params, images: logits(params, images + jnp.ones((1, 1, 1, 7))))
twice = lambda: (init, lambda params, images: (logits(params, images),) * 2)
text = lambda: (init, lambda params, images: "logits")
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"mine_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    (tmp_path / "broken_module.py").write_text("import no_such_module_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_names_load_no_jax() -> None:
    code = "import sys, experiments.networks as n; print(n.NAMES, 'jax' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "('convnet', 'vit') False"


def test_one_of_the_names() -> None:
    found = networks.resolve(" vit ")
    assert (found.name, found.source) == ("vit", None)
    assert found.note.startswith("A small vision transformer")
    found.check(1, 43)


@pytest.mark.parametrize("attribute", ["linear", "pair", "thing", "Thing"])
def test_a_users_own(mine: str, attribute: str) -> None:
    spec = f"{mine}:{attribute}"
    found = networks.resolve(spec)
    found.check(3, 10)
    assert found.name == spec
    assert len(found.source or "") == 16
    params = found.init(None, 1, 2)
    labels = np.array([0, 1, 0])
    loss, _ = found.loss_and_gradient(params, np.ones((3, 32, 32, 1), np.float32), labels, None)
    assert float(loss) == pytest.approx(7 if "hing" in attribute else np.log(2))
    notes = {
        "linear": "One layer",
        "thing": "A class of one's own",
        "Thing": "A class of one's own",
    }
    if attribute in notes:
        assert found.note == notes[attribute]


def test_a_users_own_is_trained(mine: str) -> None:
    data = training.Data(np.eye(16, 1024, dtype=np.uint8).reshape(16, 32, 32, 1), np.arange(16) % 4)
    runs = [training.Run({"learning_rate": 0.1}, 0)]
    net = networks.resolve(f"{mine}:linear")

    def sgd(hyperparameters, *_):
        return optax.sgd(**hyperparameters)

    (outcome,) = training.run_many(sgd, runs, data, training.Config(epochs=3), network=net)
    assert outcome.status == "ok"
    assert outcome.train_loss[0] == pytest.approx(np.log(10))
    assert outcome.train_loss[2] < outcome.train_loss[0]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("convnets", "'convnets' is unknown; did you mean convnet.*, or your own as package"),
        ("no_such_package_here:net", "cannot import no_such_package_here .*PYTHONPATH.*convnet"),
        ("broken_module:net", r"cannot import broken_module .*no_such_module_at_all"),
        ("a b:net", "expected a name, or an import path"),
        ("MINE:liner", "has no liner; did you mean linear"),
        ("MINE:number", "is 3, expected a function of no arguments"),
        ("MINE:wrong_part", "logits is 5, expected a function"),
        ("MINE:returns_none", "returned None, expected"),
        ("MINE:needs_more", "called without arguments, raised TypeError"),
    ],
)
def test_what_is_no_network_is_reported(mine: str, spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        networks.resolve(spec.replace("MINE", mine))


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("wrong_shape", r"is float32 \(10,\), expected float32 \(2, 10\)"),
        ("one_less", r"is float32 \(2, 9\), expected float32 \(2, 10\)"),
        ("integers", r"params\['w'\] is int32, expected a tree of float arrays"),
        ("empty", "params hold no array"),
        ("only_rgb", r"given images \(2, 32, 32, 3\) of 10 classes, raised .*"),
        ("text", "given images .* raised TypeError"),
        ("twice", r"logits of images \(2, 32, 32, 3\) is a tuple, expected"),
    ],
)
def test_what_cannot_be_trained_is_told_before_it_is(
    mine: str, attribute: str, message: str
) -> None:
    net = networks.resolve(f"{mine}:{attribute}")
    with pytest.raises(ValueError, match=message):
        net.check(3, 10)
    data = training.Data(np.zeros((4, 32, 32, 3), np.uint8), np.zeros(4, int))
    with pytest.raises(ValueError, match=message):
        next(training.run_many(lambda *_: None, [training.Run({}, 0)], data, network=net))


def test_a_module_without_a_file_has_no_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a notebook's own."""
    module = types.ModuleType("__nowhere__")
    module.net = lambda: networks.resolve("convnet")
    monkeypatch.setitem(sys.modules, "__nowhere__", module)
    assert networks.resolve("__nowhere__:net").source is None
