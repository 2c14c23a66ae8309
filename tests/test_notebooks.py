"""Notebooks are stored without outputs and run from top to bottom in the environment of the tests."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
BEFORE = f"""
import sys
import kechuang.ensemble.run
assert sys.prefix == {sys.prefix!r}, sys.prefix
kechuang.ensemble.run.available_processors = lambda: 1
"""
"""Run before the first cell: another kernel called python3 would test another installation, and processes started for
each run of a few small cities, beside those of the tests, take longer than the cities."""

BAR = "IProgress not found"
"""What the progress bars of Mesa's dependency tqdm say where no notebook widgets are installed."""


def read(file: Path) -> nbformat.NotebookNode:
    return nbformat.read(file, as_version=4)


def test_there_is_a_first_notebook() -> None:
    assert [file.name for file in NOTEBOOKS][:1] == ["01-first-projection.ipynb"]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_outputs_are_stripped(file: Path) -> None:
    notebook = read(file)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs, cell.source
            assert cell.execution_count is None, cell.source
        assert not cell.metadata, cell.source


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # what Jupyter deprecates in itself is not ours to fix
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_notebook_runs(file: Path, tmp_path: Path) -> None:
    notebook = read(file)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(BEFORE))
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in shown), "no picture was drawn"
    warned = [output.text for output in shown if output.get("name") == "stderr" and BAR not in output.text]
    assert not warned
