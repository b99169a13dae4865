"""Every notebook runs from top to bottom, without an error and without a warning."""

import nbformat
import pytest
from nbclient import NotebookClient

from experiments.records import Writer


def execute(folder, name, parameters=None):
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        if parameters is not None and "parameters" in cell.metadata.get("tags", ()):
            cell.source = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources=resources, coalesce_streams=True
    )
    client.execute()
    return notebook


def outputs(notebook):
    """(cell id, output) of all cells."""
    return [
        (cell.id, output)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


def kinds(notebook):
    """What each cell shows: kinds of its output, in their order; a stream's pieces are one."""
    found = {cell.id: [] for cell in notebook.cells if cell.cell_type == "code"}
    for cell, output in outputs(notebook):
        shown = sorted(output.data) if "data" in output else [output.name]
        kind = (output.output_type, shown)
        if output.output_type != "stream" or found[cell][-1:] != [kind]:
            found[cell].append(kind)
    return found


def warned(notebook):
    return [output.text for _, output in outputs(notebook) if output.get("name") == "stderr"]


@pytest.mark.slow  # minutes; `make slow` runs them
@pytest.mark.parametrize("name", ["quickstart", "phases", "smes", "own_optimizer"])
def test_a_notebook_runs_and_shows_what_was_committed(name, notebooks):
    executed = execute(notebooks, name)
    assert warned(executed) == []
    committed = nbformat.read(notebooks / f"{name}.ipynb", as_version=4)
    assert kinds(executed) == kinds(committed)


def choice(folder, **changes):
    everything = {"protocol": None, "datasets": None, "optimizers": None, "network": None}
    return {"folder": str(folder)} | everything | changes


def text(notebook, cell):
    shown = [output.data["text/markdown"] for name, output in outputs(notebook) if name == cell]
    return "\n".join(shown)


@pytest.mark.slow
def test_results_without_records_name_the_command(notebooks, tmp_path):
    executed = execute(notebooks, "results", choice(tmp_path / "empty"))
    assert warned(executed) == []
    assert "python -m experiments run --protocol paper --datasets digits" in text(executed, "load")
    assert f"--out {tmp_path / 'empty'}" in text(executed, "load")
    for cell in ("curves", "accuracy-tables", "seconds"):
        assert "Nothing to show" in text(executed, cell)


@pytest.mark.slow
def test_results_of_a_few_records(notebooks, tmp_path, record):
    with Writer(tmp_path) as writer:
        for optimizer in ("adam", "thermolion", "lion"):
            writer.append(record(optimizer=optimizer))
    executed = execute(notebooks, "results", choice(tmp_path, optimizers=["adam", "thermolion"]))
    assert warned(executed) == []
    pictures = [cell for cell, output in outputs(executed) if "image/png" in output.get("data", ())]
    assert [cell for cell in pictures if "-pictures" not in cell] == ["curves", "accuracy-picture"]
    assert "fair-pictures" in pictures  # of the committed studies, whatever the folder
    assert "no larger difference" in text(executed, "verdicts")
    table = text(executed, "accuracy-tables")
    assert "ThermoLion" in table
    assert "Lion " not in table.replace("ThermoLion ", "")
