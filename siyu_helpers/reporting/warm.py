"""A fork server: one process that has imported the libraries and makes copies of itself, each for one notebook.

The standard library's server does the work (`multiprocessing.forkserver`). Here is what it needs to be used for
kernels: what it imports, in which surroundings it starts, and that a copy ends with the process that asked for it.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from multiprocessing import context as contexts
from multiprocessing import forkserver, process, resource_tracker
from types import ModuleType

from siyu_helpers.reporting.kernel_process import end_with

#: One thread for linear algebra, in every kernel: sums over several threads differ from run to run.
ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
# The allocators of Arrow and Polars would start threads on import; a folder's own random.py must not be imported.
_SERVER_ENVIRONMENT = ONE_THREAD | {
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "_RJEM_MALLOC_CONF": "background_thread:false",
    "PYTHONSAFEPATH": "1",
}
_PRELOAD = ["siyu_helpers.reporting.preload"]
# Polars starts it on import; it sleeps until something was spilled to disk, and without it spilled files stay longer.
_HARMLESS_THREADS = {"polars-ooc-clea"}


class _Process(contexts.ForkServerProcess):
    """A copy of the fork server that ends, by SIGKILL, when the process that asked for it does."""

    def start(self) -> None:
        with hidden_main():
            _ensure_server()
            # From Python 3.14 on the server asks for a key, which multiprocessing does not hand on to its copies.
            self._key = getattr(forkserver._forkserver, "_forkserver_authkey", None)
            super().start()

    def run(self) -> None:
        forkserver._forkserver._forkserver_authkey = self._key
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        end_with(process.parent_process().sentinel)
        super().run()


class WarmContext(contexts.ForkServerContext):
    """The "forkserver" context of multiprocessing, with the libraries imported; see `context`."""

    Process = _Process


def context(plain: bool = False) -> WarmContext | None:
    """A forkserver context whose processes begin with the scientific stack imported, or None.

    Takes the seconds that the imports take, once a process; call it only when there is something to run. Processes
    made by it end when the process that made them does, however that ends. Inside of them it is available too. What
    they run has to be importable: the caller's main script is not run again.

    Parameters
    ----------
    plain : bool
        True returns None: plain kernels are asked for.

    Returns
    -------
    WarmContext or None
        None where forking is not possible or not safe: not on Linux, or it was tried and failed.
    """
    if plain or sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return None
    made = WarmContext()
    # Whatever goes wrong here, plain kernels give the same pages.
    with contextlib.suppress(Exception):
        if forkserver.get_inherited_fds() is not None:
            return made  # this process is a copy itself: the server was checked by who asked for it
        made.set_forkserver_preload(_PRELOAD)
        os.close(os.pidfd_open(os.getpid()))
        first = made.Process(target=_check_server)
        first.start()
        first.join()
        return made if first.exitcode == 0 else None
    return None


def _check_server() -> None:
    """Run in a first copy: end with an error unless the server is as it should be."""
    server = "siyu_helpers.reporting.preload" in sys.modules
    sys.exit(not server or bool(threads_of(os.getppid()) - _HARMLESS_THREADS))


def threads_of(pid: int) -> set[str]:
    """Names of a process's threads besides the first."""
    names = set()
    for thread in os.listdir(f"/proc/{pid}/task"):
        if int(thread) != pid:
            with open(f"/proc/{pid}/task/{thread}/comm") as name:
                names.add(name.read().strip())
    return names


def _ensure_server() -> None:
    """Start the server if there is none, in the surroundings that it and its copies need."""
    if forkserver.get_inherited_fds() is not None:
        # A copy of the server knows its address, but multiprocessing would start a server for it.
        forkserver._forkserver.ensure_running = resource_tracker.ensure_running
        return
    before = {name: os.environ.get(name) for name in _SERVER_ENVIRONMENT}
    resource_tracker.ensure_running()  # here, since starting it would lift the block that comes next
    # Held back until the server has left the terminal's group: Ctrl-C while it imports would print a traceback.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        os.environ.update(_SERVER_ENVIRONMENT)
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextlib.contextmanager
def hidden_main() -> Iterator[None]:
    """Keep multiprocessing from running the main script (siyu, pytest, a user's) again in every new process."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
