"""Every lesson on every brand it can be held on: a student's copy is worked through as a student does, in this process.

With the right answers every check passes; each listed wrong answer gets its own explanation; nothing gives the right
answer away.
"""

import functools
import math
import re

import pytest
from training import COURSE, STEMS, checks, holds, numbers_in, run, source, texts_of

from siyu_helpers.data import cache, samples
from siyu_helpers.data.simulate import RECIPES
from siyu_helpers.reporting import ledger
from siyu_helpers.teaching import classroom, copies, sources

BRANDS = [(stem, brand) for stem in STEMS for brand in classroom.lesson_module(stem).BRANDS]
#: In `make test` a lesson is held on one of its brands, each on another in turn; on all of them with `-m full`.
IN_TURN = [holds[at % len(holds)] for at, holds in enumerate(classroom.lesson_module(stem).BRANDS for stem in STEMS)]
EVERY_BRAND = pytest.mark.parametrize(
    ("stem", "brand"),
    [
        pytest.param(stem, brand, marks=() if IN_TURN[STEMS.index(stem)] == brand else pytest.mark.full)
        for stem, brand in BRANDS
    ],
)
EVERY_LESSON = pytest.mark.parametrize("stem", STEMS)


@pytest.fixture(scope="module", autouse=True)
def invented_brands():
    """The lessons are held on the brands as they are shipped: those that are not there are made, once."""
    missing = [name for name in RECIPES if not (cache.default_data_root() / name).exists()]
    if missing:
        samples.make(missing)
    yield
    solved.cache_clear()  # the tables of every lesson on every brand
    unanswered.cache_clear()


def executed(copy):
    """A copy run in this process: its names, what it showed, the values its cells end with."""
    sent = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "display", lambda data, metadata, raw: sent.append((data["text/html"], metadata["siyu"])))
        names, values = run(copy)
    return names, sent, values


@functools.cache
def unanswered(stem):
    """A student's copy on the first of the lesson's brands, run as it is handed out."""
    return executed(copies.student_copy(source(stem), "zh", classroom.lesson_module(stem).BRANDS[0]))


@functools.cache
def solved(stem, brand):
    """A trainer's copy on one brand: what it showed by the end, and its classroom."""
    names, sent, _ = executed(copies.trainer_copy(source(stem), COURSE.lessons[stem], "zh", brand))
    return names, sent


def exercises(stem, brand):
    return solved(stem, brand)[0]["room"].exercises


def said_to(stem, brand, key, answer, shown):
    """What the check cell of a student's copy shows for an answer."""
    names = solved(stem, brand)[0]
    shown.clear()
    exec(checks(copies.student_copy(source(stem), "zh", brand))[key], {**names, "answer": answer})
    return [re.sub(r"<[^>]+>", "", html) for html, metadata in shown if metadata["role"] == "reply"]


@EVERY_LESSON
def test_an_unanswered_copy_runs_and_says_that_answers_are_missing(stem):
    names, sent, _ = unanswered(stem)
    missing = [html for html, metadata in sent if metadata["role"] == "reply" and "还没有作答" in html]
    assert len(missing) == len(names["room"].exercises) > 0
    assert not any(metadata["role"] == "mistakes" for _, metadata in sent)


@EVERY_LESSON
def test_an_unanswered_copy_shows_no_right_answer(stem):
    """The value that a cell ends with is shown below it: the team's task, say, must not compute a question's answer."""
    names, sent, values = unanswered(stem)
    single = [float(value) for value in values if isinstance(value, int | float) or getattr(value, "ndim", None) == 0]
    replies = " ".join(html for html, metadata in sent if metadata["role"] == "reply")
    for key, exercise in names["room"].exercises.items():
        for number in numbers_in(exercise.right):
            near = [value for value in single if math.isclose(value, number, abs_tol=exercise.tolerance)]
            assert near == [], f"a cell shows the answer of {key}"
        assert holds(replies, exercise.right) == [], f"a reply shows the answer of {key}"


@EVERY_LESSON
def test_a_lesson_shows_a_case_that_claims_something_and_says_how_good_its_evidence_is(stem):
    _, sent, _ = unanswered(stem)
    cards = [html for html, metadata in sent if metadata["role"] == "case"]
    assert cards
    for card in cards:
        assert re.search(r"<blockquote[^>]*><p>\s*\S.*?</p>", card), card[:200]
        assert "证据等级" in card


@EVERY_BRAND
def test_each_question_is_checked_once(stem, brand):
    assert set(checks(source(stem))) == set(exercises(stem, brand))


@EVERY_BRAND
def test_the_right_answers_pass_every_check(stem, brand, shown):
    for key, exercise in exercises(stem, brand).items():
        told = said_to(stem, brand, key, exercise.right, shown)
        assert len(told) == 1
        assert exercise.confirmation.zh in told[0], key
    counted = len(exercises(stem, brand))
    assert f"已答对 {counted} 题，共 {counted} 题" in told[0]


@EVERY_BRAND
def test_each_wrong_answer_gets_its_own_explanation(stem, brand, shown):
    for key, exercise in exercises(stem, brand).items():
        assert len(exercise.wrong) >= 1, key
        for mistake in exercise.wrong:
            reply = exercise.check(mistake.value)
            assert (reply.kind, reply.name) == ("recognised", mistake.name), key
            assert mistake.explanation.zh in said_to(stem, brand, key, mistake.value, shown)[0], key


@EVERY_BRAND
def test_no_explanation_gives_the_right_answer_away(stem, brand):
    for key, exercise in exercises(stem, brand).items():
        told = [exercise.hint, *(mistake.explanation for mistake in exercise.wrong)]
        for words in told:
            for text in words:
                assert holds(text, exercise.right) == [], f"{key}: {text}"
        if isinstance(exercise.right, str):
            for words in told:
                assert not re.search(rf"(?:应当选|正确答案是|应选) ?{exercise.right}\b", words.zh), key
                assert not re.search(rf"\b(?:answer is|choose) {exercise.right}\b", words.en), key


@EVERY_BRAND
def test_rounding_passes_and_a_few_tolerances_do_not(stem, brand):
    for key, exercise in exercises(stem, brand).items():
        if isinstance(exercise.right, float):
            for side in (-1, 1):
                assert exercise.check(exercise.right + side * 0.99 * exercise.tolerance).kind == "right", key
                assert exercise.check(exercise.right + side * 1.01 * exercise.tolerance).kind != "right", key


@EVERY_LESSON
def test_no_copy_or_handout_holds_the_value_of_a_right_answer(stem):
    for brand in classroom.lesson_module(stem).BRANDS:
        for key, exercise in exercises(stem, brand).items():
            for cell in source(stem).cells:
                if not sources.tags(cell) & {"trainer", "answer"}:
                    assert holds(cell.source, exercise.right) == [], f"{key} on {brand}: {cell.source[:60]}"


@EVERY_BRAND
def test_the_model_solutions_are_right(stem, brand):
    """A trainer's copy answers all its questions rightly; the brand it was written with is one of several."""
    names, sent = solved(stem, brand)
    counted = len(names["room"].exercises)
    last = [html for html, metadata in sent if metadata["role"] == "reply"]
    assert any(f"已答对 {counted} 题，共 {counted} 题" in html for html in last)
    assert sum(metadata["role"] == "mistakes" for _, metadata in sent) == counted


def test_the_looks_of_an_answer_are_found():
    assert holds("it is 14.2%", 0.14213)
    assert holds("it is 0.142", 0.14213)
    assert holds("1,235 customers", 1234.6)
    assert holds("wecom, sms", ("wecom", "sms"))
    assert not holds("in 2014.25 or 114.2", 0.14213)
    assert texts_of("a") == set()
    assert texts_of(3.0) == {look for look in texts_of(3.0) if len(re.sub(r"\D", "", look)) > 2}
