"""Running one notebook: papermill with an own engine, because what went wrong must be told truthfully.

Papermill records cells that never ran as completed after a timeout or a dead kernel, and nbclient turns Ctrl-C into
"the kernel died". Here a run either returns a notebook whose every code cell ran, or raises.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets import default

from siyu_helpers.reporting.kernels import (
    MemoryWatch,
    default_memory_limit,
    kernel_manager,
    private_folder,
)
from siyu_helpers.reporting.warm import WarmContext

ENGINE = "siyu"
#: Longest a single cell may run, in seconds.
CELL_TIMEOUT = 600
#: Most that a notebook may print or show, in characters: a page is a few million.
OUTPUT_LIMIT = 50_000_000
START_TIMEOUT = 60
ERROR_SHOWN = 600
#: Environment variable that tells a cell that its outputs are for a page, where nobody moves a widget (`sliders`).
RENDERING = "SIYU_RENDERING"
#: What went wrong is told by the exception; nbclient's own lines about it go where somebody asked for them.
LOG = logging.getLogger(__name__)
LOG.addHandler(logging.NullHandler())


class NotebookFailedError(Exception):
    """A notebook did not run to its end.

    The message says in which cell and why; `told` is what of it may be written to a file, since the message of an
    exception may quote data.
    """

    def __init__(self, message: str, told: str | None = None):
        cut = message if len(message) <= ERROR_SHOWN else f"{message[:ERROR_SHOWN]} ..."
        super().__init__(cut)
        self.told = told or cut


class _Client(PapermillNotebookClient):
    """papermill's client, which in addition knows how far it came and how much it was shown."""

    shown = 0
    at: int | None = None  # the cell that was started last

    def papermill_execute_cells(self) -> None:
        # nbclient answers SIGINT by stopping the kernel, which then looks like a crash. Give Ctrl-C its meaning back.
        with contextlib.suppress(RuntimeError, NotImplementedError):
            asyncio.get_event_loop().remove_signal_handler(signal.SIGINT)
        self.at = 0
        super().papermill_execute_cells()

    @default("on_cell_start")
    def _default_on_cell_start(self) -> Callable[..., None]:
        return lambda cell, cell_index: setattr(self, "at", cell_index)

    def process_message(self, msg: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        before, self.shown = self.shown, self.shown + len(str(msg.get("content", "")))
        if self.shown <= OUTPUT_LIMIT:
            return super().process_message(msg, *args, **kwargs)
        if before <= OUTPUT_LIMIT:
            # An exception would wait here for the cell to end, which it may never do: end the kernel instead.
            self.stopping = asyncio.ensure_future(self.km.shutdown_kernel(now=True))
        return None


class _NeverReadyError(Exception):
    """A kernel ended before it could be given a cell."""


class SiyuEngine(NBClientEngine):
    """papermill's own engine with kernels of our own: a warm one, or a plain one where that does not come up."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> Any:
        run = partial(_run, nb_man, kwargs["execution_timeout"], kwargs["memory_limit"] or default_memory_limit())
        if kwargs["warm"] is not None:
            with contextlib.suppress(_NeverReadyError):
                return run(kwargs["warm"])
        return run(None)


def _run(nb_man: Any, cell_timeout: int, memory_limit: int, warm: WarmContext | None) -> NotebookNode:
    """Run all cells in one kernel, which is gone afterwards."""
    with private_folder() as private, kernel_manager(private, warm) as manager:
        client = _Client(
            nb_man, km=manager, kernel_name="python3", log=LOG, timeout=cell_timeout, startup_timeout=START_TIMEOUT,
            shutdown_kernel="immediate", coalesce_streams=True,  # or what is printed would be cut up at random
        )  # fmt: skip
        client.owns_km = True  # or it would not be shut down
        watch = MemoryWatch(manager.provisioner, memory_limit)
        try:
            with watch:
                return client.execute(env={**os.environ, "IPYTHONDIR": private, RENDERING: "1"})
        except CellTimeoutError as error:
            why = f"it ran longer than {cell_timeout} s and was stopped: look for an endless loop, or give it less data"
            raise NotebookFailedError(f"cell {client.at}: {why}") from error
        except RuntimeError as error:
            if client.at is None:
                raise _NeverReadyError(str(error)) from error
            if not isinstance(error, DeadKernelError):
                raise
            why = _why_it_died(client, watch, manager.provisioner.ended)
            raise NotebookFailedError(f"cell {client.at}: {why}") from error


def _why_it_died(client: _Client, watch: MemoryWatch, code: int | None) -> str:
    """What ended a kernel in the middle of a cell, and what to do."""
    if client.shown > OUTPUT_LIMIT:
        return f"it showed more than {OUTPUT_LIMIT:,} characters and was stopped: is there an endless loop?"
    if watch.exceeded:
        size = f"{watch.limit / 1e9:.1f} GB"
        return f"it used more than {size} of memory and was stopped: use --jobs 1, less data, or more memory"
    if code == -signal.SIGKILL:
        return "the kernel died: it was killed from outside, most often because memory was full; close other programs"
    how = signal.Signals(-code).name if code and code < 0 else f"exit code {code}"
    return f"the kernel died: the cell, or a library it uses, crashed or ended it ({how}); run it in JupyterLab to see"


papermill_engines.register(ENGINE, SiyuEngine)


def execute(
    notebook: Path,
    parameters: dict[str, Any],
    cell_timeout: int = CELL_TIMEOUT,
    *,
    warm: WarmContext | None = None,
    memory_limit: int | None = None,
) -> NotebookNode:
    """Run a notebook with parameters and return it executed; nothing is written.

    Parameters
    ----------
    notebook : Path
        The notebook as it is in the project.
    parameters : dict
        Names and values that `parameters.accept` has checked.
    cell_timeout : int
        Longest a cell may run, in seconds.
    warm : WarmContext, optional
        What `warm.context` returned. The kernel is then a copy of its server; outputs are the same without it.
    memory_limit : int, optional
        Bytes that the kernel and what it starts may fill; by default three quarters of the memory there is. Where
        several notebooks run at a time, give each its part.

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
            log_output=False, execution_timeout=cell_timeout, warm=warm, memory_limit=memory_limit,
        )  # fmt: skip
    except PapermillExecutionError as error:
        place = f"cell {error.cell_index}: {error.ename}"
        raise NotebookFailedError(f"{place}: {error.evalue}", told=place) from error
    except _NeverReadyError as error:
        raise NotebookFailedError(
            f"no kernel could be started ({error}); run it again, and if that does not help: make setup"
        ) from error
    # papermill's own status is not to be trusted: a cell that ran has an execution count.
    code = [(i, c) for i, c in enumerate(executed.cells) if c.cell_type == "code" and c.source.strip()]
    skipped = [index for index, cell in code if not cell.execution_count]
    if skipped:
        raise NotebookFailedError(f"cell {skipped[0]} did not run: an earlier cell ended the notebook")
    return executed
