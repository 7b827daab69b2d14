"""Paths against tables worked by hand, and what must hold for any table of paths."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from siyu_helpers.analysis.attribution import paths


def table(*rows, **more):
    """A table of journeys from (path, conversions, value, nulls) rows."""
    return pd.DataFrame(list(rows), columns=["path", "conversions", "value", "nulls"]).assign(**more)


# --- into numbers ---


def test_channels_are_numbered_by_the_alphabet_and_rows_keep_their_order():
    made = paths.encode(table((("b", "c", "b"), 1, 30.0, 4), (("a",), 0.5, 0, 0)))
    assert made.channels == ("a", "b", "c")
    assert made.codes.tolist() == [1, 2, 1, 0]
    assert made.starts.tolist() == [0, 3, 4]
    assert made.lengths.tolist() == [3, 1]
    assert made.rows.tolist() == [0, 0, 0, 1]
    assert (made.conversions.tolist(), made.value.tolist(), made.nulls.tolist()) == ([1, 0.5], [30, 0], [4, 0])
    assert made.hours is None


def test_lists_are_paths_too_and_what_is_not_known_is_zero():
    made = paths.encode(pd.DataFrame({"path": [["(start)", ">"]], "conversions": [2]}))
    assert (made.channels, made.value.tolist(), made.nulls.tolist()) == (("(start)", ">"), [0], [0])


def test_hours_are_aligned_with_touches():
    made = paths.encode(table((("a", "b"), 1, 9, 0), (("a",), 0, 0, 1), hours_before_end=[(5, 0.5), (0,)]))
    assert made.hours.tolist() == [5, 0.5, 0]


def test_an_empty_table_has_no_channels():
    made = paths.encode(table())
    assert (made.channels, len(made.codes), made.starts.tolist()) == ((), 0, [0])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (table((("a",), 1, 1, 0)).drop(columns="path"), "there is no column 'path'"),
        (table((("a",), 1, 1, 0)).drop(columns="conversions"), "there is no column 'conversions'"),
        (table((("a",), 1, 1, 0), ((), 1, 1, 0)), "row 1: the path is empty"),
        (table((("a",), 1, 1, 0), ("a>b", 1, 1, 0)), "row 1: the path must be a tuple .* not str: .* read_paths"),
        (table((("a",), 1, 1, 0), (("a", None), 1, 1, 0)), "row 1: the path has a step that is not the name"),
        (table((("a",), 1, 1, 0), (("a", ""), 1, 1, 0)), "row 1: the path has a step that is not the name"),
        (table((("a",), 1, 1, 0), (("a", 7), 1, 1, 0)), "row 1: the path has a step that is not the name"),
        (table((("a",), 1, 1, 0), (("a",), -1, 1, 0)), "row 1: conversions is -1"),
        (table((("a",), 1, 1, 0), (("a",), np.nan, 1, 0)), "row 1: conversions is nan"),
        (table((("a",), 1, 1, 0), (("a",), 1, np.inf, 0)), "row 1: value is inf"),
        (table((("a",), 1, 1, 0), (("a",), 1, 1, "many")), "row 1: nulls is many"),
        (table((("a",), 1, 1, 0), (("a",), 0, 1, 3)), "row 1: value without a conversion"),
        (
            table((("a", "b"), 1, 1, 0), hours_before_end=[(1,)]),
            "row 0: hours_before_end must have one number per touch",
        ),
        (table((("a",), 1, 1, 0), (("b",), 1, 1, 0), hours_before_end=[(1,), (-1,)]), "row 1: .* no touch comes after"),
        (table((("a", "b"), 1, 1, 0), hours_before_end=[(1, np.nan)]), "row 0: hours_before_end must be 0 or more"),
    ],
)
def test_what_is_no_table_of_journeys_is_refused_and_the_row_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        paths.encode(wrong)


def test_a_row_is_named_by_its_index():
    with pytest.raises(ValueError, match="row x: the path is empty"):
        paths.encode(table((("a",), 1, 1, 0), ((), 1, 1, 0)).set_axis(["w", "x"]))


def test_a_channel_named_as_a_state_is_refused_where_a_table_could_not_tell_them_apart():
    paths.check_names(("a", "b"), ("(start)", "(null)"))
    with pytest.raises(ValueError, match=r"a channel is called '\(start\)'"):
        paths.check_names(("(start)", "b"), ("(start)", "(null)"))


# --- ready-made tables ---


def test_texts_become_tuples_blanks_go_and_equal_paths_add_up():
    frame = pd.DataFrame(
        {
            "path": ["feed > we com", "sms", " feed>we com ", "sms > sms"],
            "conversions": [1, 0.25, 2, 0],
            "value": [10.5, 1, 20, 0],
            "nulls": [3, 0, 0, 9],
            "note": "x",
        }
    )
    expected = table((("feed", "we com"), 3.0, 30.5, 3.0), (("sms",), 0.25, 1.0, 0.0), (("sms", "sms"), 0.0, 0.0, 9.0))
    assert_frame_equal(paths.read_paths(frame), expected)
    assert_frame_equal(paths.read_paths(frame.sample(frac=1, random_state=1)), expected)


def test_any_separator_and_only_conversions():
    frame = pd.DataFrame({"path": ["a | b>c"], "conversions": [1]})
    assert paths.read_paths(frame, " | ")["path"].tolist() == [("a", "b>c")]
    assert paths.read_paths(frame, ">")["path"].tolist() == [("a | b", "c")]


@pytest.mark.parametrize(
    ("path", "conversions", "message"),
    [
        ("", 1, "row 1: the path is empty"),
        ("  ", 1, "row 1: the path is empty"),
        (None, 1, "row 1: the path is empty"),
        ("a>>b", 1, "row 1: the path has an empty step beside '>'"),
        ("a>", 1, "row 1: the path has an empty step"),
        ("a", None, "row 1: conversions is nan"),
        ("a", -2, "row 1: conversions is -2"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(path, conversions, message):
    with pytest.raises(ValueError, match=message):
        paths.read_paths(pd.DataFrame({"path": ["a>b", path], "conversions": [1, conversions]}))


@pytest.mark.parametrize("separator", ["", " ", None])
def test_a_separator_must_be_seen(separator):
    with pytest.raises(ValueError, match="separator must be a text such as '>'"):
        paths.read_paths(pd.DataFrame({"path": ["a"], "conversions": [1]}), separator)


def test_no_rows_are_no_paths():
    made = paths.read_paths(pd.DataFrame({"path": [], "conversions": []}))
    assert list(made.columns) == paths.COLUMNS
    assert made.empty
    paths.encode(made)


# --- any table ---

CHANNEL = st.sampled_from(["a", "b", "c", "(start)", "抖音"])
ROWS = st.lists(
    st.tuples(st.lists(CHANNEL, min_size=1, max_size=4).map(tuple), st.integers(0, 9), st.integers(0, 9)), max_size=12
)


@given(ROWS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_adding_up_keeps_sums_and_does_not_depend_on_the_order_of_rows(rows, random):
    frame = table(*[(path, n, 2.5 * n, nulls) for path, n, nulls in rows])
    made = paths.aggregate(frame)
    assert not made["path"].duplicated().any()
    assert made["path"].tolist() == sorted(made["path"])
    for name in paths.COUNTS:
        assert made[name].sum() == frame[name].sum()
    random.shuffle(rows)
    assert_frame_equal(paths.aggregate(table(*[(path, n, 2.5 * n, nulls) for path, n, nulls in rows])), made)


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_numbers_and_texts_lead_back_to_the_paths(rows):
    frame = table(*[(path, n, 2.5 * n, nulls) for path, n, nulls in rows])
    made = paths.encode(frame)
    back = [
        tuple(made.channels[code] for code in made.codes[begin:end])
        for begin, end in zip(made.starts[:-1], made.starts[1:], strict=True)
    ]
    assert back == frame["path"].tolist()
    texts = frame.assign(path=[" > ".join(path) for path in frame["path"]])
    read = paths.read_paths(texts)
    assert read["path"].tolist() == sorted(set(back))
    assert read[paths.COUNTS].sum().tolist() == frame[paths.COUNTS].sum().tolist()


def test_rows_with_different_hours_stay_apart():
    frame = table((("a",), 1, 1, 0), (("a",), 1, 1, 0), (("a",), 1, 1, 0), hours_before_end=[(2.0,), (1.0,), (2.0,)])
    made = paths.aggregate(frame)
    assert made["hours_before_end"].tolist() == [(1.0,), (2.0,)]
    assert made["conversions"].tolist() == [1, 2]
