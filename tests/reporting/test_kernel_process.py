"""A kernel's process: it ends with whoever asked for it, and takes what it has started along."""

import subprocess
import sys
import time

import psutil
import pytest

from siyu_helpers.reporting.execution import NotebookFailedError, execute

BUSY = """
import os, sys
from siyu_helpers.reporting.kernel_process import end_with
end_with(int(sys.argv[1]))
print("watching", flush=True)
sum(range(10**12))  # a long call that no signal handler of Python interrupts
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the operating system ends it on Linux only")
def test_a_process_in_a_long_call_ends_when_its_lifeline_is_cut():
    import os

    read, write = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", BUSY, str(read)], pass_fds=[read], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"watching\n"
    assert process.poll() is None
    os.close(write)
    os.close(read)
    assert process.wait(10) == -9


def test_what_a_dead_kernel_has_started_is_ended(notebook, context, tmp_path):
    source = f"""
import os, subprocess
child = subprocess.Popen(["sleep", "1000"])
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
os._exit(1)"""
    with pytest.raises(NotebookFailedError):
        execute(notebook(source), {}, warm=context)
    child = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while psutil.pid_exists(child) and psutil.Process(child).status() != "zombie" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie"
