"""The contract tests that optax ships for its contributed optimizers, run on this package's.

They come as optax's own file: it is executed here with these optimizers in the place of optax's.
Other things that optax asks of its transformations are in test_optax_contract.py.
"""

import ast
import importlib.util
from pathlib import Path

import pytest

import thermolion_optax as lion

UNDER_TEST = {
    # At a rate small enough for steps of a fixed size to end within the tests' 3 %.
    "thermolion": {"learning_rate": 1e-3},
    "smes": {"learning_rate": 1e-2},
    "muadam": {"learning_rate": 1e-3},
    "swats": {"learning_rate": 1e-2},
}


def shipped_tests():
    """The test class of optax's file, made for the optimizers above; None where it is not there."""
    spec = importlib.util.find_spec("optax.contrib._common_test")
    if spec is None or spec.origin is None:
        return None
    tree = ast.parse(Path(spec.origin).read_text("utf-8"))
    first = next(i for i, node in enumerate(tree.body) if isinstance(node, ast.ClassDef))
    names = {"__name__": __name__}
    chosen = [
        {"opt_name": name, "opt_kwargs": kwargs, "wrapper_name": None, "wrapper_kwargs": None}
        for name, kwargs in UNDER_TEST.items()
    ]
    replaced = {
        "_MAIN_OPTIMIZERS_UNDER_TEST": tuple(chosen),
        "_ALL_OPTIMIZERS_UNDER_TEST": tuple(chosen),
        "_get_opt_factory": lambda name: getattr(lion, name),
    }
    exec(compile(ast.Module(tree.body[:first], []), spec.origin, "exec"), names)
    assert replaced.keys() <= names.keys()
    names |= replaced
    exec(compile(ast.Module(tree.body[first:], []), spec.origin, "exec"), names)
    return names["ContribTest"]


ContribTest = shipped_tests()


def test_optax_ships_its_tests():
    if ContribTest is None:
        pytest.skip("this optax does not ship its contract tests")
    assert len([name for name in dir(ContribTest) if name.startswith("test_")]) > 40
