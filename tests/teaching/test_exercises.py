"""Exercises: every kind of answer that comes in gets one reply, the right one only within the tolerance."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

RIGHT, HINT = Words("对", "Right."), Words("想想分母", "Who is counted?")


def wrong(value, name="mistake"):
    return WrongAnswer(name, value, Words(f"错在{name}", f"Because of {name}."))


def share(right=0.4, tolerance=0.002, mistakes=(), unit="share"):
    return Exercise("share_back", right, unit, tolerance, RIGHT, HINT, tuple(mistakes))


def order():
    return Exercise(
        "order", ("a", "b", "c"), "", 0, RIGHT, HINT, (wrong(("c", "b", "a"), "reversed"),), ("a", "b", "c")
    )


def credit():
    return Exercise(
        "credit", {"ads": 0.6, "sms": 0.4}, "share", 0.005, RIGHT, HINT, (wrong({"ads": 0.2, "sms": 0.8}, "last"),)
    )


def choice():
    return Exercise("choice", "b", "", 0, RIGHT, HINT, (wrong("a", "by_name"),), ("a", "b", "c"))


ALL = [share(mistakes=[wrong(0.3)]), order(), credit(), choice()]
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(max_size=5),
    st.binary(max_size=3), st.lists(st.one_of(st.floats(), st.text(max_size=2)), max_size=4),
    st.dictionaries(st.sampled_from(["ads", "sms", "x"]), st.one_of(st.floats(), st.text(max_size=2), st.none())),
)  # fmt: skip


@pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.key)
@given(answer=ANYTHING)
def test_any_answer_gets_a_reply_in_both_languages(exercise, answer):
    reply = exercise.check(answer)
    assert reply.kind in ("right", "recognised", "not yet", "no answer")
    assert reply.text.zh
    assert reply.text.en
    assert bool(reply.name) == (reply.kind == "recognised")


@given(
    right=st.floats(-1e6, 1e6), tolerance=st.floats(1e-4, 10), far=st.floats(0, 5), up=st.booleans(),
)  # fmt: skip
def test_an_answer_is_right_within_the_tolerance_and_only_there(right, tolerance, far, up):
    assume(abs(far - 1) > 1e-6)
    answer = right + (far if up else -far) * tolerance
    reply = share(right, tolerance, unit="orders").check(answer)
    assert (reply.kind == "right") == (far < 1)
    if far > 1:
        assert reply.text.en.startswith("Not yet: too high" if up else "Not yet: too low")
        assert reply.text.zh.endswith(HINT.zh)


def test_the_edge_of_the_tolerance_is_right_whatever_the_sum_rounds_to():
    assert share(0.3, 0.1).check(0.4).kind == "right"  # 0.4 - 0.3 is a hair above 0.1 in floating point
    assert share(0.3, 0.1).check(0.2).kind == "right"
    assert share(0.3, 0.1).check(0.41).kind == "not yet"


@given(st.permutations([0.1, 0.2, 0.3, 0.5]))
def test_mistakes_are_recognised_in_whatever_order_they_are_listed(values):
    exercise = share(mistakes=[wrong(value, f"m{value}") for value in values])
    for value in values:
        assert (exercise.check(value).kind, exercise.check(value).name) == ("recognised", f"m{value}")
        assert f"m{value}" in exercise.check(value + 0.001).text.en


def test_between_two_mistakes_the_nearer_is_meant():
    exercise = share(tolerance=0.02, mistakes=[wrong(0.30, "low"), wrong(0.33, "high")])
    assert exercise.check(0.312).name == "low"
    assert exercise.check(0.318).name == "high"


@given(right=st.floats(0.05, 0.95), scale=st.floats(0.999, 1.001))
def test_a_percentage_for_a_share_is_told_by_its_unit_and_so_is_a_share_for_points(right, scale):
    slipped = share(right, 0.005).check(100 * right * scale)
    assert (slipped.kind, slipped.name) == ("recognised", "percent_for_share")
    slipped = share(100 * right, 0.5, unit="percentage points").check(right * scale)
    assert slipped.name in ("share_for_percent", "")
    if right > 0.5:
        assert slipped.name == "share_for_percent"


def test_a_unit_slip_is_not_looked_for_in_other_units():
    assert share(0.4, 0.002, unit="orders per customer").check(40).kind == "not yet"


@pytest.mark.parametrize("answer", [math.nan, math.inf, -math.inf, np.nan, np.float64("nan"), pd.NA, pd.NaT])
def test_what_is_no_number_is_said_to_be_none(answer):
    assert "one number" in share().check(answer).text.en


@pytest.mark.parametrize(
    "answer",
    ["0.4", "", True, False, np.bool_(True), [0.4], (0.4,), {}, [], pd.Series(dtype=float), pd.Series([0.4, 0.4]),
     pd.DataFrame({"a": [0.4], "b": [0.5]}), object(), len],
    ids=repr,
)  # fmt: skip
def test_another_thing_than_a_number_is_said_to_be_none(answer):
    reply = share().check(answer)
    assert reply.kind == "not yet"
    assert "one number" in reply.text.en


@pytest.mark.parametrize(
    "answer",
    [0.4, np.float64(0.4), np.float32(0.4), np.array(0.4), np.array([0.4]), pd.Series([0.4]), pd.Series([0.4], ["x"]),
     pd.DataFrame({"a": [0.4]}), pd.Series([0.4], dtype="Float64")],
    ids=lambda answer: type(answer).__name__,
)  # fmt: skip
def test_one_number_in_any_wrapping_is_that_number(answer):
    assert share().check(answer).kind == "right"


def test_whole_numbers_of_any_kind_are_numbers():
    exercise = share(3, 0.5, unit="orders")
    assert {exercise.check(answer).kind for answer in (3, np.int64(3), np.array([3]), pd.Series([3]))} == {"right"}


@pytest.mark.parametrize("answer", [None, ..., Ellipsis])
def test_no_answer_yet(answer):
    for exercise in ALL:
        assert exercise.check(answer).kind == "no answer"


@given(st.permutations(["a", "b", "c"]))
def test_an_order_is_right_in_its_order_only(names):
    replies = {type(given): order().check(given) for given in (list(names), tuple(names))}
    kind = {"a b c": "right", "c b a": "recognised"}.get(" ".join(names), "not yet")
    assert {reply.kind for reply in replies.values()} == {kind}


@pytest.mark.parametrize("answer", [["a", "b", "x"], "abc", 3, {"a": 1}, [["a"], "b"]])
def test_names_that_are_not_of_the_exercise_are_told_which_are(answer):
    assert "taken from: a, b, c" in order().check(answer).text.en


def test_names_come_from_columns_too():
    assert order().check(pd.Index(["a", "b", "c"])).kind == "right"
    assert order().check(np.array(["c", "b", "a"])).name == "reversed"
    assert order().check(pd.Series(["a", "b", "c"]).to_list()).kind == "right"
    assert order().check(["a", "b"]).kind == "not yet"


@pytest.mark.parametrize("answer", [" B ", "b", "B", np.str_("b"), np.array("b")])
def test_a_choice_may_be_written_large_or_with_a_space(answer):
    assert choice().check(answer).kind == "right"


@pytest.mark.parametrize("answer", ["d", "", "bb", 2, ["b", "c"], True, math.nan])
def test_no_choice_is_told_the_choices(answer):
    assert "one of: a, b, c" in choice().check(answer).text.en


def test_numbers_by_name():
    assert credit().check({"sms": 0.4, "ads": 0.6}).kind == "right"
    assert credit().check(pd.Series({"ads": 0.6, "sms": 0.4})).kind == "right"
    assert credit().check({"ads": np.float64(0.204), "sms": 0.8}).name == "last"
    assert credit().check({"ads": 0.61, "sms": 0.4}).kind == "not yet"


@pytest.mark.parametrize(
    "answer",
    [{"ads": 0.6}, {"ads": 0.6, "sms": 0.4, "x": 0}, {"ads": 0.6, "sms": math.nan}, {"ads": "a", "sms": 0.4}, 0.6,
     "ads", {"ads": True, "sms": 0.4}, pd.DataFrame({"ads": [0.6], "sms": [0.4]}), []],
    ids=repr,
)  # fmt: skip
def test_numbers_by_other_names_are_told_the_names(answer):
    assert "each of: ads, sms" in credit().check(answer).text.en


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: share(tolerance=0), "tolerance above 0"),
        (lambda: share(tolerance=math.nan), "tolerance above 0"),
        (lambda: share(right=math.nan), "not an answer"),
        (lambda: share(right="b"), "not an answer"),
        (lambda: share(mistakes=[wrong(0.401)]), "mistake and right give the same"),
        (lambda: share(mistakes=[wrong(0.3, "a"), wrong(0.301, "b")]), "b and a give the same"),
        (lambda: share(mistakes=[wrong(math.nan)]), "not an answer"),
        (lambda: Exercise("c", "d", "", 0, RIGHT, HINT, (), ("a", "b")), "not an answer"),
        (lambda: Exercise("c", "a", "", 0, RIGHT, HINT, (wrong("a"),), ("a", "b")), "give the same"),
    ],
)
def test_an_exercise_that_could_not_tell_its_answers_apart_is_refused(make, why):
    with pytest.raises(ValueError, match=why):
        make()


@given(value=st.floats(-1e6, 1e6))
def test_no_reply_to_a_wrong_answer_shows_the_right_one(value):
    exercise = share(0.43217, 0.001, [wrong(0.3)])
    reply = exercise.check(value)
    assume(reply.kind != "right")
    for text in reply.text:
        assert "0.43" not in text
        assert "43.2" not in text
