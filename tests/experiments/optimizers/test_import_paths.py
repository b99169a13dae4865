"""Functions of a user's own by their import path, and what is said of those that do not fit."""

import sys

import jax
import jax.numpy as jnp
import optax
import pytest

from experiments.optimizers import resolve

MODULE = '''
import optax

SECRET = 3
CALLS = []

def plain(learning_rate):
    """Plain SGD of mine.

    More."""
    return optax.sgd(learning_rate)

def own_rate(learning_rate=0.25, momentum=0.5, nesterov=False):
    return optax.sgd(learning_rate, momentum, nesterov)

def keyed(learning_rate, *, key=None, steps_per_epoch=None, total_steps=None):
    CALLS.append((key, steps_per_epoch, total_steps))
    return optax.sgd(learning_rate)

def open_ended(learning_rate, **settings):
    CALLS.append(settings)
    return optax.adam(learning_rate, **settings)

def pair(learning_rate):
    return optax.sgd(learning_rate), lambda opt_state, params: params

def no_rate(lr): return optax.sgd(lr)
def by_position(learning_rate, /): return optax.sgd(learning_rate)
def needy(learning_rate, beta): return optax.sgd(learning_rate, beta)
def gives_nothing(learning_rate): pass
def gives_triple(learning_rate): return optax.sgd(learning_rate), None, None
def gives_half_pair(learning_rate): return optax.sgd(learning_rate), 3
def branches(learning_rate): return optax.sgd(1.0 if learning_rate > 1 else learning_rate)
'''


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A package of a user's own on the path; its name is new in each test."""
    name = f"mine_{tmp_path.name}".replace("-", "_")
    package = tmp_path / name
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "fine.py").write_text(MODULE)
    (package / "broken.py").write_text("import does_not_exist_anywhere")
    (package / "syntax.py").write_text("def f(:")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for module in [m for m in sys.modules if m.split(".")[0] == name]:
        del sys.modules[module]


def build(spec, hyperparameters=None, key=None):
    optimizer = resolve(spec)
    return optimizer.build(
        optimizer.hyperparameters if hyperparameters is None else hyperparameters, key, 5, 60
    )


def first_update(tx, gradient=1.0):
    params = jnp.ones(2)
    return tx.update(jnp.full(2, gradient), tx.init(params), params)[0]


def test_a_function_of_the_users_own(mine):
    optimizer = resolve(f"{mine}.fine:plain")
    assert optimizer.note == "Plain SGD of mine (learning_rate=0.001)"
    assert optimizer.hyperparameters == {"learning_rate": 1e-3}
    assert float(first_update(build(f"{mine}.fine:plain", {}))[0]) == pytest.approx(-1e-3)


def test_its_default_rate_and_overrides(mine):
    spec = f"{mine}.fine:own_rate:momentum=0.9,nesterov=true"
    optimizer = resolve(spec)
    assert optimizer.name == spec  # already in canonical form
    assert optimizer.hyperparameters == {"learning_rate": 0.25}
    assert optimizer.overrides == {"momentum": 0.9, "nesterov": True}
    assert float(first_update(build(spec))[0]) == pytest.approx(-0.25 * 1.9)
    assert float(first_update(build(spec, {"momentum": 0.0}))[0]) == pytest.approx(-0.25)


def test_what_the_run_knows_goes_only_to_those_who_name_it(mine):
    key = jax.random.key(1)
    build(f"{mine}.fine:keyed", key=key)
    build(f"{mine}.fine:open_ended:b1=0.5", key=key)
    calls = sys.modules[f"{mine}.fine"].CALLS
    assert calls == [(key, 5, 60), {"b1": 0.5}]


def test_a_pair_comes_back_as_it_is(mine):
    tx, evaluate = build(f"{mine}.fine:pair")
    assert isinstance(tx, optax.GradientTransformation)
    assert evaluate(None, 3) == 3


def test_an_optimizer_of_optax_itself():
    assert float(first_update(build("optax:sgd", {"learning_rate": 0.5}))[0]) == -0.5
    assert resolve("optax:adam:b1=0.5").overrides == {"b1": 0.5}


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ("broken:f", "cannot import .*does_not_exist_anywhere"),
        ("syntax:f", "cannot import .*SyntaxError"),
        ("absent:f", "cannot import"),
        ("fine:plane", "has no plane; did you mean plain"),
        ("fine:SECRET", "is 3; expected f.learning_rate"),
        ("fine:no_rate", r"takes no learning_rate, but \(lr\)"),
        ("fine:by_position", "by position only"),
        ("fine:needy", "needs beta.*needy:beta=…"),
        ("fine:plain:beta=3", "no hyperparameter 'beta'; there are learning_rate"),
        ("fine:own_rate:momentum=x", "momentum is 'x'"),
    ],
)
def test_what_is_wrong_with_the_users_own_is_said(mine, rest, says):
    with pytest.raises(ValueError, match=f"^optimizer '{mine}.{rest}'.*{says}"):
        resolve(f"{mine}.{rest}")


@pytest.mark.parametrize("function", ["gives_nothing", "gives_triple", "gives_half_pair"])
def test_a_wrong_result_is_said_when_it_is_built(mine, function):
    with pytest.raises(ValueError, match=f"{function}' returned .*GradientTransformation"):
        build(f"{mine}.fine:{function}")


def test_a_missing_argument_given_in_the_name_is_enough(mine):
    assert float(first_update(build(f"{mine}.fine:needy:beta=0.5"))[0]) == pytest.approx(-1e-3)


def test_a_python_branch_on_the_traced_rate_is_named(mine):
    def traced(rate):
        return first_update(build(f"{mine}.fine:branches", {"learning_rate": rate}))

    with pytest.raises(ValueError, match=r"branches.*[Tt]race"):
        jax.jit(traced)(0.1)
