"""A page through the workbook's own path against the `papermill` and `jupyter nbconvert` commands.

    make bench                                  about a minute

Compared is the overhead: wall-clock time less the time in which the notebook's cells ran. The commands make one page of
notebook 02 for CDNOW; ours makes two of the same run, one a language, measured in two ways: around the two functions
that do it, with a warm kernel, and around the whole of `render`, with its worker process, checks and indexes. Ours is
timed after the first page, which waits for the imports. The shorter of two turns counts on both sides.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from siyu_helpers.reporting import pages, warm
from siyu_helpers.reporting.execution import execute
from siyu_helpers.reporting.render import render

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks/02_repurchase_cohorts.ipynb"
COMMANDS = Path(sys.executable).parent
PARAMETERS = {"brand": "cdnow", "lang": "both"}
AROUND = dict.fromkeys(("brand", "period", "source", "ranges", "command", "versions", "code", "other_language"), "") | {
    "stem": NOTEBOOK.stem, "synthetic": False, "parameters": [], "inputs": [], "warnings": [],
}  # fmt: skip


def cell_seconds(executed):
    return sum(cell.metadata.papermill.duration or 0 for cell in executed.cells if cell.cell_type == "code")


def by_commands(folder):
    """Overhead of one page through the two command lines."""
    given = [part for name, value in PARAMETERS.items() for part in ("-p", name, value)]
    began = time.perf_counter()
    for command in (
        ["papermill", NOTEBOOK, folder / "run.ipynb", *given, "--kernel", "python3", "--no-progress-bar"],
        ["jupyter", "nbconvert", "--to", "html", folder / "run.ipynb"],
    ):
        subprocess.run([COMMANDS / command[0], *command[1:]], check=True, capture_output=True)
    return time.perf_counter() - began - cell_seconds(nbformat.read(folder / "run.ipynb", as_version=4))


def by_functions(context):
    """Overhead of the pages of one run, in both languages, from a kernel that `context` forks."""
    began = time.perf_counter()
    executed = execute(NOTEBOOK, PARAMETERS, warm=context)
    for lang in ("zh", "en"):
        pages.page_html(executed, AROUND | {"lang": lang})
    return time.perf_counter() - began - cell_seconds(executed)


def by_render(out):
    """Overhead of the same through `render`, from its being called to its being done."""
    began = time.perf_counter()
    (record,) = render(["cdnow"], [NOTEBOOK.stem], out=out, force=True)
    assert record.status == "rendered", record.error
    return time.perf_counter() - began - record.cell_seconds


@pytest.fixture
def compiled(monkeypatch):
    """Python may keep compiled modules, or the commands would pay for a setting of this machine."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)


def test_overhead_of_a_page(benchmark, compiled, tmp_path, capsys):
    context = warm.context()
    if context is None:
        pytest.skip("warm kernels are for Linux")
    by_functions(context), by_render(tmp_path)
    commands = min(by_commands(tmp_path) for _ in range(2))
    ours = benchmark.pedantic(lambda: min(by_functions(context) for _ in range(2)), rounds=1, iterations=1)
    whole = min(by_render(tmp_path) for _ in range(2))
    benchmark.extra_info.update(commands=commands, functions=ours, render=whole, cores=os.cpu_count())
    with capsys.disabled():
        print(  # noqa: T201
            f"\nOverhead of a page: papermill and nbconvert {commands:.2f} s; execution and export in two languages "
            f"{ours:.2f} s: 1/{commands / ours:.1f}; the whole of render {whole:.2f} s: 1/{commands / whole:.1f}"
        )
