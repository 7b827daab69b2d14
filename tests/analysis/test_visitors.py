"""Visitors of two periods: counted by hand, and refused where conversion would measure the recording."""

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.visitors import not_known, visitors_of

DAYS = [("2024-01-01", "2024-01-31"), ("2024-02-01", "2024-02-29")]
WINDOWS = tuple(tuple(order_log.day_number(day, "day") for day in ends) for ends in DAYS)
BUYERS = [2, 1]


def bought():
    rows = pd.DataFrame({"customer_id": ["ana", "ben", "ana"], "window": [0, 0, 1]})
    return nw.from_native(rows).lazy()


def touches(*rows):
    frame = pd.DataFrame(list(rows), columns=["visitor_id", "touched_at", "customer_id"])
    return frame.assign(touched_at=pd.to_datetime(frame["touched_at"], format="ISO8601"))


TOUCHES = [
    ("v1", "2023-12-01", None),
    ("v1", "2024-01-02", "ana"), ("v1", "2024-01-31 23:59:59", None), ("v2", "2024-01-05", "ben"),
    ("v3", "2024-01-09", None), ("v4", "2024-02-01", "ana"), ("v5", "2024-02-29 12:00", None),
    (None, "2024-02-10", None),
    ("v6", "2024-03-01", None),
]  # fmt: skip


def test_different_visitors_in_each_window():
    found, about = visitors_of(touches(*TOUCHES), None, bought(), BUYERS, WINDOWS)
    assert found == [3, 2]
    assert about == {"traffic": "touchpoints", "traffic_refused": None, "touched_share": [1.0, 1.0]}


def test_without_names_the_share_of_recorded_buyers_is_not_known():
    found, about = visitors_of(touches(*TOUCHES).drop(columns="customer_id"), None, bought(), BUYERS, WINDOWS)
    assert found == [3, 2]
    assert about["touched_share"] is None


@pytest.mark.parametrize(
    ("rows", "gate"),
    [
        ([*TOUCHES[1:5], ("v9", "2024-02-20", None)], "visits recorded in both periods"),  # ends nine days early
        ([("v9", "2024-01-09", "ana"), *TOUCHES[5:]], "visits recorded in both periods"),  # begins eight days late
        ([TOUCHES[0], TOUCHES[1], *TOUCHES[5:]], "buyers with a recorded visit"),  # Ben's visit is not recorded
        ([], "visits recorded in both periods"),
        ([TOUCHES[0], TOUCHES[-1]], "visitors known"),  # nobody came in either
    ],
)
def test_a_record_that_would_measure_itself_is_refused(rows, gate):
    rows = [(*row[:2], row[2]) for row in rows]
    frame = touches(*rows)
    if gate == "visitors known":
        frame = frame.drop(columns="customer_id")
    found, about = visitors_of(frame, None, bought(), BUYERS, WINDOWS)
    assert found is None
    assert about["traffic"] is None
    assert about["traffic_refused"].gate == gate


def test_more_buyers_than_visitors_are_refused():
    frame = touches(*TOUCHES).drop(columns="customer_id")
    found, about = visitors_of(frame, None, bought(), [4, 1], WINDOWS)
    assert found is None
    assert (about["traffic_refused"].seen, about["traffic_refused"].needed) == (4, 3)


def spend(days, visitors, **more):
    return pd.DataFrame({"date": pd.to_datetime(days), "visitors": visitors, **more})


def test_paid_visitors_are_added_up_over_days_and_channels():
    table = spend(
        ["2024-01-01", "2024-01-01", "2024-01-31", "2024-02-01", "2024-02-28", "2024-03-01"], [5, 7, 1, 4, 2, 90]
    )
    found, about = visitors_of(None, table, bought(), BUYERS, WINDOWS)
    assert found == [13, 6]
    assert about["traffic"] == "spend"


def test_monthly_visitors_serve_whole_months_only():
    table = spend(["2024-01-01", "2024-02-01"], [13, 6])
    assert visitors_of(None, table, bought(), BUYERS, WINDOWS)[0] == [13, 6]
    shifted = tuple((first + 1, last) for first, last in WINDOWS)
    assert visitors_of(None, table, bought(), BUYERS, shifted)[1]["traffic_refused"].gate == "whole months"


@pytest.mark.parametrize(
    "table",
    [
        spend(["2024-01-02", "2024-02-28"], [5.0, np.nan]),
        spend(["2024-01-02", "2024-02-28"], [5, 5]).drop(columns="visitors"),
        spend([], []),
        spend(["2024-01-02", "2024-02-02"], [5, 5]),
    ],
)
def test_blank_missing_or_short_visitors_are_not_made_up(table):
    found, about = visitors_of(None, table, bought(), BUYERS, WINDOWS)
    assert found is None
    assert isinstance(about["traffic_refused"], Refused)


def test_nothing_given_nothing_known():
    assert visitors_of(None, None, bought(), BUYERS, WINDOWS) == (
        None, {"traffic": None, "traffic_refused": not_known(), "touched_share": None},
    )  # fmt: skip
    with pytest.raises(ValueError, match="no column 'visitor_id'; did you mean 'visitorid'"):
        visitors_of(touches(*TOUCHES).rename(columns={"visitor_id": "visitorid"}), None, bought(), BUYERS, WINDOWS)
