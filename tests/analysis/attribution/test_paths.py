"""Paths against tables worked by hand, and what must hold for any table of paths."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
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


@pytest.mark.parametrize("separator", [" ", "\t"])
def test_a_blank_or_a_tab_may_separate(separator):
    frame = pd.DataFrame({"path": [separator.join(["a", "b", "a"]), "b"], "conversions": [1, 2]})
    assert paths.read_paths(frame, separator)["path"].tolist() == [("a", "b", "a"), ("b",)]


@pytest.mark.parametrize("separator", ["", None])
def test_a_separator_must_be_a_text(separator):
    with pytest.raises(ValueError, match="separator must be a text such as '>'"):
        paths.read_paths(pd.DataFrame({"path": ["a"], "conversions": [1]}), separator)


def test_value_without_a_conversion_is_named_by_the_row_it_was_read_from():
    frame = pd.DataFrame({"path": ["z", "a", "b"], "conversions": [0, 1, 2], "value": [5.0, 1, 1]})
    with pytest.raises(ValueError, match="row 0: value without a conversion"):
        paths.read_paths(frame)
    with pytest.raises(ValueError, match="row last: value without a conversion"):
        paths.read_paths(frame.iloc[::-1].set_axis(["first", "then", "last"]))
    more = pd.concat([frame, pd.DataFrame({"path": [" z"], "conversions": [1], "value": [0.0]})])  # one path of z
    assert paths.read_paths(more)["value"].tolist() == [1, 1, 5]


def test_a_table_of_journeys_needs_no_reading():
    with pytest.raises(ValueError, match="row 0: the path is a tuple, not a text"):
        paths.read_paths(table((("a", "b"), 1, 1.0, 0)))


def test_other_engines_are_read_too():
    frame = pd.DataFrame({"path": ["a > b", "b"], "conversions": [1, 2], "value": [3.0, 4.0], "nulls": [5, 6]})
    for other in (pl.from_pandas(frame), pl.from_pandas(frame).lazy(), duckdb.from_df(frame)):
        assert_frame_equal(paths.read_paths(other), paths.read_paths(frame))


def test_how_much_value_varies_is_kept_before_it_is_summed():
    # Two paths of two orders each: 10 and 30, mean 20; 50 and 50. Rows of one path vary by 200 about the means.
    frame = pd.DataFrame({"path": ["a", "a", "b", "b", "c"], "conversions": 1, "value": [10.0, 30, 50, 50, 7]})
    expected = 200 / (20**2 + 50**2)
    assert paths.read_paths(frame).attrs["value_variation"] == pytest.approx(expected)
    assert paths.read_paths(frame.iloc[::-1]).attrs == paths.read_paths(frame).attrs
    again = paths.aggregate(paths.read_paths(frame))  # sums tell nothing new
    assert again.attrs["value_variation"] == pytest.approx(expected)
    assert paths.read_paths(frame.drop_duplicates("path")).attrs == {}
    assert paths.read_paths(frame.drop(columns="value")).attrs == {}
    # A row of several orders shows their mean: two rows of four orders that differ by chance tell the same of one.
    rng = np.random.default_rng(1)
    value = rng.gamma(2, 50, (4000, 4)).sum(axis=1)
    whole = paths.aggregate(pd.DataFrame({"path": [("a",)] * 4000, "conversions": 4, "value": value, "nulls": 0}))
    assert whole.attrs["value_variation"] == pytest.approx(1 / 2, rel=0.1)


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


def test_lists_are_paths_too_and_a_missing_column_is_named():
    frame = table((["b"], 1, 1.0, 0), (("a", "b"), 1, 1.0, 0), (["b"], 1, 1.0, 0))
    assert paths.aggregate(frame)["path"].tolist() == [("a", "b"), ("b",)]
    with_hours = frame.assign(hours_before_end=[(0.0,), (1.0, 0.0), (0.0,)])
    assert paths.aggregate(with_hours)["conversions"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="no column 'nulls'"):
        paths.aggregate(frame.drop(columns="nulls"))
    with pytest.raises(ValueError, match="row 0: the path must be a tuple of channel names, not str"):
        paths.aggregate(frame.assign(path="a>b"))


def test_rows_with_different_hours_stay_apart():
    frame = table((("a",), 1, 1, 0), (("a",), 1, 1, 0), (("a",), 1, 1, 0), hours_before_end=[(2.0,), (1.0,), (2.0,)])
    made = paths.aggregate(frame)
    assert made["hours_before_end"].tolist() == [(1.0,), (2.0,)]
    assert made["conversions"].tolist() == [1, 2]


@pytest.mark.parametrize("hours", [None, 3.0, (1.0,), "ab"])
def test_hours_that_do_not_fit_the_path_are_named(hours):
    with pytest.raises(ValueError, match="row 0: hours_before_end must have one number per touch"):
        paths.encode(table((("a", "b"), 1, 1, 0)).assign(hours_before_end=pd.Series([hours], dtype=object)))
