"""Execution: a run either returns a notebook whose every cell ran, or says why not."""

import json

import pytest

from siyu_helpers.reporting import execution
from siyu_helpers.reporting.execution import NotebookFailedError, execute


@pytest.fixture
def notebook(tmp_path):
    def write(*code):
        cells = [
            {"cell_type": "code", "metadata": {"tags": ["parameters"]} if i == 0 else {}, "source": source,
             "outputs": [], "execution_count": None, "id": f"c{i}"}
            for i, source in enumerate(("months = 6", *code))
        ]  # fmt: skip
        path = tmp_path / "01_x.ipynb"
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
        return path

    return write


def test_parameters_reach_the_cells_and_nothing_is_written(notebook, tmp_path):
    path = notebook("print(months)")
    executed = execute(path, {"months": 9})
    assert executed.cells[-1].outputs[0].text == "9\n"
    assert [p.name for p in tmp_path.iterdir()] == ["01_x.ipynb"]


def test_a_kernel_listens_on_no_network_port(notebook):
    source = "import os, re\nfrom IPython import get_ipython\nprint(get_ipython().kernel.parent.transport)"
    assert execute(notebook(source), {}).cells[-1].outputs[0].text == "ipc\n"


def test_an_error_names_its_cell(notebook):
    with pytest.raises(NotebookFailedError, match="ZeroDivisionError: division by zero"):
        execute(notebook("1 / 0", "print(1)"), {})


def test_an_exit_is_a_failure(notebook):
    with pytest.raises(NotebookFailedError):
        execute(notebook("import os\nos._exit(0)", "print(1)"), {})


def test_cells_that_papermill_calls_completed_but_that_did_not_run(notebook, monkeypatch):
    """papermill marks cells completed whether they ran or not; the execution count is what is believed."""
    real = execution.papermill.execute_notebook

    def skipping(*args, **kwargs):
        executed = real(*args, **kwargs)
        executed.cells[-1].execution_count = None
        return executed

    monkeypatch.setattr(execution.papermill, "execute_notebook", skipping)
    with pytest.raises(NotebookFailedError, match="did not run"):
        execute(notebook("1", "2"), {})


def test_a_module_in_the_folder_of_the_command_does_not_reach_the_page(notebook, tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("raise RuntimeError('shadowed')")
    monkeypatch.chdir(tmp_path)
    execute(notebook("import random"), {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["01_x.ipynb", "random.py"], "no socket, no trace is left"


def test_an_endless_loop_that_prints_is_stopped(notebook, monkeypatch):
    monkeypatch.setattr(execution, "OUTPUT_LIMIT", 200_000)
    with pytest.raises(NotebookFailedError, match="endless loop"):
        execute(notebook("while True:\n    print('x' * 1000)"), {})


def test_a_long_message_is_cut_and_what_is_told_quotes_nothing(notebook):
    with pytest.raises(NotebookFailedError) as failed:
        execute(notebook("raise ValueError('SECRET' * 10_000)"), {})
    assert len(str(failed.value)) < 700
    assert failed.value.told.endswith("ValueError")


def test_a_cell_of_blanks_is_no_failure(notebook):
    execute(notebook("  \n", "1"), {})
