"""Workers: whatever happens to one process, only its own page is lost, and nothing keeps running."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_pages import SAY, contents, pages_in, write_notebook

from siyu_helpers.reporting import workers
from siyu_helpers.reporting.page_process import Task, failure
from siyu_helpers.reporting.workers import Told, side_by_side

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
#: In a notebook: the process that makes the page, told apart by brand.
WORKER = 'import os, signal\nif brand == "other":\n    os.kill(int(os.environ["JPY_PARENT_PID"]), signal.{signal})\n'


def task(brand):
    return Task(brand, Path("01_x.ipynb"), ("zh",), {}, None, {"zh": False}, "", Path("x"), None)


def is_alive(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    assert true()


def test_a_worker_killed_from_outside_loses_its_own_page_only(go, write_brand, tmp_path):
    for brand in ("other", "tiny"):
        write_brand(brand)
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    before = pages_in(tmp_path / "out")
    write_notebook(tmp_path / "notebooks", "# changed", SAY, WORKER.format(signal="SIGKILL") + "    while True: pass")
    other, tiny = go(jobs=2)
    assert (other.status, tiny.status) == ("failed", "rendered")
    assert "signal 9" in other.error
    assert "--jobs 1" in other.error
    after = pages_in(tmp_path / "out")
    assert {name: page for name, page in after.items() if name.startswith("other")} == {
        name: page for name, page in before.items() if name.startswith("other")
    }
    assert after["tiny/en/01_tiny.html"] != before["tiny/en/01_tiny.html"]
    assert not list((tmp_path / "out").glob(".*"))


def test_a_worker_that_hangs_is_ended(go, write_brand, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "GRACE", 0.5)
    write_brand("other")
    write_notebook(tmp_path / "notebooks", SAY, WORKER.format(signal="SIGSTOP"))
    (record,) = go(page_timeout=4)
    assert record.status == "failed"
    assert "too long as a whole" in record.error
    assert contents(tmp_path / "out") == {}


def test_a_process_that_cannot_be_started_is_told(go, write_brand, tmp_path, monkeypatch):
    def refuse(*_):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(workers, "_start", refuse)
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    (record,) = go()
    assert record.status == "failed"
    assert "could not be started" in record.error
    assert "--jobs 1" in record.error


def test_without_a_warm_process_pages_are_made_plainly(go, write_brand, tmp_path, monkeypatch):
    real, started = workers._start, []

    def refuse_warm(context, *arguments):
        started.append(context.get_start_method())
        if started[-1] == "forkserver":
            raise EOFError
        return real(context, *arguments)

    monkeypatch.setattr(workers, "_start", refuse_warm)
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    (record,) = go()
    assert (record.status, started[-1]) == ("rendered", "spawn")


def test_code_that_changed_since_the_warm_process_began_is_not_run_from_it(monkeypatch):
    monkeypatch.setattr(workers, "_WARM_CODE", [])
    assert workers.is_current("one")
    assert workers.is_current("one")
    assert not workers.is_current("two")


class Scripted:
    """Stands in for processes: a task's brand says how it goes."""

    def __init__(self, monkeypatch, going):
        self.going, self.most, self.loaded = going, 0, set()
        monkeypatch.setattr(workers, "_Starter", lambda tasks: self)
        monkeypatch.setattr(workers, "_heard", self.heard)

    def start(self, task, page_timeout):
        return task

    def heard(self, running):
        self.most = max(self.most, len(running))
        number, one = next(iter(running.items()))
        if self.going[one.brand] == "bad":
            del running[number]
            yield Told(number, "failed", failure("cannot be read", readable=False))
        elif number not in self.loaded:
            self.loaded.add(number)
            yield Told(number, "loaded", {})
        else:
            del running[number]
            yield Told(number, "made", {})


def test_never_more_side_by_side_than_asked_and_every_task_is_told_of(monkeypatch):
    script = Scripted(monkeypatch, {"a": "good", "b": "good"})
    told = list(side_by_side([task(brand) for brand in "aaabbb"], jobs=2))
    assert script.most == 2
    assert sorted(one.number for one in told if one.kind == "made") == list(range(6))
    # The second process opens the other brand: one brand is opened by one process first.
    assert [(one.number, one.kind) for one in told[:2]] == [(0, "started"), (3, "started")]


def test_a_brand_that_cannot_be_read_is_tried_once(monkeypatch):
    Scripted(monkeypatch, {"a": "bad", "b": "good"})
    told = list(side_by_side([task(brand) for brand in "aaab"], jobs=2))
    assert [one.number for one in told if one.kind == "started"] == [0, 3]
    assert [one.number for one in told if one.kind == "failed"] == [0, 1, 2]
    assert [one.number for one in told if one.kind == "made"] == [3]


SLOW = """\
import os, time
open({marker!r}, "w").write(str(os.getpid()) + " " + os.environ["JPY_PARENT_PID"])
time.sleep(600)
"""
CALL = """\
from siyu_helpers.reporting.render import render
print(render(**{given!r})[-1].status)
"""


@pytest.fixture
def begun(go, write_brand, tmp_path, data_root):
    """A render in a process of its own that has come to a slow cell: the process, its kernel and its worker."""
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    marker = tmp_path / "pids"
    write_notebook(tmp_path / "notebooks", SAY, SLOW.format(marker=str(marker)))
    folders = {"out": tmp_path / "out", "data_root": data_root, "notebook_folder": tmp_path / "notebooks"}

    def begin(**options):
        given = {name: str(path) for name, path in folders.items()} | options
        call = [sys.executable, "-c", CALL.format(given=given)]
        process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: marker.exists() and len(marker.read_text().split()) == 2)
        return process, [int(pid) for pid in marker.read_text().split()]

    return begin


@pytest.mark.parametrize(("name", "plain"), [("SIGINT", False), ("SIGKILL", False), ("SIGKILL", True)])
def test_when_the_command_ends_so_do_workers_and_kernels(go, begun, tmp_path, name, plain):
    before = pages_in(tmp_path / "out")
    process, pids = begun(plain=plain)
    assert all(map(is_alive, pids))
    process.send_signal(getattr(signal, name))
    said, complaint = process.communicate(timeout=30)
    assert said.strip() == ("interrupted" if name == "SIGINT" else "")
    assert complaint == ""
    wait_until(lambda: not any(map(is_alive, pids)), 15)
    assert pages_in(tmp_path / "out") == before
    # The next run makes good, and nothing is left of the one before.
    write_notebook(tmp_path / "notebooks", SAY, "# another")
    assert [record.status for record in go()] == ["rendered"]
    assert not list((tmp_path / "out").glob(".*"))
