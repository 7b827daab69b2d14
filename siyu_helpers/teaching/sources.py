"""Sources: course.yml and the one notebook a lesson, read and held against the rules that everything made of it needs.

A lesson's notebook carries both languages, the answers and what only trainers see; tags say which cell is what.
"""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.data.cache import PROJECT
from siyu_helpers.data.contract import nearest
from siyu_helpers.reporting.words import LANGUAGES

LESSONS = PROJECT / "notebooks" / "training"
#: The parts of a lesson in order, as the tags of cells and the level-2 headings name them.
PARTS = {
    "scene": Words("场景", "Scene"),
    "concept": Words("概念", "Concept"),
    "case": Words("品牌案例", "Case"),
    "task": Words("任务", "Task"),
    "team": Words("小组任务", "Team task"),
    "debrief": Words("复盘", "Debrief"),
}
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


class CourseError(ValueError):
    """A lesson, track or language that does not exist, or a source that breaks a rule of its kind."""


@dataclass(frozen=True)
class Lesson:
    """One lesson: its notebook, and how many minutes each part takes."""

    stem: str
    path: Path
    minutes: dict[str, int]

    @property
    def total(self) -> int:
        """Minutes of the whole lesson."""
        return sum(self.minutes.values())

    @property
    def number(self) -> str:
        """The two digits that its name begins with."""
        return self.stem.partition("_")[0]

    def clock(self) -> dict[str, tuple[int, int]]:
        """When each part begins and ends, in minutes from the beginning of the lesson.

        >>> Lesson("01_pool", Path("01_pool.ipynb"), {"scene": 3, "concept": 8}).clock()
        {'scene': (0, 3), 'concept': (3, 11)}
        """
        ends = list(itertools.accumulate(self.minutes.values()))
        return dict(zip(self.minutes, zip([0, *ends], ends, strict=False), strict=True))


@dataclass(frozen=True)
class Track:
    """A choice of lessons that fits into so many minutes."""

    key: str
    name: Words
    minutes: int
    lessons: tuple[str, ...]


@dataclass(frozen=True)
class Course:
    """All lessons in order, and the tracks."""

    lessons: dict[str, Lesson]
    tracks: dict[str, Track]

    def choose(self, lessons: Iterable[str] = (), track: str = "") -> list[Lesson]:
        """The lessons asked for by number ("04") or name, those of a track, or all; in the order of the course.

        Raises
        ------
        CourseError
            There is no such lesson or track; the message names the nearest.
        """
        stems = {name: stem for stem, lesson in self.lessons.items() for name in (stem, lesson.number)}
        wanted = {stems[_known(name.removesuffix(".ipynb"), stems, self.lessons, "lesson")] for name in lessons}
        if track:
            wanted |= set(self.tracks[_known(track, self.tracks, self.tracks, "track")].lessons)
        return [lesson for stem, lesson in self.lessons.items() if stem in wanted or not (wanted or track)]


def _known(name: str, names: Iterable[str], listed: Iterable[str], kind: str) -> str:
    if name in names:
        return name
    near = nearest(name, names)
    hint = f" Did you mean {near}?" if near else f" There are: {', '.join(listed)}."
    raise CourseError(f"There is no {kind} {name!r}.{hint}")


def languages(asked: Iterable[str] = ()) -> tuple[str, ...]:
    """The languages asked for, or both.

    >>> languages(["eng"])
    Traceback (most recent call last):
    siyu_helpers.teaching.sources.CourseError: There is no language 'eng'. Did you mean en?
    """
    wanted = {_known(lang, LANGUAGES, LANGUAGES, "language") for lang in asked}
    return tuple(lang for lang in LANGUAGES if lang in wanted or not wanted)


def read_course(folder: Path | None = None) -> Course:
    """Read course.yml: the lessons with their minutes, and the tracks.

    Parameters
    ----------
    folder : path, optional
        Where course.yml and the notebooks are; notebooks/training unless told otherwise.

    Raises
    ------
    CourseError
        The file is not there or not as it should be: parts that are missing or unknown, minutes that are not whole
        numbers, a track of lessons that do not exist or that do not fit into it.
    """
    folder = Path(folder or LESSONS)
    try:
        read = yaml.safe_load((folder / "course.yml").read_text(encoding="utf-8"))
        lessons = {stem: _lesson(stem, parts, folder) for stem, parts in read["lessons"].items()}
        tracks = {key: _track(key, entry, lessons) for key, entry in read["tracks"].items()}
    except OSError as error:
        raise CourseError(f"{error.filename}: {error.strerror}. The lessons are in notebooks/training.") from None
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(f"{folder / 'course.yml'} is not as it should be: {' '.join(str(error).split())}") from None
    return Course(lessons, tracks)


def _lesson(stem: str, minutes: dict[str, int], folder: Path) -> Lesson:
    if list(minutes) != list(PARTS) or not all(isinstance(taken, int) and taken > 0 for taken in minutes.values()):
        raise CourseError(f"course.yml: {stem} needs whole minutes for {', '.join(PARTS)}, in this order.")
    return Lesson(stem, folder / f"{stem}.ipynb", dict(minutes))


def _track(key: str, entry: dict[str, Any], lessons: dict[str, Lesson]) -> Track:
    chosen = tuple(_known(stem, lessons, lessons, "lesson") for stem in entry["lessons"])
    taken = sum(lessons[stem].total for stem in chosen)
    if taken > entry["minutes"]:
        raise CourseError(f"course.yml: the lessons of {key} take {taken} minutes, it has {entry['minutes']}.")
    return Track(key, Words(entry["name_zh"], entry["name_en"]), entry["minutes"], chosen)


def read_lesson(lesson: Lesson) -> Any:
    """A lesson's notebook as nbformat reads it, held against the rules of its kind.

    Raises
    ------
    CourseError
        The notebook is not there or cannot be read, or breaks a rule; the message says which.
    """
    import nbformat

    try:
        notebook = nbformat.read(lesson.path, as_version=4)
    except OSError as error:
        raise CourseError(f"{lesson.stem}: {error.strerror}: {lesson.path}") from None
    except Exception as error:
        raise CourseError(f"{lesson.stem}: not a notebook ({type(error).__name__}): {lesson.path}") from None
    broken = broken_rules(notebook)
    if broken:
        raise CourseError(f"{lesson.stem}: {broken[0]}")
    return notebook


def tags(cell: Any) -> set[str]:
    """The tags of a cell."""
    return set(cell["metadata"].get("tags", []))


def text(cell: Any) -> str:
    """The source of a cell, however the notebook was read."""
    return "".join(cell["source"])


def of_language(cells: Iterable[Any], lang: str) -> list[Any]:
    """The cells of one language: its own texts and all code."""
    return [cell for cell in cells if not tags(cell) & set(LANGUAGES) or lang in tags(cell)]


def part_begun(cell: Any, lang: str) -> str:
    """The part that a cell's heading begins, "" where it begins none."""
    found = re.match(r"## (.+)", text(cell)) if cell["cell_type"] == "markdown" else None
    return next((part for part, name in PARTS.items() if found and name.text(lang) == found[1].strip()), "")


def questions(cells: list[Any]) -> dict[int, str]:
    """Where the questions of a lesson stand, in one language: place of the text -> key of its check, "" without one."""
    found, asked = {}, None
    for at, cell in enumerate(cells):
        if cell["cell_type"] == "markdown" and "trainer" not in tags(cell):
            asked = at
        elif tags(cell) & {"answer", "check"} and asked is not None:
            found[asked] = exercise_key(cell) if "check" in tags(cell) else found.get(asked, "")
    return found


def exercise_key(cell: Any) -> str:
    """The exercise that a check or a list of mistakes is about; "" where it names none.

    >>> exercise_key({"source": 'room.check("ordered_again", answer)'})
    'ordered_again'
    """
    found = re.search(r"room\.(?:check|mistakes|hint)\(\s*[\"'](\w+)[\"']", text(cell))
    return found[1] if found else ""


def broken_rules(notebook: Any) -> list[str]:
    """What a lesson's notebook breaks of the rules that its copies, slides and handout need; empty where none."""
    cells, said = notebook["cells"], []
    for lang in LANGUAGES:
        begun = [part for cell in of_language(cells, lang) if (part := part_begun(cell, lang))]
        if begun != list(PARTS):
            names = ", ".join(name.text(lang) for name in PARTS.values())
            said.append(f"its level-2 headings in {lang} must be {names}, each once and in this order")
    if sum("parameters" in tags(cell) for cell in cells) != 1:
        said.append("it needs one cell tagged parameters")
    keys = []
    for at, cell in enumerate(cells):
        marked, source = tags(cell), text(cell)
        if source.count(BEGIN) != source.count(END) or ("answer" in marked) != (BEGIN in source):
            said.append(f"cell {at}: an answer is tagged so and stands between {BEGIN} and {END}")
        if "room.mistakes(" in source and "trainer" not in marked:
            said.append(f"cell {at}: room.mistakes gives the answers away and must be tagged trainer")
        if "check" in marked:
            keys.append(exercise_key(cell))
    if not all(keys) or len(set(keys)) != len(keys):
        said.append("each cell tagged check asks for one exercise, by its name in quotes, and no two for the same")
    if not keys or not any("handout" in tags(cell) for cell in cells) or not any("slide" in tags(c) for c in cells):
        said.append("it needs questions, slides and a handout")
    return said
