"""Publishing: all of it or none, whatever the file system refuses; and what killed runs left is swept."""

import os
import shutil
import subprocess
import sys

import pytest
from tiny_pages import SAY, contents, pages_in, write_notebook

from siyu_helpers.reporting import publishing


@pytest.fixture
def place(tmp_path):
    """A folder with two old files, and two new ones waiting."""
    for name in ("old/a", "old/b", "new/a", "new/b", "new/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def moves(place):
    return [(place / "new" / name, place / "old" / name) for name in "abc"]


@pytest.mark.parametrize("links", [True, False])
def test_all_files_are_moved(place, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError(1, "no links here")))
    publishing.publish(moves(place), place / "new")
    assert contents(place / "old") == {"a": b"new/a", "b": b"new/b", "c": b"new/c"}


@pytest.mark.parametrize("error", [PermissionError(1, "Operation not permitted"), KeyboardInterrupt()])
@pytest.mark.parametrize("links", [True, False])
def test_a_move_that_fails_brings_the_old_files_back(place, monkeypatch, error, links):
    real = os.replace

    def refuse(source, target):
        if str(source).endswith("new/c"):
            raise error
        return real(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError(1, "no links here")))
    with pytest.raises(type(error)):
        publishing.publish(moves(place), place / "new")
    assert contents(place / "old") == {"a": b"old/a", "b": b"old/b"}


def test_a_file_is_written_whole_or_stays(tmp_path, monkeypatch):
    file = tmp_path / "run.json"
    publishing.write_whole(file, "one")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        publishing.write_whole(file, "two")
    assert contents(tmp_path) == {"run.json": b"one"}


def test_what_a_killed_run_left_is_swept(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / "tiny").mkdir()
    for pid in (gone.pid, os.getpid()):
        (tmp_path / f".rendering-{pid}-x").mkdir()
        (tmp_path / f".index.html.new-{pid}").touch()
        (tmp_path / f"tiny/.run.json.new-{pid}").touch()
    publishing.sweep(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob(".*")}
    here = os.getpid()
    assert left == {f".rendering-{here}-x", f".index.html.new-{here}", f"tiny/.run.json.new-{here}"}, "still running"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of half a megabyte, where the machine allows one to be made."""
    disk = tmp_path / "disk"
    disk.mkdir()
    asked = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(asked, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk, leave=0):
    """Fill a disk but for so many bytes."""
    room = os.statvfs(disk)
    (disk / "filling").write_bytes(b"x" * max(0, room.f_bavail * room.f_frsize - leave))


def test_a_full_disk_leaves_the_old_pages_and_says_what_to_do(go, write_brand, tmp_path, small_disk):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    assert go(out=small_disk)[0].status == "rendered"
    before = pages_in(small_disk)
    go(out=tmp_path / "roomy", parameters={"months": "7"})
    wanted, statuses = pages_in(tmp_path / "roomy"), []
    for blocks in range(0, 18, 4):  # nothing can be written, a page cannot, what goes with it, only the index
        fill(small_disk, blocks * 4096)
        (record,) = go(out=small_disk, parameters={"months": "7"})
        (small_disk / "filling").unlink()
        statuses.append(record.status)
        assert record.status == "rendered" or "disk is not full" in record.error
        assert pages_in(small_disk) == before or pages_in(small_disk) == wanted, blocks
        if pages_in(small_disk) == wanted:
            break
    assert statuses.count("failed") >= 2
    go(out=small_disk, parameters={"months": "7"})
    assert pages_in(small_disk) == wanted
    assert not list(small_disk.glob(".*"))


def test_a_folder_that_cannot_be_written_leaves_the_old_pages_and_says_what_to_do(
    go, write_brand, tmp_path, small_disk
):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    go(out=small_disk)
    before = contents(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OSError, match="Read-only"):
        go(out=small_disk, parameters={"months": "7"})
    said = subprocess.run(
        [sys.executable, "-m", "siyu_helpers.cli", "render", "cdnow", "--out", str(small_disk)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert said.returncode == 1
    assert "Check that the folder can be written" in said.stderr
    assert contents(small_disk) == before
