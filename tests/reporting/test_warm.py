"""Warm kernels: the same pages as from plain ones, and nothing that stays behind."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest

from siyu_helpers.reporting import kernels, pages, warm
from siyu_helpers.reporting.execution import execute

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm kernels are for Linux")
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def context():
    made = warm.context()
    assert made is not None
    return made


def write_notebook(folder, *cells):
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    node.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(node, folder / "01_x.ipynb")
    return folder / "01_x.ipynb"


def printed(executed):
    return "".join(output.text for output in executed.cells[-1].outputs if output.output_type == "stream")


def wait_until(happened, seconds=10):
    """Wait for something that is expected at once; the limit is for a machine that is busy."""
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.05)
    return happened()


def gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


AROUND = dict.fromkeys(("brand", "period", "source", "ranges", "command", "versions", "code"), "") | {
    "stem": "02_repurchase_cohorts", "synthetic": False, "parameters": [], "inputs": [], "warnings": [],
}  # fmt: skip


def test_pages_are_the_same_byte_for_byte(context):
    notebook = PROJECT / "notebooks/02_repurchase_cohorts.ipynb"
    made = []
    for each in (context, None):
        executed = execute(notebook, {"brand": "cdnow", "lang": "both"}, warm=each)
        for lang, other in (("zh", "en"), ("en", "zh")):
            around = AROUND | {"lang": lang, "other_language": other}
            made.append(pages.page_html(executed, around))
            made.append(pages.numbers_csv(pages.read_page(executed, lang).numbers, lang))
    assert made[:4] == made[4:]
    assert all(html.count("<img ") >= 12 for html in made[::2])


# What a cell can see of the process it is in, after the imports that notebooks have.
FACTS = """
import asyncio, gc, json, locale, logging, multiprocessing, os, random, resource, signal, subprocess, sys, time
import warnings, matplotlib, numpy, pandas, pandera.polars, polars, pyarrow.parquet, scipy.stats, seaborn
import statsmodels.api as sm, statsmodels.formula.api
import siyu_helpers.analysis.repurchase_cohorts

def square(x):
    return x * x

rng = numpy.random.default_rng(1)
x = rng.normal(size=(400, 400))
y = x[:, :3].sum(axis=1) + rng.normal(size=400)
frame = polars.DataFrame({"a": [1, 2, 1], "b": [0.1, 0.2, 0.3]})
await asyncio.sleep(0)
with multiprocessing.get_context("fork").Pool(2) as pool:
    pooled = pool.map(square, [1, 2])
facts = {
    "variables": {k: v for k, v in os.environ.items() if k not in ("IPYTHONDIR", "_RJEM_MALLOC_CONF")},
    "where": [os.getcwd(), sys.path, [a for a in sys.argv if "siyu-" not in a], sys.executable, str(sys.flags)],
    "main": [__name__, sys.modules["__main__"].__dict__ is globals(), str(sys.modules["__main__"].__spec__)],
    "names": sorted(name for name in globals() if not name.startswith("_")),
    "signals": {s.name: str(signal.getsignal(s)).split(" at ")[0] for s in signal.Signals},
    "blocked": str(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "session": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid(), open("/proc/self/oom_score_adj").read()],
    "input": [os.readlink("/proc/self/fd/0"), subprocess.run(["cat"], capture_output=True).stdout.decode()],
    "process": [multiprocessing.current_process().name, str(multiprocessing.parent_process()),
                multiprocessing.get_start_method(allow_none=True), multiprocessing.current_process().daemon],
    "backend": [matplotlib.get_backend(), str(matplotlib.rcParams["backend"])],
    "filters": [str(entry) for entry in warnings.filters],
    "time": [time.tzname, locale.getlocale(), os.umask(0o22)],
    "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name[:7] == "RLIMIT_"},
    "python": [gc.isenabled(), sys.getrecursionlimit(), str(sys.gettrace()), str(logging.getLogger().handlers)],
    "numbers": [float((x @ x).sum()), float(numpy.linalg.svd(x)[1].sum()), sm.OLS(y, x[:, :3]).fit().params.tolist(),
                float(sm.Logit((y > 0) * 1.0, x[:, :3]).fit(disp=0).llf), pooled,
                frame.lazy().group_by("a").agg(polars.col("b").sum()).sort("a").collect().rows()],
}
print(json.dumps(facts | {"random": [random.random(), numpy.random.rand()]}))
"""


def test_a_cell_cannot_tell_a_warm_kernel_from_a_plain_one(context, tmp_path, monkeypatch):
    monkeypatch.setenv("SIYU_SET_LATER", "the server was started before")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    notebook = write_notebook(tmp_path, FACTS)
    facts = [json.loads(printed(execute(notebook, {}, warm=each))) for each in (context, context, None)]
    luck = [random for each in facts for random in each.pop("random")]
    assert len(set(luck)) == len(luck), "kernels share a random state"
    for key in facts[2]:
        assert facts[0][key] == facts[2][key], key
    assert facts[2]["variables"]["OPENBLAS_NUM_THREADS"] == "1"
    assert facts[2]["time"][0][0] == "CST"


def test_the_server_has_no_thread_and_no_connection_to_copy(context, tmp_path):
    notebook = write_notebook(tmp_path, "import os\nprint(os.getppid())")
    server = int(printed(execute(notebook, {}, warm=context)))
    # Polars' one waits, without a lock, for files that were spilled to disk; see warm.py.
    assert warm.threads_of(server) <= {"polars-ooc-clea"}
    assert server != os.getpid(), "the kernel is no copy of the server"
    opened = [os.readlink(f"/proc/{server}/fd/{number}") for number in os.listdir(f"/proc/{server}/fd")]
    assert len([target for target in opened if target.startswith("socket:")]) == 1, "but the one it listens on"


def in_a_worker(notebook, answers):
    executed = execute(notebook, {}, warm=warm.context())
    answers.put((os.getppid(), printed(executed)))


def test_a_copy_of_the_server_can_ask_it_for_kernels_too(context, tmp_path):
    answers = context.SimpleQueue()
    arguments = (write_notebook(tmp_path, "import os\nprint(os.getppid())"), answers)
    sys.path.insert(0, str(Path(__file__).parent))  # pytest imports this file by its path
    try:
        worker = context.Process(target=_importable("in_a_worker"), args=arguments)
        worker.start()
    finally:
        del sys.path[0]
    worker.join()
    assert worker.exitcode == 0
    server, of_the_kernel = answers.get()
    assert int(of_the_kernel) == server


def _importable(name):
    import test_warm

    return getattr(test_warm, name)


def test_a_broken_server_is_replaced_by_plain_kernels(context, tmp_path, monkeypatch):
    notebook = write_notebook(tmp_path, "import os\nprint(os.getppid())")

    def refuse(self):
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(warm._Process, "start", refuse)
        assert int(printed(execute(notebook, {}, warm=context))) == os.getpid()
    # A copy that ends before it is a kernel, as one would whose server was filled wrongly.
    with monkeypatch.context() as patch:
        ends_at_once = SimpleNamespace(run_forked=itertools.chain, __name__=kernels.kernel_process.__name__)
        patch.setattr(kernels, "kernel_process", ends_at_once)
        assert int(printed(execute(notebook, {}, warm=context))) == os.getpid()


def test_elsewhere_and_when_plain_is_asked_for_there_is_no_context(monkeypatch):
    assert warm.context(plain=True) is None
    monkeypatch.setattr(sys, "platform", "darwin")
    assert warm.context() is None


# A user's script without the guard that multiprocessing asks for, in a folder with a module that hides another.
SCRIPT = """
import sys
del sys.path[0]  # as in an installed command, the folder it is given in is no place for modules
import os
from pathlib import Path
open("ran", "a").write("x")
from siyu_helpers.reporting import warm
from siyu_helpers.reporting.execution import execute
print("started", flush=True)
try:
    context = warm.context({plain})
except KeyboardInterrupt:
    sys.exit(2)
"""


@pytest.fixture
def run_script(tmp_path):
    """A function that runs SCRIPT and more in `tmp_path`; what is left of it at the end of a test is ended."""
    started = []

    def run(source, plain=False, **environment):
        (tmp_path / "script.py").write_text(SCRIPT.format(plain=plain) + source)
        variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")} | environment
        started.append(
            subprocess.Popen([sys.executable, "script.py"], cwd=tmp_path, env=variables, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        )  # fmt: skip
        return started[-1]

    yield run
    for script in started:
        script.kill()
        for stream in (script.stdout, script.stderr):
            stream.close()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(tmp_path):
                process.kill()


LONG = """
import os, subprocess
child = subprocess.Popen(["sleep", "1000"])
open("writing", "w").write(f"{os.getpid()} {child.pid} {os.getppid()}")
os.rename("writing", "pids")
sum(range(10**13))
"""


def pids_in(folder):
    """The processes of a LONG cell, once it runs: kernel, what it started, parent."""
    file = folder / "pids"
    assert wait_until(file.exists, 60)
    pids = [int(pid) for pid in file.read_text().split()]
    file.unlink()
    return pids


def assert_all_gone(*pids):
    assert wait_until(lambda: all(gone(pid) for pid in pids)), [pid for pid in pids if not gone(pid)]


def test_a_command_through_its_mishaps(run_script, tmp_path):
    """A fork server that dies, Ctrl-C in a long cell, kill -9 with a worker: each ends what it should, silently."""
    (tmp_path / "random.py").write_text("raise RuntimeError('the folder of the command is not for the server')")
    (tmp_path / "short").mkdir()
    short = write_notebook(tmp_path / "short", "import os\nserver = os.getppid()\nos.kill(server, 9)", "print(server)")
    source = f"""
print(execute(Path({str(short)!r}), {{}}, warm=context).cells[-1].outputs[0].text, end="", flush=True)
long = Path({str(write_notebook(tmp_path, LONG))!r})
try:
    execute(long, {{}}, warm=context)
except KeyboardInterrupt:
    print("interrupted", flush=True)
worker = context.Process(target=execute, args=(long, {{}}), kwargs=dict(warm=context))
worker.start()
print(worker.pid, flush=True)
worker.join()
"""
    script = run_script(source, TMPDIR=str(tmp_path))
    kernel, child, server = pids_in(tmp_path)
    os.killpg(script.pid, signal.SIGINT)  # as at a terminal: to all processes of the command's group
    kernel_of_worker, child_of_worker, server_of_worker = pids_in(tmp_path)
    assert_all_gone(kernel, child)
    script.kill()
    out, err = script.communicate(timeout=60)
    _, killed_server, *said, worker = out.splitlines()
    assert (said, err) == (["interrupted"], "")
    assert server_of_worker == server
    assert len({int(killed_server), server, script.pid}) == 3
    assert_all_gone(kernel_of_worker, child_of_worker, int(worker), server)
    assert (tmp_path / "ran").read_text() == "x", "the script was run again in another process"
    (left,) = tmp_path.glob("siyu-*")
    assert left.name.startswith(f"siyu-{worker}-")
    kernels.sweep(tmp_path)
    assert not left.exists()
    # The server that was killed itself could not remove its socket.
    assert len(list(tmp_path.glob("pymp-*"))) <= 1


def test_a_plain_kernel_does_not_outlive_a_killed_command(run_script, tmp_path):
    source = f"execute(Path({str(write_notebook(tmp_path, LONG))!r}), {{}}, warm=context)"
    script = run_script(source, plain=True)
    kernel, child, parent = pids_in(tmp_path)
    assert parent == script.pid
    script.kill()
    assert_all_gone(kernel, child)


def server_of(script, loaded):
    """The server of a script once it has loaded a library."""
    for child in psutil.Process(script.pid).children():
        with contextlib.suppress(OSError, psutil.Error):
            if "forkserver" in str(child.cmdline()) and loaded in Path(f"/proc/{child.pid}/maps").read_text():
                return child.pid
    return None


@pytest.mark.parametrize("loaded", ["", "numpy"])
def test_ctrl_c_while_the_server_imports(run_script, loaded):
    script = run_script("")
    assert script.stdout.readline() == "started\n"
    assert wait_until(lambda: server_of(script, loaded))
    server = server_of(script, loaded)
    os.killpg(script.pid, signal.SIGINT)
    assert script.communicate(timeout=20) == ("", "")
    assert script.returncode == 2
    assert_all_gone(server)


def test_a_command_killed_while_the_server_imports_leaves_no_socket(run_script, tmp_path):
    script = run_script("", TMPDIR=str(tmp_path))
    assert wait_until(lambda: server_of(script, "numpy"))
    server = server_of(script, "numpy")
    assert list(tmp_path.glob("pymp-*/listener-*"))
    script.kill()
    assert_all_gone(server)
    assert not list(tmp_path.glob("pymp-*"))


NOISE = "print('noise', flush=True)\nraise RuntimeError('broken')"


@pytest.mark.parametrize(("fault", "there"), [(NOISE, True), ("import os\nos._exit(3)", False)])
def test_a_library_that_fails_in_the_server(tmp_path, fault, there):
    """What cannot be imported is left to the cells; a server that ends is done without."""
    (tmp_path / "sqlite3.py").write_text(fault)
    command = "from siyu_helpers.reporting import warm; print(warm.context() is not None)"
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    run = subprocess.run([sys.executable, "-c", command], env=variables, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == (f"{there}\n", "")
