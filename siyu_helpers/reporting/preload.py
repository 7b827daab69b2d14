"""What a fork server has in memory before it forks. Only the server imports this module: importing is its work.

Nothing here may start a thread pool, an event loop or a connection: a fork would copy them broken.
"""

import atexit
import contextlib
import gc
import importlib
import json
import multiprocessing
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator

from siyu_helpers import analysis

#: What a plain kernel has imported before its first cell.
OF_A_KERNEL = (
    "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.debugger", "IPython.core.debugger",
    "sqlite3", "tornado.platform.asyncio",
)  # fmt: skip
#: What notebooks import. Not `reporting.charts`: its import chooses a matplotlib backend, each kernel does that itself.
OF_NOTEBOOKS = (
    "pandas", "pyarrow.parquet", "pyarrow.dataset", "polars", "scipy.stats", "scipy.optimize", "statsmodels.api",
    "statsmodels.formula.api", "matplotlib.pyplot", "matplotlib.backends.backend_agg", "seaborn", "narwhals",
    "pandera.polars", "yaml", "siyu_helpers.data.brands", "siyu_helpers.reporting.ledger",
    *(f"siyu_helpers.analysis.{module.name}" for module in pkgutil.iter_modules(analysis.__path__)),
)  # fmt: skip
#: What a process that renders pages imports besides.
OF_RENDERING = ("papermill", "nbclient", "nbconvert", "latex2mathml.converter", "siyu_helpers.reporting.making")

#: What a new Python of this environment begins with: where it looks for modules, and its main process.
PATH: list[str] = []
MAIN_PROCESS = multiprocessing.current_process()
WHO_ASKED = os.getppid()
#: Environment variables that the imports have set: in a plain kernel they would, too.
ENVIRONMENT: dict[str, str] = {}
#: Warning filters: of a kernel before its first cell, and those that the notebooks' libraries put in front of them.
KERNEL_FILTERS: list = []
LIBRARY_FILTERS: list = []


def _fresh_path() -> list[str]:
    """Ask a new Python: the server may have got the path of who asked for it, depending on the version of Python."""
    with contextlib.suppress(Exception):
        printed = subprocess.check_output([sys.executable, "-P", "-c", "import json, sys; print(json.dumps(sys.path))"])
        return json.loads(printed)
    return list(sys.path)


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        if os.getppid() != WHO_ASKED:
            raise SystemExit  # nobody waits for the rest
        # What cannot be imported here is imported again where it is needed, and there its error belongs.
        with contextlib.suppress(Exception):
            importlib.import_module(name)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Nothing that an import prints, in Python or below it, reaches the terminal."""
    kept = [os.dup(1), os.dup(2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        yield
    finally:
        for number, copy in enumerate(kept, start=1):
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)


def _leave_the_terminal() -> None:
    """Ctrl-C is for the process that asked; it was held back until here, and is now forgotten."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _socket() -> str:
    """Where the server listens; multiprocessing has opened the socket, but tells of it only after these imports."""
    for number in range(256):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as found:
            address = found.getsockname()
            if isinstance(address, str) and os.path.basename(address).startswith("listener-"):
                return address
    return ""


def _remove_socket(server: int, address: str) -> None:
    """Remove the server's socket and its folder, which stay behind when the process that asked was killed."""
    if os.getpid() == server:
        with contextlib.suppress(OSError):
            os.unlink(address)
            os.rmdir(os.path.dirname(address))


def _rehearse() -> None:
    """Let libraries make once what they would make in every process: validators of notebooks, the lexer of cells."""
    with contextlib.suppress(Exception):
        from nbconvert.filters import Highlight2HTML
        from nbformat import v4, validate

        validate(v4.new_notebook())
        validate(v4.new_notebook(), relax_add_props=True)
        Highlight2HTML(pygments_lexer="python")("answer = 42  # comment")


def _fill() -> None:
    _leave_the_terminal()
    atexit.register(_remove_socket, os.getpid(), _socket())
    before = dict(os.environ)
    with _silence():
        PATH[:] = sys.path[:] = _fresh_path()
        _import(OF_A_KERNEL)
        KERNEL_FILTERS[:] = warnings.filters
        _import(OF_NOTEBOOKS)
        LIBRARY_FILTERS[:] = [entry for entry in warnings.filters if entry not in KERNEL_FILTERS]
        # What the server was started with has other values in it than a kernel has, and is none of a kernel's business.
        ENVIRONMENT.update((name, value) for name, value in os.environ.items() if name not in before)
        _import(OF_RENDERING)
        _rehearse()
    # A collection in a child would touch, and so copy, every page of memory that holds an object.
    gc.collect()
    gc.freeze()


_fill()
