"""Execution: a run either returns a notebook whose every cell ran, or says why not."""

import sys

import pytest

from siyu_helpers.reporting import execution
from siyu_helpers.reporting.execution import NotebookFailedError, execute


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


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "cell 1: the kernel died: it was killed from outside"),
        ("import os\nos._exit(3)", "cell 1: the kernel died: .* ended it .exit code 3."),
        ("import ctypes\nctypes.string_at(0)", "cell 1: the kernel died: .* crashed .* .SIGSEGV."),
        ("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nsum(range(10**13))", "longer than 1 s"),
        ("filled = [b'x' * 10**8 for _ in range(100)]", "it used more than 1.0 GB of memory and was stopped"),
    ],
)
def test_a_kernel_that_ends_or_hangs_says_so(notebook, context, cell, message):
    limit = 1 if "SIGINT" in cell else 60
    with pytest.raises(NotebookFailedError, match=message):
        execute(notebook(cell, "print(1)"), {}, cell_timeout=limit, warm=context, memory_limit=10**9)


def test_memory_of_what_a_cell_starts_counts_too(notebook, context):
    filling = "filled = [b'x' * 10**8 for _ in range(100)]"
    source = f'import subprocess, sys\nsubprocess.run([sys.executable, "-c", "{filling}"])'
    with pytest.raises(NotebookFailedError, match="used more than"):
        execute(notebook(source), {}, warm=context, memory_limit=8 * 10**8)


def test_what_is_printed_over_time_is_one_output(notebook):
    """Where it is cut would depend on the time it took, and a page with it."""
    executed = execute(notebook("import time\nfor i in range(3):\n    print(i)\n    time.sleep(0.3)"), {})
    assert [output.text for output in executed.cells[-1].outputs] == ["0\n1\n2\n"]
