"""Workers: pages made side by side, each in a process of its own, so that what one does can end no other.

A single page gets a process too: a notebook that takes all the memory, or a library that crashes, must not end the
command that has to tell of it. Processes are forked from a warm one where that is possible, and started plainly else.
"""

import contextlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from siyu_helpers.reporting import page_process
from siyu_helpers.reporting.page_process import GRACE, Task, failure
from siyu_helpers.reporting.records import in_a_line

NAME = "siyu page"
#: Most pages that are made side by side unless told otherwise.
MOST = 4
#: Longest a whole page may take, in seconds: a limit against what hangs outside a cell.
PAGE_TIMEOUT = 3600


def usable_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_jobs() -> int:
    """How many pages are made side by side unless told otherwise."""
    return min(usable_cores(), MOST)


@dataclass
class Told:
    """What a worker says: `kind` is "started", "loaded" (the brand could be read), "made" or "failed".

    content : the brand's facts, what was made, or of a failure: error and told (see RunRecord), readable (whether the
    brand could be read), began (whether the notebook was begun).
    """

    number: int
    kind: str
    content: dict[str, Any]


@dataclass
class _Worker:
    process: Any
    hears: Connection
    deadline: float


def side_by_side(tasks: list[Task], jobs: int, page_timeout: float = PAGE_TIMEOUT) -> Iterator[Told]:
    """Make pages, at most `jobs` at a time, and tell what happens as it happens.

    A brand is opened by one worker first, so that its files are checked once and not by all at the same time; when they
    cannot be read, none of its other pages is tried. However the caller leaves, no worker is left running.

    Yields
    ------
    Told
        For each task "started", perhaps "loaded", and at last "made" or "failed".
    """
    waiting, running, loaded = dict(enumerate(tasks)), {}, set()
    starter = _Starter(tasks)
    try:
        while waiting or running:
            while (number := _next(waiting, running, loaded, tasks, jobs)) is not None:
                task = waiting.pop(number)
                yield Told(number, "started", {})
                try:
                    running[number] = starter.start(task, page_timeout)
                except (OSError, EOFError, RuntimeError) as error:
                    yield _failed(number, f"its process could not be started ({in_a_line(error)}). {FEWER}")
            for told in _heard(running):
                if told.kind == "loaded":
                    loaded.add(tasks[told.number].brand)
                yield told
                if told.kind == "failed" and not told.content["readable"]:
                    for other in [number for number in waiting if tasks[number].brand == tasks[told.number].brand]:
                        del waiting[other]
                        yield Told(other, "failed", told.content)
    finally:
        # By name and not from `running`: Ctrl-C may fall between the start of a process and its being noted there.
        stop([process for process in multiprocessing.active_children() if process.name == NAME])


#: Exit code when the warm process itself has ended: nobody reports of its copies then, and they may still run.
GONE = 255
TOO_LONG = "the page took too long as a whole and was stopped. Run it again; if it hangs again, see what it waits for."
FEWER = "Run it again; if that does not help, close other programs or use --jobs 1, which needs less memory."


def _next(waiting: dict, running: dict, loaded: set, tasks: list[Task], jobs: int) -> int | None:
    """The next task that may start: there is room, and nobody else is opening its brand just now."""
    if len(running) >= jobs:
        return None
    opening = {tasks[number].brand for number in running} - loaded
    return next((number for number, task in waiting.items() if task.brand not in opening), None)


def _failed(number: int, error: str, told: str = "") -> Told:
    return Told(number, "failed", failure(error, told))


def _heard(running: dict[int, _Worker]) -> Iterator[Told]:
    """Wait until a worker says something, ends or runs out of time; what is finished leaves `running`."""
    if not running:
        return
    first = min(worker.deadline for worker in running.values())
    places = [place for worker in running.values() for place in (worker.hears, worker.process.sentinel)]
    ready = wait(places, timeout=max(0.0, first - time.monotonic()))
    for number, worker in list(running.items()):
        told = None
        if worker.hears in ready or worker.process.sentinel in ready:
            told = _received(number, worker) or _ended(number, worker)
        elif time.monotonic() >= worker.deadline:
            told = _failed(number, TOO_LONG)
        if told and told.kind != "loaded":
            del running[number]
            stop([worker.process])
        if told:
            yield told


def _received(number: int, worker: _Worker) -> Told | None:
    with contextlib.suppress(EOFError, OSError, ValueError):
        if worker.hears.poll():
            return Told(number, *json.loads(worker.hears.recv_bytes()))
    return None


def _ended(number: int, worker: _Worker) -> Told:
    worker.process.join(1)
    code = worker.process.exitcode
    if code == GONE:
        with contextlib.suppress(OSError):
            os.kill(worker.process.pid, signal.SIGKILL)
    how = f"signal {-code}" if code and code < 0 else f"exit code {code}"
    error = f"its process was ended from outside, or the memory was full ({how}). {FEWER}"
    return _failed(number, error, f"its process was ended ({how})")


def stop(processes: list[Any]) -> None:
    """End processes: first they are asked, so that they can stop their kernels; after a few seconds they are killed."""
    for process in processes:
        process.terminate()
    patience = time.monotonic() + GRACE
    for process in processes:
        process.join(max(0.0, patience - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join(1)


_WARM_CODE: list[str] = []


def is_current(library: str) -> bool:
    """Whether a warm process would run today's code: it keeps what it imported, the first time it was asked.

    library : hash of the library's code as it is now, of the part that a warm process imports.
    """
    _WARM_CODE[:] = _WARM_CODE or [library]
    return library in _WARM_CODE


class _Starter:
    """Starts workers from the warm process where there is one, plainly where not or when that has failed."""

    def __init__(self, tasks: list[Task]):
        # Imported here: it is not needed when there is nothing to make.
        from siyu_helpers.reporting import warm

        self.warm = warm.context(tasks[0].plain) if tasks else None
        self.hidden_main = warm.hidden_main
        self.plain = multiprocessing.get_context("spawn")

    def start(self, task: Task, page_timeout: float) -> _Worker:
        if self.warm is not None:
            try:
                return _start(self.warm, (task, True), page_timeout)
            except (OSError, EOFError):
                self.warm = None
        with self.hidden_main(), _deaf_to_ctrl_c():
            return _start(self.plain, (task, False), page_timeout)


def _start(context: Any, arguments: tuple[Task, bool], page_timeout: float) -> _Worker:
    hears, says = context.Pipe(duplex=False)
    here = (dict(os.environ), os.getcwd())
    process = context.Process(target=page_process.run, args=(*arguments, here, says), name=NAME)
    try:
        process.start()
    finally:
        says.close()
    return _Worker(process, hears, time.monotonic() + page_timeout)


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Hold Ctrl-C back: a process inherits that, so that it prints no traceback before it has left the terminal."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
