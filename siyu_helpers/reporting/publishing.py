"""Publishing: a page appears whole or not at all, and what fails leaves the pages of before untouched.

Everything is written into a temporary folder beside the pages first, and then moved into place.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from siyu_helpers.data.cache import is_running


class Workplace:
    """A temporary folder beside the pages, so that a finished page is moved and never copied; gone afterwards."""

    def __init__(self, out: Path):
        self.out = out

    def __enter__(self) -> Path:
        self.made_out = not self.out.exists()
        self.out.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix=f".rendering-{os.getpid()}-", dir=self.out))
        return self.path

    def __exit__(self, *_: Any) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self.made_out and not any(self.out.iterdir()):
            self.out.rmdir()  # nothing came of it: nothing is left behind


def sweep(out: Path) -> None:
    """Remove what a killed run left behind; a run that still goes on is left alone."""
    for left in out.glob(".rendering-*"):
        if not is_running(left.name.split("-")[1]):
            shutil.rmtree(left, ignore_errors=True)
    for left in [*out.glob(".*.new-*"), *out.glob("*/.*.new-*")]:
        if not is_running(left.name.rpartition("-")[2]):
            left.unlink(missing_ok=True)


def publish(made: list[tuple[Path, Path]], temporary: Path) -> None:
    """Move finished files into place, all of them or none: what was there before comes back when one move fails.

    Parameters
    ----------
    made : list of (Path, Path)
        Where each file is now and where it belongs, on one file system.
    temporary : Path
        Folder for what was there before, until all is done.
    """
    before: list[tuple[Path | None, Path]] = []
    try:
        for number, (new, final) in enumerate(made):
            final.parent.mkdir(parents=True, exist_ok=True)
            before.append((_set_aside(final, temporary / f"{number}.before"), final))
            os.replace(new, final)
    except BaseException:
        for kept, final in reversed(before):
            # The move that failed has changed nothing; putting the old file back there may fail like it.
            with contextlib.suppress(OSError):
                os.replace(kept, final) if kept else final.unlink(missing_ok=True)
        raise


def _set_aside(final: Path, kept: Path) -> Path | None:
    """A second name for the file that is there now: needs no room, so that a full disk cannot prevent it."""
    if not final.exists():
        return None
    kept.unlink(missing_ok=True)
    try:
        os.link(final, kept)
    except OSError:  # a file system without hard links
        shutil.copyfile(final, kept)
    return kept


def write_whole(path: Path, text: str) -> None:
    """Write a file beside its place and move it there, so that nobody ever reads half of it."""
    temporary = path.with_name(f".{path.name}.new-{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
