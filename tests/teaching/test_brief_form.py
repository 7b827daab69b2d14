"""The form of a brief: what is missing or cannot be read is said, in both languages; what can be read is read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.analysis.estimates import Estimate, Words
from siyu_helpers.teaching import brief_form

FORM = {
    "verdict": "b", "gain": (0.5, 0.3, 0.7), "growth": [0.1, 0.05, 0.15], "probability": 0.8, "evidence": "C",
    "messages": 4, "find_out": "", "trade_off": "",
}  # fmt: skip


def test_a_complete_form_is_read():
    assert brief_form.complaints(FORM) == {}
    assert brief_form.read_form(FORM) == {
        "verdict": "pilot", "gain": (0.5, 0.3, 0.7), "growth": (0.1, 0.05, 0.15), "probability": 0.8,
        "evidence": "not identified here", "messages": 4.0,
    }  # fmt: skip


def test_an_empty_form_lacks_everything_that_is_scored():
    assert set(brief_form.complaints({})) == set(brief_form.POINTS)


@pytest.mark.parametrize("item", list(brief_form.POINTS))
@pytest.mark.parametrize("answer", [..., None, "", "  "])
def test_what_is_missing_is_said(item, answer):
    found = brief_form.complaints({**FORM, item: answer})
    assert list(found) == [item]
    assert "还缺" in found[item].zh
    assert "still missing" in found[item].en


@pytest.mark.parametrize(("item", "answer"), [
    ("verdict", "f"), ("verdict", 1), ("verdict", ("build",)), ("evidence", "quite strong"),
    ("gain", 0.5), ("gain", (0.3, 0.5)), ("gain", (0.8, 0.3, 0.7)), ("gain", (0.5, 0.7, 0.3)), ("gain", "0.5"),
    ("gain", (0.5, float("nan"), 0.7)), ("gain", (0.5, -float("inf"), 0.7)), ("gain", {"value": 1}),
    ("growth", (10, 5, 15)), ("probability", 80), ("probability", -0.1), ("probability", "0.8"), ("probability", True),
    ("probability", float("nan")), ("messages", -1), ("messages", 100), ("messages", [4, 5]),
])  # fmt: skip
def test_what_cannot_be_read_is_said(item, answer):
    found = brief_form.complaints({**FORM, item: answer})
    assert list(found) == [item]
    with pytest.raises(ValueError, match=brief_form.ITEMS[item].zh):
        brief_form.read_form({**FORM, item: answer})


@pytest.mark.parametrize(("item", "answer", "read"), [
    ("verdict", "先试点", "pilot"), ("verdict", " Fix First ", "fix first"), ("verdict", "e.", "cannot be judged"),
    ("verdict", "Do not build", "do not"), ("verdict", "do not", "do not"), ("verdict", "不建", "do not"),
    ("evidence", "a", "strong"), ("evidence", "有一定证据", "suggestive"),
    ("evidence", "无法判定", "not identified here"),
    ("evidence", "not identified", "not identified here"), ("probability", np.float64(0.5), 0.5), ("messages", 0, 0.0),
    ("gain", np.array([1.0, 0.0, 2.0]), (1.0, 0.0, 2.0)), ("gain", (0, 0, 0), (0.0, 0.0, 0.0)),
])  # fmt: skip
def test_words_letters_and_numbers_are_read(item, answer, read):
    assert brief_form.read_form({**FORM, item: answer})[item] == read


def test_an_estimate_is_an_interval():
    found = Estimate(0.4, 0.1, 0.7, 0.9, 100, "orders per customer", Words("甲", "a"), test_an_estimate_is_an_interval)
    assert brief_form.read_form({**FORM, "gain": found})["gain"] == (0.4, 0.1, 0.7)


def test_a_slip_of_the_pen_is_told():
    found = brief_form.complaints({**FORM, "verdikt": "a"})
    assert list(found) == ["verdikt"]
    assert "verdict" in found["verdikt"].en


@given(st.sampled_from(list(brief_form.POINTS)), st.one_of(
    st.none(), st.text(), st.floats(), st.integers(), st.lists(st.floats()), st.booleans(), st.binary(),
    st.dictionaries(st.text(), st.integers()), st.just(object()),
))  # fmt: skip
def test_nothing_that_is_written_ends_in_a_traceback(item, answer):
    found = brief_form.complaints({**FORM, item: answer})
    assert set(found) <= {item}
    assert all(said.zh and said.en for said in found.values())
