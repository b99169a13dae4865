"""One optimizer, one name, whatever the order and the spelling; and no JAX to tell it."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.optimizers import NAMES, resolve


def identity(spec):
    found = resolve(spec)
    return found.name, found.hyperparameters, found.overrides


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("adam:learning_rate=3e-3,b1=0.8", "adam:b1=0.8,learning_rate=0.003"),
        ("thermolion:boost=0,temperature=0", "thermolion: temperature=0.0 , boost=0e5"),
        ("adam:eps=1e-7", "adam:eps=0.0000001"),
        ("adam:b1=0.9", "adam"),
        ("adam:learning_rate=1e-3", "adam"),
        ("muon:ns_steps=3.0", "muon:ns_steps=3"),
        ("optax:adam:b1=0.5,nesterov=True", "optax:adam:nesterov=true,b1=.5"),
        ("thermolion:gate=0.0", "thermolion:gate=0"),
    ],
)
def test_spellings_of_one_optimizer_are_one(one, other):
    assert identity(one) == identity(other)
    assert identity(resolve(one).name)[0] == resolve(one).name
    assert resolve(one).space == resolve(other).space


def test_the_learning_rate_is_a_hyperparameter_and_no_part_of_the_name():
    assert identity("adam:learning_rate=3e-3") == ("adam", {"learning_rate": 3e-3}, {})
    assert resolve("adam:learning_rate=3e-3").space.learning_rate == 3e-3
    assert "learning_rate=0.003" in resolve("adam:learning_rate=3e-3").note


def test_different_optimizers_stay_different():
    assert resolve("thermolion:boost=0").name != resolve("thermolion:boost=1").name
    assert resolve("thermolion:bias_correction=true").name == "thermolion:bias_correction=true"
    assert resolve("muon:ns_steps=3").name == "muon:ns_steps=3"


@settings(max_examples=50, deadline=None)
@given(
    st.permutations(("b1", "b2", "weight_decay", "eps")),
    st.floats(0, 0.99),
    st.floats(1e-12, 1e3),
    st.sampled_from(["{!r}", "{:.17g}", "{:.17e}"]),
)
def test_names_do_not_depend_on_order_or_spelling(names, decay, other, spelling):
    values = {"b1": decay, "b2": decay, "weight_decay": other, "eps": other}
    spec = "adamw:" + ",".join(f"{name}={spelling.format(values[name])}" for name in names)
    plain = "adamw:" + ",".join(f"{name}={value!r}" for name, value in values.items())
    assert identity(spec) == identity(plain)
    again = resolve(resolve(spec).name)
    assert again.defaults | again.overrides == resolve(spec).defaults | resolve(spec).overrides


WITHOUT_JAX = """
import sys
from experiments import optimizers
for name in optimizers.NAMES:
    found = optimizers.resolve(name)
    assert found.note and found.defaults and found.space.fixed is not None
    optimizers.spaces.at(found.space, found.space.learning_rate, [0.5] * 5)
for spec in ("adan", "adam:b3=0.9", "adam:b1=x", "adam:learning_rate=0", "nowhere.to:be"):
    try:
        optimizers.resolve(spec)
    except ValueError as error:
        assert spec in str(error)
    else:
        raise AssertionError(spec)
print(sorted({"jax", "jaxlib", "optax", "flax", "thermolion_optax"} & set(sys.modules)))
"""


def test_names_notes_spaces_and_mistakes_are_told_without_jax():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_JAX], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_there_are_the_names_of_the_protocols():
    wanted = "sgd adam adamw nadamw signum rmsprop lion muadam muon lookahead swats swa"
    ours = "schedule_free_adamw thermolion smes scaled_smes grafted"
    assert set(NAMES) == {*wanted.split(), *ours.split()}
