"""Optimizers by name, with overrides, and by import path, and what is said of wrong ones."""

import pickle

import jax
import jax.numpy as jnp
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.optimizers import NAMES, Optimizer, resolve
from experiments.optimizers.overrides import value_of


def build(spec, hyperparameters=None, key=None):
    optimizer = resolve(spec)
    return optimizer.build(
        optimizer.hyperparameters if hyperparameters is None else hyperparameters, key, 5, 60
    )


def first_update(tx, gradient=1.0):
    params = jnp.ones(2)
    return tx.update(jnp.full(2, gradient), tx.init(params), params)[0]


def test_every_name_has_the_learning_rate_of_the_released_benchmark_or_its_authors():
    rates = {name: resolve(name).hyperparameters["learning_rate"] for name in NAMES}
    assert rates == {
        "adam": 1e-3,
        "adamw": 1e-3,
        "rmsprop": 1e-3,
        "lion": 1e-3 / 3,
        "muadam": 1e-3,
        "muon": 0.02,
        "lookahead": 1e-3,
        "swats": 1e-3,
        "swa": 1e-2,
        "nadamw": 1e-3,
        "sgd": 1e-2,
        "signum": 1e-4,
        "schedule_free_adamw": 2.5e-3,
        "thermolion": 1e-3,
        "smes": 0.0656,
        "grafted": 1e-3,
        "scaled_smes": 1e-3,
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_name_says_what_it_is_and_how_it_is_set(name):
    optimizer = resolve(name)
    assert isinstance(optimizer, Optimizer)
    assert optimizer.name == name
    assert optimizer.overrides == {}
    assert "\n" not in optimizer.note
    assert "learning_rate=" in optimizer.note


def test_resolved_optimizers_travel_between_processes():
    again = pickle.loads(pickle.dumps(resolve("thermolion:boost=0")))
    assert again.overrides == {"boost": 0}
    assert isinstance(again.build({}, 0, 5, 60), optax.GradientTransformation)


def test_overrides_are_python_values_and_the_rate_joins_the_hyperparameters():
    optimizer = resolve(" thermolion:boost=0, temperature=0.5,noise_units=parameter,gate=0.5 ")
    assert optimizer.name == "thermolion:boost=0,gate=0.5,noise_units=parameter,temperature=0.5"
    assert optimizer.overrides == {
        "boost": 0,
        "temperature": 0.5,
        "noise_units": "parameter",
        "gate": 0.5,
    }
    assert resolve("adam:learning_rate=3e-3").hyperparameters == {"learning_rate": 3e-3}
    assert "boost=0" in optimizer.note


def test_hyperparameters_go_before_overrides_before_defaults():
    assert float(first_update(build("swa:learning_rate=0.5", {})[0])[0]) == -0.5
    assert float(first_update(build("swa:learning_rate=0.5", {"learning_rate": 2.0})[0])[0]) == -2
    assert float(first_update(build("swa", {})[0])[0]) == pytest.approx(-0.01)


def test_one_compilation_serves_a_sweep():
    compilations = []

    @jax.jit
    def update(rate, b1):
        compilations.append(1)
        return first_update(build("lion", {"learning_rate": rate, "b1": b1}))

    for rate in (0.1, 0.2):
        assert float(update(rate, 0.9)[0]) == pytest.approx(-rate)
    assert len(compilations) == 1


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("adan", "did you mean adam"),
        ("ThermoLion", "did you mean thermolion"),
        ("adan:b1=0.9", "did you mean adam"),
        ("", "there are adam, "),
        ("adam:", "name=value"),
        ("adam:b1", "'b1'.*name=value"),
        ("adam:b1=", "name=value"),
        ("adam:=3", "name=value"),
        ("adam:b1=0.9:b2=0.9", "one list of overrides"),
        ("adam:b1=0.9,b1=0.8", "b1 is given twice"),
        ("adam:b3=0.9", "adam:b3=0.9.*'b3'.*b1, b2"),
        ("thermolion:bost=0", "'bost'; did you mean boost"),
        ("adam:b1=high", "b1 is 'high', expected a number"),
        ("adam:b1=true", "b1 is True, expected a number"),
        ("adam:b1=1.5", r"b1 = 1.5.*\[0, 1\)"),
        ("adam:learning_rate=-1", "learning_rate is -1"),
        ("adam:learning_rate=0", "learning_rate is 0.*positive number that float32 can hold"),
        ("adam:learning_rate=1e-46", "learning_rate is 1e-46.*float32"),
        ("adam:learning_rate=1e39", r"learning_rate is 1e\+39, expected a number"),
        ("adam:learning_rate=nan", "learning_rate is nan, expected a number"),
        ("adam:learning_rate=inf", "learning_rate is inf, expected a number"),
        ("adam:b2=0.99999999", "b2 = 0.99999999.*in float32, too"),
        ("adam:eps=1e39", "eps is"),
        ("sgd:momentum=1", "momentum = 1"),
        ("nadamw:eps=-1", "eps = -1"),
        ("signum:b1=-0.1", "b1 = -0.1"),
        ("schedule_free_adamw:b1=0", "b1 = 0.*above 0"),
        ("adamw:weight_decay=-1", "weight_decay = -1"),
        ("rmsprop:decay=1", r"decay = 1.*\[0, 1\)"),
        ("lion:b2=2", "b2 = 2"),
        ("muon:beta=2", "beta = 2"),
        ("muon:ns_steps=0", "ns_steps = 0"),
        ("muadam:b1=2", "b1 = 2"),
        ("swa:start_epoch=0", "start_epoch = 0"),
        ("swa:start_epoch=1.5", "start_epoch = 1.5"),
        ("swats:switch=loss", "switch = 'loss'.*criterion"),
        ("lookahead:variant=x", "variant = 'x'.*published.*as-run"),
        ("lookahead:sync_period=0", "sync_period = 0"),
        ("thermolion:gate=const", r"gate = 'const'.*tensor_mean, permuted or a constant"),
        ("thermolion:boost=-1", "boost = -1"),
        ("thermolion:bias_correction=3", "bias_correction = 3"),
        ("thermolion:key=3", "'key'"),
        ("smes:alpha=x", "alpha is 'x', expected a number"),
        ("no_such_module_anywhere:f", "cannot import no_such_module_anywhere.*PYTHONPATH"),
        ("adan:f", "did you mean adam"),
        ("some/path.py:f", "import path"),
        ("optax:adamm", "optax has no adamm; did you mean adam"),
        ("math:pi", "is 3.14.*expected f.learning_rate"),
        ("math:sin", "takes no learning_rate"),
    ],
)
def test_what_is_wrong_is_said_with_the_way_out(spec, says):
    with pytest.raises(ValueError, match=f"^optimizer .*{says}"):
        resolve(spec)


def test_unknown_hyperparameters_are_named():
    with pytest.raises(ValueError, match=r"'momentum'; there are"):
        build("adam", {"learning_rate": 0.1, "momentum": 0.9})


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.none()))
def test_values_survive_the_way_through_text(value):
    again = value_of(str(value))
    assert again == value
    assert isinstance(again, bool) == isinstance(value, bool)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_no_text_ends_in_anything_but_an_optimizer_or_a_value_error(text):
    if ":" in text and text.split(":")[0] not in NAMES:
        text = text.replace(":", "=")  # importing arbitrary names is not what is tested
    try:
        said = resolve(text).note
    except ValueError as error:
        said = str(error)
    assert said


def test_a_rate_in_the_name_is_stated_even_where_it_is_the_default():
    assert resolve("adam:learning_rate=1e-3").states_rate
    assert resolve("adam:learning_rate=1e-3").name == "adam"
    assert not resolve("adam:b1=0.9").states_rate
