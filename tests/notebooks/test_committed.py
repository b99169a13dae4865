"""The notebooks as they lie in the repository: executed, with their pictures, fit to be read."""

import ast
import base64
import re
import struct
from pathlib import Path

import nbformat
import pytest

NAMES = ("quickstart", "phases", "results", "smes", "own_optimizer")


@pytest.fixture(params=NAMES)
def file(request, notebooks) -> Path:
    return notebooks / f"{request.param}.ipynb"


@pytest.fixture
def notebook(file):
    return nbformat.read(file, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_no_others(notebooks):
    assert sorted(path.stem for path in notebooks.glob("*.ipynb")) == sorted(NAMES)


def test_it_was_executed_once_from_top_to_bottom(notebook):
    nbformat.validate(notebook)
    assert [cell.execution_count for cell in code(notebook)] == [
        number + 1 for number in range(len(code(notebook)))
    ]


def test_no_output_is_an_error_or_a_warning(notebook):
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


def test_it_is_small_and_names_no_path_of_a_machine(file):
    text = file.read_text()
    assert len(text) < 1_500_000
    assert not re.search(r"(?<![\w.])/(home|work|tmp|root|Users|usr|opt)/|[A-Z]:\\\\", text)


def test_cell_ids_are_words_that_stay(notebook):
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", cell.id) for cell in notebook.cells)


def test_cells_hold_no_helper_functions_longer_than_a_training_step(notebook):
    """What needs testing is a tested function of the project, not a cell."""
    for cell in code(notebook):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 20, node.name


def test_every_link_between_notebooks_leads_somewhere(notebook, notebooks):
    for cell in notebook.cells:
        for target in re.findall(r"\]\(([^)#:]+)\)", cell.source):
            assert (notebooks / target).exists(), target


def test_pictures_are_fine_enough_for_print(notebook):
    for cell in code(notebook):
        for output in cell.outputs:
            if "image/png" in output.get("data", ()):
                png = base64.b64decode(output.data["image/png"])
                assert png[:8] == b"\x89PNG\r\n\x1a\n"
                assert struct.unpack(">I", png[16:20])[0] >= 900  # pixels of width
