"""The classroom: what a lesson's notebook shows for an answer, a hint, the mistakes and a case."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.data.brands import UnknownBrandError
from siyu_helpers.teaching import classroom
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

SAID = Words("对了 <b>", "Right & good.")
HINT = Words("想想 <i>", "Think & look.")
ZEROS = WrongAnswer("zeros_for_blanks", 0.3, Words("填了零", "Blanks were filled."))


def lesson(brand, tables):
    return (
        Exercise("back", 0.4, "share", 0.002, SAID, HINT, (ZEROS,)),
        Exercise("order", ("a", "b"), "", 0, SAID, HINT, (), ("a", "b")),
        Exercise("credit", {"ads": 0.6, "sms": 0.4}, "share", 0.01, SAID, HINT),
        Exercise("which", "b", "", 0, SAID, HINT, (), ("a", "b")),
    )


@pytest.fixture
def room(write_brand, data_root, monkeypatch, shown):
    write_brand()
    module = SimpleNamespace(
        SETTINGS={"age": 3}, exercises=lesson, tables=lambda brand: {"orders": brand.table("orders")}
    )
    monkeypatch.setattr(classroom, "lesson_module", lambda stem: module)
    return lambda lang="en": classroom.open_lesson("01_x", "tiny", lang, data_root)


def visible(shown):
    return [re.sub(r"<[^>]+>", "", html) for html, _ in shown]


def test_it_hands_out_tables_and_settings(room):
    opened = room()
    assert len(opened.tables["orders"]) == 90
    assert opened.settings == {"age": 3}
    opened.settings["age"] = 4
    assert room().settings == {"age": 3}


def test_a_right_answer_is_confirmed_and_counted(room, shown):
    opened = room()
    opened.check("back", 0.4)
    opened.check("order", ["a", "b"])
    opened.check("back", pd.Series([0.401]))
    assert visible(shown)[0] == "✔ Right &amp; good. Right so far: 1 of 4."
    assert "Right so far: 2 of 4." in visible(shown)[2]
    opened.check("back", 0.3)
    assert visible(shown)[3] == "✘ Blanks were filled. Right so far: 1 of 4."


def test_both_languages_are_told_one_after_the_other(room, shown):
    room("both").check("back", 0.5)
    assert [metadata["lang"] for _, metadata in shown] == ["zh", "en"]
    assert "还不对：偏高。想想 &lt;i&gt;" in visible(shown)[0]
    assert "Not yet: too high. Think &amp; look." in visible(shown)[1]


def test_no_answer_yet(room, shown):
    room("zh").check("back", ...)
    assert visible(shown)[0].startswith("… 还没有作答。")


def test_what_a_student_answers_is_never_markup(room, shown):
    room().check("which", "<script>alert(1)</script>")
    assert "<script>" not in shown[0][0]


def test_a_hint_does_not_answer(room, shown):
    room().hint("back")
    assert visible(shown) == ["Think &amp; look."]


def test_mistakes_are_listed_with_the_right_answer_for_each_kind(room, shown):
    opened = room()
    for key in ("back", "order", "credit", "which"):
        opened.mistakes(key)
    first, order, credit, which = visible(shown)
    assert "40.0%" in first
    assert "right within 0.2 percentage points" in first
    assert "30.0%Blanks were filled." in first
    assert "a, b" in order
    assert "ads 60.0%; sms 40.0%" in credit
    assert "Right answerb" in which
    assert all(metadata["role"] == "mistakes" for _, metadata in shown)


def test_an_unknown_exercise_lesson_or_brand_is_refused(room, data_root, monkeypatch):
    with pytest.raises(ValueError, match=r"no exercise 'bak'; it has: back, order, credit, which"):
        room().check("bak", 1)
    with pytest.raises(UnknownBrandError):
        classroom.open_lesson("01_x", "nobody", "en", data_root)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="no lesson '99_nothing'"):
        classroom.open_lesson("99_nothing")


def test_a_module_that_breaks_on_import_says_why(monkeypatch):
    def broken(name):
        raise ModuleNotFoundError("No module named 'pandass'", name="pandass")

    monkeypatch.setattr(classroom.importlib, "import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="pandass"):
        classroom.lesson_module("01_x")


def test_a_case_is_shown_as_a_card(room, shown, data_root):
    opened = room("both")
    opened._data_root = None  # the public facts of the project
    opened.case("cl001")
    assert [metadata["role"] for _, metadata in shown] == ["case", "case"]
    assert 'class="siyu-case"' in shown[0][0]
