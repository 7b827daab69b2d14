"""The invented brands that ship: made once, made again when the code changes, never over somebody's data."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from siyu_helpers.data import samples
from siyu_helpers.data.simulation import files


@pytest.fixture
def small(monkeypatch):
    """Recipes of a handful of customers, so that making them takes no time."""
    recipes = {
        name: dataclasses.replace(recipe, customers=recipe.customers) for name, recipe in samples.RECIPES.items()
    }
    real = samples.simulate
    monkeypatch.setattr(samples, "simulate", lambda name, seed: real(name, customers=60, seed=seed))
    monkeypatch.setattr(files, "_truth_yml", lambda simulation: f"{files.MADE_BY}: {files.version()}\n")
    return recipes


def test_they_are_made_once(tmp_path, small):
    told = []
    assert samples.make(["sanli"], tmp_path, progress=told.append) == {"sanli": "made"}
    assert "sanli" in told[0]
    before = (tmp_path / "sanli" / "orders.csv").stat().st_mtime_ns
    assert samples.make(["sanli"], tmp_path, progress=told.append) == {"sanli": "unchanged"}
    assert len(told) == 1
    assert (tmp_path / "sanli" / "orders.csv").stat().st_mtime_ns == before
    assert samples.make(["sanli"], tmp_path, force=True) == {"sanli": "made"}


def test_they_are_made_again_when_the_code_has_changed(tmp_path, small, monkeypatch):
    samples.make(["yunzuo"], tmp_path)
    monkeypatch.setattr(files, "version", lambda: "another")
    assert samples.make(["yunzuo"], tmp_path) == {"yunzuo": "made"}


def test_somebodys_own_brand_of_that_name_is_left_alone(tmp_path, small):
    (tmp_path / "xiaoman").mkdir()
    (tmp_path / "xiaoman" / "orders.csv").write_text("precious")
    with pytest.raises(FileExistsError, match="not simulated"):
        samples.make(data_root=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["xiaoman"]


def test_an_unknown_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="There are: xiaoman, yunzuo, sanli"):
        samples.make(["acme"], tmp_path)


COMMAND = """
import sys
from siyu_helpers.data import samples
if __name__ == "__main__":
    samples.make(["xiaoman", "yunzuo"], sys.argv[1], progress=lambda line: print(line, flush=True))
"""


@pytest.mark.parametrize("who", ["command", "worker"])
def test_what_is_stopped_in_the_middle_ends_soon_and_leaves_no_brand(tmp_path, who):
    """Ctrl-C in a terminal goes to the command and to what it has started; kill -9 may hit one of its processes."""
    (tmp_path / "run.py").write_text(COMMAND)
    root = tmp_path / "raw"
    command = subprocess.Popen(
        [sys.executable, tmp_path / "run.py", root], start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert "Making" in command.stdout.readline()
    workers = []
    while len(workers) < 2:
        workers = [
            child for child in psutil.Process(command.pid).children() if "spawn_main" in " ".join(child.cmdline())
        ]
        time.sleep(0.05)
    os.killpg(command.pid, signal.SIGINT) if who == "command" else workers[0].kill()
    told = command.communicate(timeout=30)[1]
    assert command.returncode != 0
    assert ("KeyboardInterrupt" if who == "command" else "its process was ended") in told
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    # On a busy machine one brand may be ready before the stop: whole, or not there.
    left = [path.name for path in root.glob("[a-z]*")]
    assert len(left) < 2
    assert all((root / name / "truth.yml").exists() for name in left)
