"""Kernels: how much memory they may fill, and which folders of theirs are swept."""

import os
import sys
import tempfile

import psutil
import pytest

from siyu_helpers.reporting import kernels
from siyu_helpers.reporting.execution import execute

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="containers and processes as Linux has them")


def test_memory_that_processes_share_counts_once(notebook):
    source = """
import multiprocessing, time
filled = b"x" * 3 * 10**8
def wait(_): time.sleep(0.4)
with multiprocessing.get_context("fork").Pool(4) as pool: pool.map(wait, range(4))
print("done")"""
    executed = execute(notebook(source), {}, memory_limit=8 * 10**8)
    assert executed.cells[-1].outputs[0].text == "done\n"


@LINUX
@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": "4000"}, 3000),
        ("0::/outside\n", {"memory.max": "4000"}, 3000),
        ("3:cpu:/a\n2:memory:/a\n", {"memory/a/memory.limit_in_bytes": "4000", "a/memory.max": "1"}, 3000),
        ("0::/\n", {}, None),
    ],
)
def test_the_memory_of_a_container_is_the_limit(tmp_path, groups, limits, expected):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups)
    for place, text in limits.items():
        file = tmp_path / "sys/fs/cgroup" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    whole = int(0.75 * psutil.virtual_memory().total)
    assert kernels.default_memory_limit(tmp_path) == (expected or whole)


@LINUX
def test_only_the_folders_of_the_dead_are_swept(tmp_path):
    mine, foreign, dead = (
        tmp_path / name for name in (f"siyu-{os.getpid()}-abc", "siyu-notes-2024", "siyu-4194400-abc")
    )
    for folder in (mine, foreign, dead):
        folder.mkdir()
    kernels.sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([mine, foreign])


@pytest.mark.skipif(os.name == "nt", reason="kernels are reached through sockets in a folder elsewhere")
def test_a_long_path_of_temporary_files_is_too_long_for_sockets(notebook, tmp_path, monkeypatch):
    long = tmp_path / ("long" * 20)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    assert execute(notebook("print(months)"), {}).cells[-1].outputs[0].text == "6\n"
    assert not list(long.iterdir())
