"""The process of a kernel, from its first instruction to its first cell.

A plain kernel is a new Python that runs this module; a warm one is a copy of the fork server that calls `run_forked`.
Both end up the same: own session, first to go when memory runs out, gone as soon as nobody waits for it.
"""

import contextlib
import os
import signal
import sys
import time
import warnings
from multiprocessing import process
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any

#: From -1000 to 1000; the system ends the process with the highest first when memory runs out.
OUT_OF_MEMORY_SCORE = "900"
FAILED_TO_START = 70


def end_with(lifeline: int, *, group: bool = False) -> None:
    """End this process, or its group, when the other end of a pipe is closed, which the death of its holder does.

    The operating system does it: no thread, which would wait for a long call into C to return.
    """
    if sys.platform != "linux":
        return
    import fcntl

    # A new process has read all that came through the pipe, so the next event on it can only be its end.
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp() if group else os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if wait([lifeline], 0):  # it had ended before
        os._exit(1)


def run_forked(argv: list[str], environment: dict[str, str], folder: str, streams: list[Connection | None]) -> None:
    """Turn a copy of the fork server into a kernel and run it to its end.

    Parameters
    ----------
    argv, environment, folder : list of str, dict, str
        Command line, environment variables and working folder that a plain kernel would have.
    streams : list of Connection or None
        Standard output and standard error of the process that asked.
    """
    try:
        os.setsid()
        end_with(process.parent_process().sentinel, group=True)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        os.chdir(folder)
        _take_streams(streams)
        libraries = _forget_the_server()
        app = _prepared_app(argv, parent_handle=1)  # 1: who it works for is watched above
        warnings.filters[:0] = libraries
        _choose_backend()
    except BaseException:
        os._exit(FAILED_TO_START)  # told by a plain kernel, which is tried next
    app.start()


def _take_streams(streams: list[Connection | None]) -> None:
    for number, stream in enumerate(streams, start=1):
        if stream is not None:
            os.dup2(stream.fileno(), number)
            stream.close()


def _forget_the_server() -> list[Any]:
    """Undo what a fork copies and a new Python would not have; returns the libraries' warning filters."""
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # `random` does it by itself
    sys.modules["__main__"] = ModuleType("__main__")
    preload = sys.modules.get("siyu_helpers.reporting.preload")
    if preload is None:
        return []
    _be_a_main_process(preload.MAIN_PROCESS)
    os.environ.update(preload.ENVIRONMENT)
    sys.path[:] = preload.PATH
    warnings.resetwarnings()
    warnings.filters[:] = preload.KERNEL_FILTERS
    return preload.LIBRARY_FILTERS


def _be_a_main_process(main: Any) -> None:
    """A cell that uses multiprocessing finds itself in a main process, not in a child of the fork server."""
    from multiprocessing import forkserver, set_start_method

    os.close(forkserver._forkserver._forkserver_alive_fd)
    forkserver._forkserver.__init__()
    process._current_process, process._parent_process = main, None
    main.name, main.authkey = "MainProcess", os.urandom(32)
    set_start_method(None, force=True)


def _choose_backend() -> None:
    """Matplotlib takes its backend from the environment when it is imported, which was before this kernel had one."""
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib and os.environ.get("MPLBACKEND"):
        matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]


def _prepared_app(argv: list[str], **options: Any) -> Any:
    """IPython's kernel, ready to start; the caller starts it."""
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = [__file__, *argv]
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write(OUT_OF_MEMORY_SCORE)
    app = IPKernelApp.instance(**options)
    app.initialize(argv)
    return app


def main() -> None:
    """Run a plain kernel: `python -P -m siyu_helpers.reporting.kernel_process LIFELINE -f FILE ...`."""
    lifeline, argv = sys.argv[1], sys.argv[2:]
    if lifeline != "-":
        os.set_inheritable(int(lifeline), False)
        end_with(int(lifeline), group=True)
    # As `__main__` this module would be the cells' own: IPython would find its names in it.
    sys.modules["__main__"] = ModuleType("__main__")
    _prepared_app(argv).start()


if __name__ == "__main__":
    main()
