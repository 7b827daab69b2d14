"""Running one notebook: papermill with an own engine, because what went wrong must be told truthfully.

Papermill records cells that never ran as completed after a timeout or a dead kernel, and nbclient turns Ctrl-C into
"the kernel died". Here a run either returns a notebook whose every code cell ran, or raises.
"""

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path
from typing import Any

import papermill
from jupyter_client import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets import default

ENGINE = "siyu"
#: Longest a single cell may run, in seconds.
CELL_TIMEOUT = 600


class NotebookFailedError(Exception):
    """A notebook did not run to its end; the message says in which cell and why."""


class PrivateKernelManager(AsyncKernelManager):
    """Kernels that talk over sockets in the user's own folder, where the system has them: nothing on the network."""

    @default("transport")
    def _default_transport(self) -> str:
        return "tcp" if os.name == "nt" else "ipc"


class _Client(PapermillNotebookClient):
    def papermill_execute_cells(self) -> None:
        # nbclient answers SIGINT by stopping the kernel, which then looks like a crash. Give Ctrl-C its meaning back.
        with contextlib.suppress(RuntimeError, NotImplementedError):
            asyncio.get_event_loop().remove_signal_handler(signal.SIGINT)
        super().papermill_execute_cells()


class SiyuEngine(NBClientEngine):
    """papermill's own engine with a client that lets Ctrl-C through."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> Any:
        wanted = {"timeout": kwargs.get("execution_timeout"), "startup_timeout": kwargs.get("start_timeout", 60)}
        wanted["kernel_manager_class"] = PrivateKernelManager
        return _Client(nb_man, kernel_name=kernel_name, log=logging.getLogger("papermill"), **wanted).execute()


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
    try:
        executed = papermill.execute_notebook(
            notebook, None, parameters, engine_name=ENGINE, kernel_name="python3", progress_bar=False,
            log_output=False, execution_timeout=cell_timeout,
        )  # fmt: skip
    except PapermillExecutionError as error:
        raise NotebookFailedError(f"cell {error.cell_index}: {error.ename}: {error.evalue}") from error
    except CellTimeoutError as error:
        raise NotebookFailedError(f"a cell ran longer than {cell_timeout} s and was stopped") from error
    except DeadKernelError as error:
        raise NotebookFailedError("the kernel died (killed, or out of memory)") from error
    # papermill's own status is not to be trusted: a cell that ran has an execution count.
    skipped = [i for i, c in enumerate(executed.cells) if c.cell_type == "code" and c.source and not c.execution_count]
    if skipped:
        raise NotebookFailedError(f"cell {skipped[0]} did not run")
    return executed
