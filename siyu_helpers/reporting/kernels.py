"""Kernels as seen from the process that renders: how one is started, watched and ended, plain or warm."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from queue import Empty
from typing import Any

import psutil
from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Any as AnyTrait
from traitlets import default

from siyu_helpers.reporting import kernel_process
from siyu_helpers.reporting.warm import ONE_THREAD, WarmContext

#: How often a kernel's memory is looked at, in seconds.
LOOK_EVERY = 0.1
#: Longest path, in bytes, of the folder in which a kernel's is made: that of a socket may have 103 on some systems.
LONGEST_PLACE = 70
#: Share of the machine's memory that one kernel may fill: the rest is for this process, the system and its other users.
SHARE_OF_MEMORY = 0.75


class ForkedKernel:
    """A kernel forked from the server, with the part of `subprocess.Popen` that jupyter_client uses.

    Followed through a pidfd, which stays true when the server, whose child the kernel is, has died.
    """

    stdin = stdout = stderr = None

    def __init__(self, warm: WarmContext, argv: list[str], environment: dict[str, str], folder: str):
        streams = [_stream(number) for number in (1, 2)]
        self.process = warm.Process(target=kernel_process.run_forked, args=(argv, environment, folder, streams))
        try:
            self.process.start()
        finally:
            for stream in filter(None, streams):
                stream.close()
        self.pid = self.process.pid
        self.pidfd = os.pidfd_open(self.pid)

    def poll(self) -> int | None:
        """Exit code, minus the signal that ended it, or None while it runs."""
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> int | None:
        """Like `poll` after waiting for the end for so many seconds."""
        if not wait([self.pidfd], timeout):
            return None
        self.process.join(1)
        return -signal.SIGKILL if self.process.exitcode is None else self.process.exitcode

    def send_signal(self, number: int) -> None:
        signal.pidfd_send_signal(self.pidfd, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            os.close(self.pidfd)


def _stream(number: int) -> Connection | None:
    """Standard output or error of this process, in a form that can be sent to another; None where it is closed."""
    try:
        return Connection(os.dup(number), readable=False)
    except OSError:
        return None


class Provisioner(LocalProvisioner):
    """Starts a kernel as a copy of the fork server, or, without one, as a new Python; ends it with all its children."""

    warm: WarmContext | None = AnyTrait(None, allow_none=True)
    lifeline: int | None = None
    ended: int | None = None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> dict[str, Any]:
        if self.warm is None or not self._fork(cmd, **options):
            await self._start_python(cmd, **options)
        self.pid = self.pgid = self.process.pid
        return self.connection_info

    def _fork(self, cmd: list[str], *, env: dict[str, str], cwd: str | None = None, **_: Any) -> bool:
        environment = {**env, "JPY_PARENT_PID": str(os.getpid())}
        argv = cmd[cmd.index("-f") :]
        try:
            self.process = ForkedKernel(self.warm, argv, environment, str(cwd or Path.cwd()))
        except (OSError, EOFError, RuntimeError, ValueError):
            return False  # the server is gone: a plain kernel gives the same outputs
        return True

    async def _start_python(self, cmd: list[str], **options: Any) -> None:
        options["stdin"] = subprocess.DEVNULL
        if sys.platform != "linux":
            await super().launch_kernel(cmd, **options)
            return
        kept, self.lifeline = os.pipe()
        try:
            cmd = [str(kept) if part == "-" else part for part in cmd]
            await super().launch_kernel(cmd, pass_fds=(kept,), **options)
        finally:
            os.close(kept)

    async def poll(self) -> int | None:
        code = await super().poll()
        if self.process and code is not None and self.ended is None:
            self.ended = code
        return code

    async def kill(self, restart: bool = False) -> None:
        await super().kill(restart)
        with contextlib.suppress(Exception):
            self.process.wait(timeout=1)  # jupyter_client would look again after a tenth of a second

    async def cleanup(self, restart: bool = False) -> None:
        self.end()
        await super().cleanup(restart)

    def end(self) -> None:
        """End what is left: the kernel, and what it has started, also when it has died by itself."""
        if self.pgid:
            with contextlib.suppress(OSError):
                os.killpg(self.pgid, signal.SIGKILL)
        if self.lifeline is not None:
            os.close(self.lifeline)
            self.lifeline = None


class PrivateKernelManager(AsyncKernelManager):
    """Kernels of the very Python that renders, talking over sockets in a private folder: nothing on the network.

    Nothing of the user's reaches a page by accident: no kernel spec, no start-up file, no module that happens to lie
    in the folder the command was given in.
    """

    @default("transport")
    def _default_transport(self) -> str:
        return "tcp" if os.name == "nt" else "ipc"

    @default("client_factory")
    def _default_client_factory(self) -> type:
        return PromptClient

    @property
    def kernel_spec(self) -> KernelSpec:
        launch = [sys.executable, "-P", "-m", kernel_process.__name__, "-", "-f", "{connection_file}"]
        launch.append("--IPKernelApp.ignore_cwd=True")
        return KernelSpec(argv=launch, display_name="Python 3", language="python", env=dict(ONE_THREAD))


@contextlib.contextmanager
def kernel_manager(folder: str, warm: WarmContext | None) -> Iterator[PrivateKernelManager]:
    """A manager of one kernel not started yet, with its sockets in `folder`; the kernel is gone afterwards."""
    manager = PrivateKernelManager(kernel_name="python3")
    manager.connection_file = os.path.join(folder, "kernel.json")
    if manager.transport == "ipc":
        manager.ip = os.path.join(folder, "k")
    manager.provisioner = Provisioner(warm=warm, kernel_spec=manager.kernel_spec, parent=manager)
    try:
        yield manager
    finally:
        manager.provisioner.end()


class PromptClient(AsyncKernelClient):
    """A client that knows at once when its kernel is ready, where jupyter_client waits for a silence of 0.2 s."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return when the kernel has answered and its outputs arrive.

        Raises
        ------
        RuntimeError
            The kernel died, or did not answer in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (timeout or 60)
        while loop.time() < deadline:
            asked = self.kernel_info()
            if await self._answered(asked):
                return
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
        raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _answered(self, asked: str) -> bool:
        """Whether the reply and, on the channel of outputs, the end of the same request came within a second."""
        with contextlib.suppress(Empty):
            reply = await self.get_shell_msg(timeout=1)
            self._handle_kernel_info_reply(reply)
            while True:
                output = await self.get_iopub_msg(timeout=0.2)
                idle = output["content"].get("execution_state") == "idle"
                if idle and output["parent_header"].get("msg_id") == asked:
                    return True
        return False


@contextlib.contextmanager
def private_folder() -> Iterator[str]:
    """A folder for one kernel's sockets and settings that no other user can enter; removed at the end."""
    place = tempfile.gettempdir()
    if os.name != "nt" and len(os.fsencode(place)) > LONGEST_PLACE:
        place = "/tmp"
    sweep(Path(place))
    with tempfile.TemporaryDirectory(prefix=f"siyu-{os.getpid()}-", dir=place, ignore_cleanup_errors=True) as folder:
        yield folder


@cache
def sweep(where: Path) -> None:
    """Remove, once a process, the private folders of processes of this user that were killed."""
    for folder in where.glob("siyu-*-*"):
        named = re.fullmatch(r"siyu-(\d+)-\w+", folder.name)
        with contextlib.suppress(OSError):
            if named and folder.lstat().st_uid == os.getuid() and not _is_running(int(named[1])):
                shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE  # which nobody may ever collect, in a container
    except psutil.NoSuchProcess:
        return False


class MemoryWatch(threading.Thread):
    """Ends a kernel and its children when together they fill more memory than they may.

    A thread of this process: the kernel's own would have to wait for a long call into C. RLIMIT_DATA would not do: it
    counts what is reserved (Arrow reserves 1.5 GB to fill 0.2), each process alone, and makes Polars abort.
    """

    def __init__(self, provisioner: Provisioner, limit: int):
        super().__init__(daemon=True)
        self.provisioner, self.limit = provisioner, limit
        self.exceeded = False
        self.over = threading.Event()

    def __enter__(self) -> "MemoryWatch":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()

    def run(self) -> None:
        while not self.over.wait(LOOK_EVERY):
            group = self.provisioner.pgid
            if group and memory_of(group, self.limit) > self.limit:
                self.exceeded = True
                with contextlib.suppress(OSError):
                    os.killpg(group, signal.SIGKILL)
                return


def memory_of(group: int, enough: int = 0) -> int:
    """Bytes that the processes of a group fill, swap included; files that are only mapped do not count.

    Up to `enough` memory that several of them share may count several times: the exact figure takes longer to read.
    """
    members = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if os.getpgid(pid) == group:
                members.append(pid)
    roughly = sum(_fields(pid, "status", "RssAnon", "RssShmem", "VmSwap") for pid in members)
    if roughly <= enough or sys.platform != "linux":
        return roughly
    exact = sum(_fields(pid, "smaps_rollup", "Pss_Anon", "Pss_Shmem", "SwapPss") for pid in members)
    return exact or roughly


def _fields(pid: int, file: str, *names: str) -> int:
    """Sum of some lines of a process's memory account, in bytes; 0 where the process is gone."""
    try:
        if sys.platform != "linux":
            return psutil.Process(pid).memory_info().rss
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except (OSError, psutil.Error):
        return 0
    found = (line.split(":") for line in lines if line.startswith(names))
    return sum(int(value.split()[0]) * 1024 for name, value in found if name in names)


def default_memory_limit(root: Path = Path("/")) -> int:
    """Bytes that one kernel may fill: a share of the machine's memory, or of the container's where that is smaller."""
    return int(SHARE_OF_MEMORY * min([psutil.virtual_memory().total, *_container_limits(root)]))


def _container_limits(root: Path) -> Iterator[int]:
    """Limits of the control groups that this process is in, versions 1 and 2, from its own up to the outermost."""
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds and "memory" not in kinds.split(","):
                continue
            top = root / "sys/fs/cgroup" / ("memory" if kinds else "")
            file = "memory.limit_in_bytes" if kinds else "memory.max"
            inside = Path(path.lstrip("/"))
            for folder in (inside, *inside.parents):
                with contextlib.suppress(OSError, ValueError):  # "max", or a path of outside the container
                    yield int((top / folder / file).read_text())
