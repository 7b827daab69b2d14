"""One page's process: what it is given, what it says, and how it ends; see `workers` for the other side."""

import contextlib
import json
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from siyu_helpers.reporting.records import in_a_line

#: How long a process that was asked to end may take to stop its kernel, in seconds.
GRACE = 5


@dataclass(frozen=True)
class Task:
    """One page to make: everything a worker has to know.

    linked : by language, whether the other language is there. beside : how many pages are made at a time, this one
    included; each may fill its share of the memory.
    """

    brand: str
    notebook: Path
    languages: tuple[str, ...]
    parameters: dict[str, Any]
    data_root: str | None
    linked: dict[str, bool]
    code: str
    folder: Path
    cell_timeout: int | None
    plain: bool = False
    beside: int = 1


def failure(error: str, told: str = "", *, readable: bool = True, began: bool = True) -> dict[str, Any]:
    """What is said of a page that could not be made.

    error, told : see RunRecord. readable : whether the brand could be read. began : whether the notebook was begun.
    """
    return {"error": error, "told": told or error, "readable": readable, "began": began}


def run(task: Task, forked: bool, here: tuple[dict[str, str], str], says: Connection) -> None:
    """Make one page and tell how it went; nothing is printed, whatever happens.

    Parameters
    ----------
    task : Task
    forked : bool
        Whether this process is a copy of the warm one, which can make kernels too then.
    here : (dict, str)
        Environment and working folder of the coordinator.
    says : Connection
        Takes messages [kind, content]: perhaps "loaded" with `making.facts`, then "made" with what `making.make`
        returns, or "failed" with a `failure`.
    """
    try:
        _stand_alone(*here)
        _say(says, *_made(task, forked, says))
    except KeyboardInterrupt:
        os._exit(130)
    except BaseException as error:
        _say(says, "failed", failure(in_a_line(error), type(error).__name__))
    # Nothing is left to do; ending the ordinary way would wait for whatever threads the libraries have.
    says.close()
    os._exit(0)


def _say(says: Connection, kind: str, content: dict[str, Any]) -> None:
    # JSON: to unpickle what a notebook gave, the coordinator would have to import nbformat, which takes a second.
    says.send_bytes(json.dumps([kind, content], default=str).encode())


def _made(task: Task, forked: bool, says: Connection) -> tuple[str, dict[str, Any]]:
    from siyu_helpers.reporting import making, warm

    readable = began = False
    try:
        brand = making.load(task)
        readable = True
        _say(says, "loaded", making.facts(brand))
        making.last_day(task, brand)
        began = True
        return "made", making.make(task, brand, warm.context() if forked else None)
    except Exception as error:
        if not readable:
            told = f"its files could not be read; run: siyu check {task.brand}"
            return "failed", failure(str(error), told, readable=False)
        told = getattr(error, "told", "") or type(error).__name__
        return "failed", failure(in_a_line(error), told, began=began)


def _stand_alone(environment: dict[str, str], folder: str) -> None:
    """Take the surroundings of who asked, not of the warm process; leave the terminal, whose Ctrl-C is not for workers.

    The coordinator asks a worker to end; when the coordinator itself is gone, the worker ends.
    """
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    if hasattr(os, "setsid"):
        with contextlib.suppress(OSError):
            os.setsid()
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _end_with(coordinator: Any) -> None:
    """End when the coordinator has ended, even by kill -9; the kernel first."""
    wait([coordinator.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
