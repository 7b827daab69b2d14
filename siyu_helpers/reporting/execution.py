"""Running one notebook: papermill with an own engine, because what went wrong must be told truthfully.

Papermill records cells that never ran as completed after a timeout or a dead kernel, and nbclient turns Ctrl-C into
"the kernel died". Here a run either returns a notebook whose every code cell ran, or raises.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets import default

ENGINE = "siyu"
#: Longest a single cell may run, in seconds.
CELL_TIMEOUT = 600
#: Most that a notebook may print or show, in characters: a page is a few million.
OUTPUT_LIMIT = 50_000_000
ERROR_SHOWN = 600


class NotebookFailedError(Exception):
    """A notebook did not run to its end.

    The message says in which cell and why; `told` is what of it may be written to a file, since the message of an
    exception may quote data.
    """

    def __init__(self, message: str, told: str | None = None):
        cut = message if len(message) <= ERROR_SHOWN else f"{message[:ERROR_SHOWN]} ..."
        super().__init__(cut)
        self.told = told or cut


class PrivateKernelManager(AsyncKernelManager):
    """Kernels of the very Python that renders, talking over sockets in a private folder: nothing on the network.

    Nothing of the user's reaches a page by accident: no kernel spec, no start-up file, no module that happens to lie
    in the folder the command was given in.
    """

    @default("transport")
    def _default_transport(self) -> str:
        return "tcp" if os.name == "nt" else "ipc"

    @property
    def kernel_spec(self) -> KernelSpec:
        launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        launch.append("--IPKernelApp.ignore_cwd=True")
        return KernelSpec(argv=launch, display_name="Python 3", language="python")


class _Client(PapermillNotebookClient):
    shown = 0

    def papermill_execute_cells(self) -> None:
        # nbclient answers SIGINT by stopping the kernel, which then looks like a crash. Give Ctrl-C its meaning back.
        with contextlib.suppress(RuntimeError, NotImplementedError):
            asyncio.get_event_loop().remove_signal_handler(signal.SIGINT)
        super().papermill_execute_cells()

    def process_message(self, msg: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        before, self.shown = self.shown, self.shown + len(str(msg.get("content", "")))
        if self.shown <= OUTPUT_LIMIT:
            return super().process_message(msg, *args, **kwargs)
        if before <= OUTPUT_LIMIT:
            # An exception would wait here for the cell to end, which it may never do: end the kernel instead.
            self.stopping = asyncio.ensure_future(self.km.shutdown_kernel(now=True))
        return None


class SiyuEngine(NBClientEngine):
    """papermill's own engine with a kernel of our own and a client that lets Ctrl-C through."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> Any:
        with tempfile.TemporaryDirectory(prefix="siyu-", ignore_cleanup_errors=True) as private:
            manager = PrivateKernelManager(kernel_name=kernel_name)
            manager.connection_file = os.path.join(private, "kernel.json")
            if manager.transport == "ipc":
                manager.ip = os.path.join(private, "k")
            client = _Client(
                nb_man,
                km=manager,
                kernel_name=kernel_name,
                log=logging.getLogger("papermill"),
                timeout=kwargs.get("execution_timeout"),
                startup_timeout=kwargs.get("start_timeout", 60),
                shutdown_kernel="immediate",
            )
            client.owns_km = True  # or the kernel would outlive its notebook
            try:
                return client.execute(env={**os.environ, "IPYTHONDIR": private})
            except DeadKernelError:
                if client.shown <= OUTPUT_LIMIT:
                    raise
                limit = f"it showed more than {OUTPUT_LIMIT:,} characters and was stopped: is there an endless loop?"
                raise NotebookFailedError(limit) from None


papermill_engines.register(ENGINE, SiyuEngine)


def execute(notebook: Path, parameters: dict[str, Any], cell_timeout: int = CELL_TIMEOUT) -> NotebookNode:
    """Run a notebook with parameters and return it executed; nothing is written.

    Parameters
    ----------
    notebook : Path
        The notebook as it is in the project.
    parameters : dict
        Names and values that `parameters.accept` has checked.
    cell_timeout : int
        Longest a cell may run, in seconds.

    Raises
    ------
    NotebookFailedError
        A cell raised, ran too long, or the kernel died.
    """
    # Read here: papermill would take braces in the path for placeholders.
    node = nbformat.read(notebook, as_version=4)
    try:
        executed = papermill.execute_notebook(
            node, None, parameters, engine_name=ENGINE, kernel_name="python3", progress_bar=False,
            log_output=False, execution_timeout=cell_timeout,
        )  # fmt: skip
    except PapermillExecutionError as error:
        place = f"cell {error.cell_index}: {error.ename}"
        raise NotebookFailedError(f"{place}: {error.evalue}", told=place) from error
    except CellTimeoutError as error:
        raise NotebookFailedError(f"a cell ran longer than {cell_timeout} s and was stopped") from error
    except DeadKernelError as error:
        raise NotebookFailedError("the kernel died (killed, or out of memory)") from error
    # papermill's own status is not to be trusted: a cell that ran has an execution count.
    code = [(i, c) for i, c in enumerate(executed.cells) if c.cell_type == "code" and c.source.strip()]
    skipped = [index for index, cell in code if not cell.execution_count]
    if skipped:
        raise NotebookFailedError(f"cell {skipped[0]} did not run: an earlier cell ended the notebook")
    return executed
