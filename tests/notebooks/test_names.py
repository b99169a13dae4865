"""What the notebooks take from this project's modules is there: a renamed name shows at once."""

import ast
import importlib
from types import ModuleType

import nbformat
import pytest

OURS = ("experiments", "thermolion_optax")
NOTEBOOKS = ("quickstart", "phases", "results", "smes", "own_optimizer")


def missing(code):
    """Names of `code` that its own imports from this project do not have."""
    tree = ast.parse(code)
    found, lacking = {}, []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or (node.module or "").split(".")[0] not in OURS:
            continue
        module = importlib.import_module(node.module)
        for alias in node.names:
            try:
                value = getattr(module, alias.name, None) or importlib.import_module(
                    f"{node.module}.{alias.name}"
                )
            except ImportError:
                lacking.append(f"{node.module}.{alias.name}")
                continue
            found[alias.asname or alias.name] = value
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = found.get(node.value.id)
            if isinstance(owner, ModuleType) and not hasattr(owner, node.attr):
                lacking.append(f"{node.value.id}.{node.attr}")
    return lacking


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_names_what_there_is(name, notebooks):
    cells = nbformat.read(notebooks / f"{name}.ipynb", as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert missing(code) == []


def test_all_notebooks_are_looked_at(notebooks):
    assert {path.stem for path in notebooks.glob("*.ipynb")} == set(NOTEBOOKS)


def test_a_renamed_function_and_a_lost_module_are_seen():
    code = "from experiments.smes_page import fit, lost\nfit.parts([], '')\nfit.renamed()"
    assert missing(code) == ["experiments.smes_page.lost", "fit.renamed"]
