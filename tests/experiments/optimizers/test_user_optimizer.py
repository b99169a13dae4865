"""Functions of a user's own that fail: told in one line, before anything is trained."""

import sys
import textwrap

import jax
import jax.numpy as jnp
import pytest

from experiments import optimizers, protocols, runner
from experiments.optimizers import resolve

MODULE = """
import sys
import jax, jax.numpy as jnp, optax

class Broken(RuntimeError):
    pass

def fine(learning_rate, b1=0.9, sharpness=2.0):
    return optax.sgd(learning_rate, b1)
fine.search_space = {"sharpness": (0.5, 8.0, "log"), "b1": (0.5, 0.95, "log1m")}

def inverted(learning_rate, b1=0.9): return optax.sgd(learning_rate, b1)
inverted.search_space = {"b1": (0.95, 0.5, "log1m")}

def late_default(learning_rate=0.0): return optax.sgd(learning_rate)

def with_update(update, learning_rate):
    return optax.GradientTransformation(lambda params: jnp.zeros(()), update)

def update_raises(learning_rate):
    def update(updates, state, params=None): raise Broken("nothing\\nto see")
    return with_update(update, learning_rate)

def init_raises(learning_rate):
    def init(params): raise KeyError("conv1")
    return optax.GradientTransformation(init, optax.identity().update)

def exits_when_called(learning_rate): sys.exit(3)
def raises_when_called(learning_rate): raise Broken("no luck")
def update_exits(learning_rate):
    return with_update(lambda updates, state, params=None: sys.exit(1), learning_rate)

def reads_a_rate(learning_rate):
    return optax.sgd(float(learning_rate))

def asks_a_rate(learning_rate):
    return optax.sgd(learning_rate if learning_rate < 1 else 1)

def loses_a_leaf(learning_rate):
    return with_update(lambda u, s, p=None: ({k: u[k] for k in list(u)[1:]}, s), learning_rate)

def wrong_shape(learning_rate):
    return with_update(lambda u, s, p=None: (jax.tree.map(lambda x: x[None], u), s), learning_rate)

def broadcasts(learning_rate):
    return with_update(lambda u, s, p=None: (jax.tree.map(lambda x: x[:1], u), s), learning_rate)

def strict(learning_rate):
    def update(u, s, p=None, *, value=None): return u, s
    return optax.GradientTransformationExtraArgs(lambda p: (), update)

def no_pair(learning_rate): return with_update(lambda u, s, p=None: u, learning_rate)

def state_changes(learning_rate):
    return with_update(lambda u, s, p=None: (u, s.astype(jnp.int32)), learning_rate)

def state_grows(learning_rate): return with_update(lambda u, s, p=None: (u, (s, s)), learning_rate)

def evaluates(what): return lambda learning_rate: (optax.sgd(learning_rate), what)
eval_raises = evaluates(lambda state, params: state.average)
eval_needs_one = evaluates(lambda params: params)
eval_nothing = evaluates(lambda state, params: None)
eval_scalar = evaluates(lambda state, params: jax.tree.map(jnp.sum, params))

def doubles(learning_rate): return optax.sgd(2 * learning_rate)
def typed_key(learning_rate, key):
    def init(params): return key
    def update(u, s, p=None): return jax.tree.map(jnp.negative, u), jax.random.split(s)[0]
    return optax.GradientTransformation(init, update)
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The name of a module of a user's own, on the path; new in each test."""
    name = f"mine_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(MODULE)
    (tmp_path / f"{name}_exits.py").write_text("import sys; sys.exit('bye')")
    (tmp_path / f"{name}_divides.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for module in [m for m in sys.modules if m.startswith(name)]:
        del sys.modules[module]


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ("_exits:f", r"cannot import .*_exits \(SystemExit: bye \(.*_exits\.py, line 1\)\)"),
        (
            "_divides:f",
            r"cannot import .*_divides \(ZeroDivisionError: division by zero \(.*line 1\)\)",
        ),
        (":inverted", "the search space of 'b1' is inverted: 0.95 to 0.5"),
        (":late_default", "learning_rate is 0.0, expected a positive number"),
        (":fine:learning_rate=1e-46", "learning_rate is 1e-46, expected a positive number"),
    ],
)
def test_what_fails_without_a_call_is_told_when_it_is_resolved(mine, rest, says):
    with pytest.raises(ValueError, match=rf"^optimizer '{mine}{rest}': {says}") as told:
        resolve(f"{mine}{rest}")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("exits_when_called", "SystemExit: 3"),
        ("raises_when_called", "Broken: no luck"),
        ("init_raises", "init raised KeyError: 'conv1'"),
        ("update_raises", "update raised Broken: nothing"),
        ("update_exits", r"update raised SystemExit: 1 \(.*\.py, line 31\)"),
        ("reads_a_rate", r"ConcretizationTypeError: .* \(.*\.py, line \d+\); hyperparameters and"),
        ("asks_a_rate", r"TracerBoolConversionError: .*; hyperparameters and arrays have no value"),
        ("strict", "update raised TypeError: .*unexpected keyword argument 'axis'"),
        ("no_pair", "update raised ValueError: .*unpack"),
        ("loses_a_leaf", "adding its updates to the parameters raised ValueError"),
        ("wrong_shape", r"params \+ updates\['.*'\] is float32 \(1, .*expected float32 "),
        ("broadcasts", r"the update\['bias'\] is float32 \(1,\), expected float32 \(4,\)"),
        ("state_changes", "the state after an update is int32 .* expected float32"),
        ("state_grows", "the state after an update is PyTreeDef.* like the one before"),
        ("eval_raises", r"eval_params\(opt_state, params\) raised AttributeError"),
        ("eval_needs_one", r"eval_params\(opt_state, params\) raised TypeError"),
        ("eval_nothing", "what eval_params returned is PyTreeDef.*like the parameters"),
        ("eval_scalar", r"what eval_params returned\['.*'\] is float32 \(\), expected"),
    ],
)
def test_what_fails_in_a_call_is_told_by_the_check(mine, function, says):
    with pytest.raises(ValueError, match=rf"^optimizer '{mine}:{function}': {says}") as told:
        resolve(f"{mine}:{function}").check()
    assert "\n" not in str(told.value)


def test_what_cannot_be_scheduled_is_reported(mine):
    optimizer = resolve(f"{mine}:doubles")
    optimizer.check()
    with pytest.raises(ValueError, match=r"TypeError.*; here learning_rate is a schedule"):
        optimizer.check(scheduled=True)


def test_the_check_takes_the_networks_own_tree_and_any_state(mine):
    resolve(f"{mine}:typed_key").check({"a": [jnp.ones(3)]}, scheduled=True)
    with pytest.raises(ValueError, match=r"returned\[0\]\['a'\] is float32 \(\)"):
        resolve(f"{mine}:eval_scalar").check([{"a": jnp.ones(3)}])


def test_a_stated_space_is_the_functions_own(mine):
    space = resolve(f"{mine}:fine").space
    assert space.defaults == {"learning_rate": 1e-3, "b1": 0.9, "sharpness": 2.0}
    assert resolve(f"{mine}:fine:b1=0.2").space.fixed == {"b1": 0.2}


def test_nothing_is_trained_beside_one_that_fails(mine, tmp_path):
    cells = protocols.grid(
        protocols.get("paper"),
        ["digits"],
        protocols.learners(["adam", f"{mine}:update_raises"]),
        seeds=1,
    )
    with pytest.raises(ValueError, match="update raised Broken: nothing"):
        runner.run(cells, runner.Paths(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_the_example_in_the_documentation(mine, tmp_path):
    after = (optimizers.__doc__ or "").split("    import optax\n", 1)[1]
    block = after.split("\nTo add an optimizer", 1)[0]
    (tmp_path / f"{mine}_example.py").write_text(textwrap.dedent("    import optax\n" + block))
    optimizer = resolve(f"{mine}_example:late_average")
    assert list(optimizer.defaults) == ["learning_rate", "b1", "pull"]
    for scheduled in (False, True):
        optimizer.check(scheduled=scheduled)
    tx, evaluate = optimizer.build({"learning_rate": lambda count: 1e-3}, None, 2, 8)
    params = start = jnp.ones(3)
    state, path = tx.init(params), []
    for _ in range(8):
        updates, state = jax.jit(tx.update)(jnp.ones(3), state, params)
        params = params + updates
        path.append(params)
    expected = (path[4] + path[6]) / 2  # after half + 1 = 5 steps, and each epoch of 2 on
    assert jnp.allclose(evaluate(state, params), expected, rtol=1e-6)
    assert jnp.allclose(path[0] - start, -1e-3 * 1.1, rtol=1e-4)
