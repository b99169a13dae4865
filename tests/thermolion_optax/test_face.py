"""What the package shows: its public names, their docstrings, its version."""

import inspect
import pkgutil
import re
from pathlib import Path

import thermolion_optax


def test_every_module_is_private():
    modules = [module.name for module in pkgutil.iter_modules(thermolion_optax.__path__)]
    assert modules
    assert all(name.startswith("_") for name in modules)


def test_every_public_function_has_arguments_returns_an_example_and_references():
    functions = [getattr(thermolion_optax, name) for name in thermolion_optax.__all__]
    functions = [f for f in functions if inspect.isfunction(f)]
    assert len(functions) == 17
    for f in functions:
        sections = re.findall(r"^(\w+):$", inspect.getdoc(f) or "", re.MULTILINE)
        assert sections == ["Args", "Returns", "Raises", "Example", "References"], f.__name__


def test_every_public_function_shows_its_equation_in_one_notation():
    for name in thermolion_optax.__all__:
        f = getattr(thermolion_optax, name)
        if inspect.isfunction(f) and name != "phase_statistics":  # its own is of many numbers
            text = inspect.getdoc(f) or ""
            assert ".. math::" in text, name
            assert not re.findall(r"[ηαγλΛθφ←]", text), name


def test_every_public_name_is_on_one_page_of_the_documentation():
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    directive = r"^\.\. (?:autofunction|autoclass|py:data):: thermolion_optax\.(\w+)"
    shown = re.findall(directive, page, re.MULTILINE)
    assert sorted([*shown, "__version__"]) == sorted(thermolion_optax.__all__)


def test_the_version_is_the_newest_of_the_changelog():
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", changelog, re.MULTILINE)[0] == thermolion_optax.__version__


def test_nothing_of_jax_is_used_that_is_experimental_or_private():
    """Such modules go without notice: ``jax.experimental.shard_alike`` was gone in JAX 0.12."""
    for file in Path(thermolion_optax.__path__[0]).glob("*.py"):
        imported = re.findall(r"^\s*(?:from|import) (\S+)", file.read_text("utf-8"), re.MULTILINE)
        assert not [name for name in imported if {"experimental", "_src"} & set(name.split("."))]
