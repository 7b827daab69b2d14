"""course.yml and the notebooks: what is read, what is refused, and that every lesson keeps the rules."""

import copy

import pytest
import yaml
from training import COURSE, LANGUAGES, STEMS, source

from siyu_helpers.teaching import sources
from siyu_helpers.teaching.sources import CourseError

EVERY_LESSON = pytest.mark.parametrize("stem", STEMS)
MINUTES = dict.fromkeys(sources.PARTS, 5)


def write(folder, lessons, tracks=None):
    content = {"lessons": lessons, "tracks": tracks or {}}
    (folder / "course.yml").write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    return folder


def test_there_are_two_tracks_and_at_least_eight_lessons():
    assert set(COURSE.tracks) == {"short", "half_day"}
    assert (COURSE.tracks["short"].minutes, len(STEMS) >= 8) == (90, True)


@EVERY_LESSON
def test_a_lesson_takes_half_an_hour_to_three_quarters(stem):
    assert 30 <= COURSE.lessons[stem].total <= 45
    spans = list(COURSE.lessons[stem].clock().values())
    assert [span[0] for span in spans] == [0, *(span[1] for span in spans[:-1])]
    assert spans[-1][1] == COURSE.lessons[stem].total


@pytest.mark.parametrize("track", COURSE.tracks)
def test_a_track_fits_into_its_minutes(track):
    chosen = COURSE.choose(track=track)
    assert [lesson.stem for lesson in chosen] == list(COURSE.tracks[track].lessons)
    assert sum(lesson.total for lesson in chosen) <= COURSE.tracks[track].minutes


@EVERY_LESSON
def test_every_lesson_keeps_the_rules(stem):
    assert sources.broken_rules(source(stem)) == []


def test_every_notebook_of_the_folder_is_a_lesson():
    assert sorted(path.stem for path in sources.LESSONS.glob("*.ipynb")) == sorted(STEMS)


def test_lessons_are_chosen_by_number_name_and_track():
    assert [lesson.stem for lesson in COURSE.choose(["04", STEMS[0]])] == [STEMS[0], STEMS[3]]
    assert len(COURSE.choose()) == len(STEMS)
    assert {lesson.stem for lesson in COURSE.choose(["12"], "short")} == {*COURSE.tracks["short"].lessons, STEMS[11]}


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ({"lessons": ["04_repurchase_cohort"]}, "Did you mean 04_repurchase_cohorts"),
        ({"lessons": ["99"]}, "There are: 01_"),
        ({"track": "halfday"}, "Did you mean half_day"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest_name(asked, near):
    with pytest.raises(CourseError, match=near):
        COURSE.choose(**asked)
    with pytest.raises(CourseError, match="There are: zh, en"):
        sources.languages(["fr"])


@pytest.mark.parametrize(
    ("lessons", "tracks", "why"),
    [
        ({"01_a": {**MINUTES, "team": 0}}, {}, "01_a needs whole minutes"),
        ({"01_a": {"scene": 5}}, {}, "01_a needs whole minutes"),
        ({"01_a": dict(reversed(MINUTES.items()))}, {}, "in this order"),
        ({"01_a": MINUTES}, {"t": {"name_zh": "", "name_en": "", "minutes": 29, "lessons": ["01_a"]}}, "take 30 min"),
        ({"01_a": MINUTES}, {"t": {"name_zh": "", "name_en": "", "minutes": 29, "lessons": ["01_b"]}}, "mean 01_a"),
        ({"01_a": MINUTES}, {"t": {"minutes": 90, "lessons": ["01_a"]}}, "not as it should be"),
        ([], {}, "not as it should be"),
    ],
)
def test_a_course_that_cannot_be_held_is_refused(tmp_path, lessons, tracks, why):
    with pytest.raises(CourseError, match=why):
        sources.read_course(write(tmp_path, lessons, tracks))


def test_a_missing_course_or_notebook_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(CourseError, match="notebooks/training"):
        sources.read_course(tmp_path)
    lesson = sources.read_course(write(tmp_path, {"01_a": MINUTES})).lessons["01_a"]
    with pytest.raises(CourseError, match="01_a: No such file"):
        sources.read_lesson(lesson)
    lesson.path.write_text("{", "utf-8")
    with pytest.raises(CourseError, match="01_a: not a notebook"):
        sources.read_lesson(lesson)


def first(notebook, tag):
    return next(cell for cell in notebook.cells if tag in sources.tags(cell))


def spoil_heading(notebook):
    cell = next(cell for cell in notebook.cells if sources.part_begun(cell, "en") == "case")
    cell.source = cell.source.replace("## Case", "## The case")


def spoil_answer(notebook):
    first(notebook, "answer").source = "answer = 3"


def spoil_markers(notebook):
    cell = first(notebook, "answer")
    cell.source = cell.source.replace(sources.END, "")


def spoil_mistakes(notebook):
    cell = next(cell for cell in notebook.cells if "room.mistakes(" in cell.source)
    cell.metadata["tags"] = []


def spoil_check(notebook):
    first(notebook, "check").source = "room.check(key, answer)"


def spoil_parameters(notebook):
    first(notebook, "parameters").metadata["tags"] = []


def spoil_handout(notebook):
    for cell in notebook.cells:
        cell.metadata["tags"] = [tag for tag in cell.metadata.get("tags", []) if tag != "handout"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_heading, "level-2 headings in en"),
        (spoil_answer, "an answer is tagged so"),
        (spoil_markers, "an answer is tagged so"),
        (spoil_mistakes, "must be tagged trainer"),
        (spoil_check, "by its name in quotes"),
        (spoil_parameters, "one cell tagged parameters"),
        (spoil_handout, "and a handout"),
    ],
)
def test_the_rules_can_be_broken(spoil, said):
    notebook = copy.deepcopy(source("04_repurchase_cohorts"))
    spoil(notebook)
    assert said in " ".join(sources.broken_rules(notebook))


@EVERY_LESSON
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_questions_are_found_with_their_checks(stem, lang):
    cells = sources.of_language(source(stem).cells, lang)
    asked = sources.questions(cells)
    checked = [sources.exercise_key(cell) for cell in cells if "check" in sources.tags(cell)]
    assert [key for key in asked.values() if key] == checked
    assert len(asked) == sum("answer" in sources.tags(cell) for cell in cells)
    assert all("handout" in sources.tags(cells[at]) for at in asked), "a question is missing on the handout"
