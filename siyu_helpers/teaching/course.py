"""The course: of each lesson's one source the students' and trainers' copies, slides and handouts, in one folder.

This is the coordinator of `siyu course`. It chooses the lessons, has them made side by side (`one_lesson`), moves what
is finished into place, and writes the index and the trainer's guides from course.json, which notes what is there.
"""

import hashlib
import importlib
import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from siyu_helpers.data import brands, cache
from siyu_helpers.data.contract import nearest
from siyu_helpers.reporting import publishing, workers
from siyu_helpers.teaching import one_lesson, sources
from siyu_helpers.teaching.one_lesson import OUTPUTS, Task
from siyu_helpers.teaching.sources import PARTS, Course, CourseError, Lesson

FILE = "course.json"
MAKER = "siyu course"
INDEXES = ("index.html", "zh/guide.html", "en/guide.html")
#: Processes are started one at a time, since that concerns this process as a whole.
STARTING = threading.Lock()


@dataclass
class Record:
    """What became of one lesson: "made" or "failed", on which brand, in how many seconds, and why not."""

    stem: str
    status: str
    brand: str = ""
    seconds: float = 0.0
    error: str = ""


def make(
    out: Path | str,
    languages: Iterable[str] = (),
    lessons: Iterable[str] = (),
    track: str = "",
    brand: str = "xiaoman",
    *,
    data_root: Path | str | None = None,
    folder: Path | str | None = None,
    jobs: int | None = None,
    plain: bool = False,
    progress: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """Write copies, slides, handouts, the index and the trainer's guides of a course into a folder.

    Parameters
    ----------
    out : path
        Where they go: a new or empty folder, or one that this has written before; what somebody has changed in it
        since is not overwritten.
    languages : iterable of "zh", "en"
        None means both.
    lessons : iterable of str
        Names or numbers ("04"); none means those of the track, or all.
    track : str
        A track of course.yml, such as "short".
    brand : str
        The invented brand that the lessons are held on. A lesson that cannot be held on it is held on the first that
        its module names.
    data_root, folder : path, optional
        Where brands are, and where course.yml and the notebooks are; the project's own unless told otherwise.
    jobs : int, optional
        Lessons made side by side; by default as many as there are cores, at most 4.
    plain : bool
        True starts every kernel from nothing.
    progress : callable
        Called with the Record of each lesson when it is done.

    Returns
    -------
    list of Record
        One a lesson, in the order of the course. What failed leaves the others, and its own files of before, whole.

    Raises
    ------
    CourseError
        A lesson, track, language or brand that does not exist, or a folder that holds other things. Nothing was run.
    OSError
        The folder cannot be written.
    """
    out = Path(out)
    course, spoken = sources.read_course(Path(folder) if folder else None), sources.languages(languages)
    chosen = course.choose(lessons, track)
    root = str(Path(data_root).resolve()) if data_root else ""
    held, failed = _brands_of(chosen, brand, root)
    there = _read(out, course)
    publishing.sweep(out)
    with publishing.Workplace(out) as temporary:
        tasks = [
            Task(lesson, spoken, held[lesson.stem], root, temporary / lesson.stem, 1, plain)
            for lesson in chosen
            if lesson.stem in held
        ]
        _refuse_changed(out, there, [path for task in tasks for path in _paths(task)])
        for record in failed:
            progress(record)
        try:
            made = _side_by_side(tasks, jobs or workers.usual_jobs(), out, there, temporary, progress)
        finally:
            if there["lessons"]:
                _write_indexes(out, course, there)
    order = list(course.lessons)
    return sorted([*made, *failed], key=lambda record: order.index(record.stem))


def _brands_of(chosen: list[Lesson], brand: str, root: str) -> tuple[dict[str, str], list[Record]]:
    """The brand that each lesson is held on, and records of lessons without a module that can be used."""
    modules, failed = {}, []
    for lesson in chosen:
        try:
            name = f"siyu_helpers.teaching.lessons.{lesson.stem.partition('_')[2]}"
            modules[lesson.stem] = tuple(importlib.import_module(name).BRANDS)
        except Exception as error:
            failed.append(Record(lesson.stem, "failed", error=f"its module cannot be used: {error}"))
    possible = list(dict.fromkeys(name for names in modules.values() for name in names))
    if modules and brand not in possible:
        near = nearest(brand, possible)
        hint = f" Did you mean {near}?" if near else ""
        raise CourseError(f"These lessons cannot be held on {brand!r}, only on: {', '.join(possible)}.{hint}")
    held = {stem: brand if brand in names else names[0] for stem, names in modules.items()}
    for name in dict.fromkeys(held.values()):
        try:
            brands.load(name, root or None)  # checked once here, not by all lessons at the same time
        except brands.UnknownBrandError:
            where, data = (root, f" --data {root}") if root else (cache.default_data_root(), "")
            raise CourseError(f"The brand {name} is not in {where}. Make it with: siyu sample {name}{data}") from None
        except brands.DataProblems as problems:
            raise CourseError(f"The brand {name} cannot be read; see: siyu check {name}\n{problems}") from None
    return held, failed


def _paths(task: Task) -> list[str]:
    return [f"{lang}/{kind}/{task.lesson.stem}.{ending}" for lang in task.languages for kind, ending in OUTPUTS.items()]


def _read(out: Path, course: Course) -> dict[str, Any]:
    """What course.json says is in the folder; a folder that holds other things only is refused."""
    if not out.exists():
        return {"made_by": MAKER, "lessons": {}, "files": {}}
    if not out.is_dir():
        raise CourseError(f"{out} is a file: name a folder with --out.")
    try:
        there = json.loads((out / FILE).read_text(encoding="utf-8"))
        if there["made_by"] == MAKER and isinstance(there["lessons"], dict) and isinstance(there["files"], dict):
            there["lessons"] = {stem: kept for stem, kept in there["lessons"].items() if stem in course.lessons}
            return there
    except (OSError, ValueError, KeyError, TypeError):
        pass
    if any(not path.name.startswith(".rendering-") for path in out.iterdir()):
        raise CourseError(f"{out} holds files that are not of a course: name a new or an empty folder with --out.")
    return {"made_by": MAKER, "lessons": {}, "files": {}}


def _refuse_changed(out: Path, there: dict[str, Any], paths: list[str]) -> None:
    """Refuse to write over what is not ours, or was changed since: somebody's answers or notes would be lost."""
    for path in [*paths, *INDEXES]:
        if (out / path).exists() and there["files"].get(path) != _hash(out / path):
            raise CourseError(
                f"{out / path} was changed since it was made: move it away, or name another folder with --out."
            )


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _side_by_side(
    tasks: list[Task], jobs: int, out: Path, there: dict[str, Any], temporary: Path, progress: Callable
) -> list[Record]:
    """Make lessons, each in a process of its own, and move the files of each into place when it is finished."""
    from multiprocessing import get_context

    from siyu_helpers.reporting import warm

    if not tasks:
        return []
    jobs = min(jobs, len(tasks))
    context = warm.context(tasks[0].plain) or get_context("spawn")
    tasks, records = [replace(task, beside=jobs) for task in tasks], []
    pool, ended = ThreadPoolExecutor(jobs), threading.Event()
    try:
        waiting = {pool.submit(_made, task, context, ended): task for task in tasks}
        for done in as_completed(waiting):
            task, (told, seconds) = waiting[done], done.result()
            record = Record(task.lesson.stem, told[0], task.brand, seconds)
            if told[0] == "made":
                _publish(task, told[1], out, there, temporary)
            else:
                record.error = told[1]
            records.append(record)
            progress(record)
    finally:
        with STARTING:  # so that none is started after these have been stopped
            ended.set()
            workers.stop(one_lesson.children())
        pool.shutdown(cancel_futures=True)
    return records


def _made(task: Task, context: Any, ended: threading.Event) -> tuple[list[Any], float]:
    """What the process of a lesson told, and how many seconds it took; none is started once all has `ended`."""
    from siyu_helpers.reporting import warm

    started = time.monotonic()
    steps = one_lesson.in_own_process(task, context, workers.PAGE_TIMEOUT)
    with STARTING, warm.hidden_main():
        if ended.is_set():
            return ["failed", "stopped"], 0.0
        process = next(steps)
    told = next(steps)
    workers.stop([process])
    return told, time.monotonic() - started


def _publish(task: Task, made: dict[str, Any], out: Path, there: dict[str, Any], temporary: Path) -> None:
    """Move a lesson's files into place, all or none, and note them in course.json."""
    aside = temporary / f"{task.lesson.stem}.before"
    aside.mkdir()
    publishing.publish([(task.folder / path, out / path) for path in made["files"]], aside)
    there["files"] |= {path: _hash(out / path) for path in made["files"]}
    kept = there["lessons"].setdefault(task.lesson.stem, {"titles": {}, "guide": {}, "brands": {}})
    for lang in task.languages:
        kept["titles"][lang], kept["guide"][lang] = made["titles"][lang], made["guide"][lang]
        kept["brands"][lang] = made["brand"]
    publishing.write_whole(out / FILE, json.dumps(there, ensure_ascii=False, indent=1) + "\n")


def _write_indexes(out: Path, course: Course, there: dict[str, Any]) -> None:
    """Write index.html and the trainer's guide of each language, of all lessons that are in the folder."""
    from siyu_helpers.teaching import sheets

    spoken = sorted({lang for kept in there["lessons"].values() for lang in kept["titles"]}, reverse=True)
    shown = [(course.lessons[stem], there["lessons"][stem]) for stem in course.lessons if stem in there["lessons"]]
    content = {"course": course, "lessons": shown, "languages": spoken, "outputs": OUTPUTS, "parts": PARTS}
    pages = {"index.html": sheets.fill("index.html.j2", **content)}
    for lang in spoken:
        pages[f"{lang}/guide.html"] = sheets.fill("guide.html.j2", lang=lang, **content)
    for path, html in pages.items():
        publishing.write_whole(out / path, html)
        there["files"][path] = hashlib.sha256(html.encode()).hexdigest()
    publishing.write_whole(out / FILE, json.dumps(there, ensure_ascii=False, indent=1) + "\n")
