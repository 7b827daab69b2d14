"""One lesson made: its notebook run once for both languages, and of that the four outputs and what the guide says.

This happens in a process of its own, so that a lesson that crashes or fills the memory ends nothing else; see `course`
for the other side. Everything is written into a temporary folder.
"""

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from siyu_helpers.teaching.sources import Lesson, of_language, part_begun, tags

#: What is made of a lesson in one language: folder -> ending of the file's name.
OUTPUTS = {"student": "ipynb", "trainer": "ipynb", "slides": "html", "handout": "html"}


@dataclass(frozen=True)
class Task:
    """One lesson to make: everything its process has to know."""

    lesson: Lesson
    languages: tuple[str, ...]
    brand: str
    data_root: str
    folder: Path
    beside: int = 1
    plain: bool = False


def make(task: Task) -> dict[str, Any]:
    """Run a lesson and write its outputs into the task's folder.

    Returns
    -------
    dict
        "files": path of each output below the folder; "titles" by language; "brand": its folder and names;
        "guide": by language the trainer's notes of each part, as ready HTML.

    Raises
    ------
    CourseError, NotebookFailedError, DataProblems, ValueError, OSError
        The source breaks a rule, a cell failed, the brand cannot be read, a file would load something.
    """
    from siyu_helpers.data import brands, market
    from siyu_helpers.reporting import execution, kernels, warm
    from siyu_helpers.teaching import copies, handouts, slides
    from siyu_helpers.teaching.sources import read_lesson

    lesson = task.lesson
    source, brand = read_lesson(lesson), brands.load(task.brand, task.data_root or None)
    lang = task.languages[0] if len(task.languages) == 1 else "both"
    given = {"brand": task.brand, "lang": lang, "data_root": task.data_root}
    executed = execution.execute(
        lesson.path, given, warm=warm.context(task.plain), memory_limit=kernels.default_memory_limit() // task.beside
    )
    terms = market.load("glossary", task.data_root or None)
    made: dict[str, Any] = {"files": [], "titles": {}, "guide": {}}
    made["brand"] = {key: brand.config[key] for key in ("id", "name", "synthetic")}
    for lang in task.languages:
        paths = {name: Path(lang) / name / f"{lesson.stem}.{ending}" for name, ending in OUTPUTS.items()}
        copies.write(copies.student_copy(source, lang, task.brand, task.data_root), task.folder / paths["student"])
        trainer = copies.trainer_copy(source, lesson, lang, task.brand, task.data_root)
        copies.write(trainer, task.folder / paths["trainer"])
        for name, html in (
            ("slides", slides.slides_html(executed, lesson, lang, brand.config)),
            ("handout", handouts.handout_html(source, lesson, lang, brand.config, terms)),
        ):
            (task.folder / paths[name]).parent.mkdir(parents=True, exist_ok=True)
            (task.folder / paths[name]).write_text(html, encoding="utf-8", newline="\n")
        made["files"] += [path.as_posix() for path in paths.values()]
        made["titles"][lang], made["guide"][lang] = guide(executed, lang)
    return made


def guide(executed: Any, lang: str) -> tuple[str, dict[str, list[str]]]:
    """A lesson's title, and by part what the trainer's guide says: talking points, questions and common mistakes."""
    from siyu_helpers.teaching import sheets

    title, part, said = "", "", {}
    for cell in of_language(executed.cells, lang):
        part = part_begun(cell, lang) or part
        heading, pieces, _ = sheets.cell_html(cell, lang)
        title = title or heading
        if "trainer" in tags(cell):
            said.setdefault(part, []).extend(pieces)
        elif cell.cell_type == "markdown" and cell.source.startswith("### "):
            said.setdefault(part, []).append(pieces[0].partition("</h3>")[0] + "</h3>")
    return title, {part: pieces for part, pieces in said.items() if part}


def run(task: Task, here: tuple[dict[str, str], str], says: Connection) -> None:
    """Make one lesson in this process and tell how it went: ["made", ...] or ["failed", why]; nothing is printed.

    here : environment and working folder of who asked, which a warm process does not have.
    """
    from siyu_helpers.reporting.records import in_a_line

    try:
        os.environ.clear()
        os.environ.update(here[0])
        os.chdir(here[1])
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silent, stream)
        told = ["made", make(task)]
    except KeyboardInterrupt:
        os._exit(130)
    except BaseException as error:
        told = ["failed", in_a_line(error)]
    says.send_bytes(json.dumps(told).encode())
    says.close()
    os._exit(0)  # whatever threads the libraries have are not waited for


def in_own_process(task: Task, context: Any, timeout: float) -> Iterator[Any]:
    """Start a lesson's process; yields it once, and then what it told: ["made", ...] or ["failed", why].

    context : a context of multiprocessing. timeout : seconds after which it is given up.
    """
    hears, says = context.Pipe(duplex=False)
    process = context.Process(target=run, args=(task, (dict(os.environ), os.getcwd()), says), name="siyu lesson")
    try:
        process.start()
    finally:
        says.close()
    yield process
    try:
        yield json.loads(hears.recv_bytes()) if hears.poll(timeout) else ["failed", "it took too long and was stopped"]
    except (EOFError, OSError):
        process.join(1)
        yield ["failed", f"its process was ended from outside, or the memory was full (exit code {process.exitcode})"]


def children() -> list[Any]:
    """The processes of lessons that are running now."""
    return [process for process in multiprocessing.active_children() if process.name == "siyu lesson"]
